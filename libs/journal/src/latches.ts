import type { JournalRecord } from './records.js';

/** An e-stop that stands until it is cleared. */
export interface Latch {
  readonly customer_id: string;
  readonly robot_id: string;
  readonly since_ms: number;
  /** Who set it: `client`, `operator`; `journal_damaged` where lost records might have held an e-stop. */
  readonly by: string;
}

/** The e-stop latches of a folder (S11): set and released by event records, in their order. */
export class Latches {
  readonly #latches = new Map<string, Latch>();

  constructor(latches: Iterable<Latch> = []) {
    for (const latch of latches) this.set(latch);
  }

  get size(): number {
    return this.#latches.size;
  }

  has(customerId: string, robotId: string): boolean {
    return this.#latches.has(keyOf(customerId, robotId));
  }

  values(): Latch[] {
    return [...this.#latches.values()];
  }

  /** A second e-stop keeps the first one's time. */
  set(latch: Latch): void {
    const key = keyOf(latch.customer_id, latch.robot_id);
    if (!this.#latches.has(key)) this.#latches.set(key, latch);
  }

  apply(record: JournalRecord): void {
    if (record.kind !== 'event') return;
    if (record.event === 'estop') {
      const by = typeof record.data?.by === 'string' ? record.data.by : 'client';
      this.set({ customer_id: record.customer_id, robot_id: record.robot_id, since_ms: record.t_ms, by });
    } else if (record.event === 'estop_clear') {
      this.#latches.delete(keyOf(record.customer_id, record.robot_id));
    }
  }
}

function keyOf(customerId: string, robotId: string): string {
  return `${customerId}\n${robotId}`;
}
