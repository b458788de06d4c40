import { type ErasureRow, type Erasures, shipperPart } from '@sinew/db';
import type { SegmentHeader } from '@sinew/journal';

const LOOK_EVERY_MS = 1_000;

export interface WatchPorts {
  /** Of the newest segment seen; null before the first. */
  readonly header: () => Pick<SegmentHeader, 'journal_id' | 'node'> | null;
  readonly erasures: <T>(work: (erasures: Erasures) => Promise<T>) => Promise<T>;
  /** False where it cannot be done now. */
  readonly forget: (rows: readonly ErasureRow[]) => Promise<boolean>;
  readonly now: () => number;
}

/** The shipper's part in erasures: what it knows of sessions that go on stands in its checkpoint's file. */
export class ErasureWatch {
  readonly #ports: WatchPorts;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #announced: string | null = null;

  constructor(ports: WatchPorts) {
    this.#ports = ports;
  }

  /** Looks once a second, and does what there is to do. Rejects where the database is away. */
  async look(): Promise<void> {
    const { erasures, forget, header, now } = this.#ports;
    const journal = header();
    if (journal === null || now() - this.#lookedAt < LOOK_EVERY_MS) return;
    this.#lookedAt = now();
    const { journal_id, node } = journal;
    if (this.#announced !== journal_id) await erasures((all) => all.sawJournal(journal_id, node, true));
    this.#announced = journal_id;
    const part = shipperPart(journal_id);
    const rows = await erasures((all) => all.toDo(part));
    if (rows.length === 0 || !(await forget(rows))) return;
    for (const { erasure_id } of rows) {
      await erasures((all) => all.report(erasure_id, part, { counts: null, done: true }));
    }
  }
}
