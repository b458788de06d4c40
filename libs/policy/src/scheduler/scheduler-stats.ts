export interface SchedulerStats {
  /** Waiting requests, known requesters, and batches with the backend. */
  readonly depth: number;
  readonly requesters: number;
  readonly batchesInFlight: number;
  /** Requests that entered a batch, and the sum of their waits (ms). */
  readonly taken: number;
  readonly waitMs: number;
  /** Requests whose observation was too old when its turn came. */
  readonly stale: number;
  /** Results that came after the session's last action had run. */
  readonly missed: number;
  readonly failed: number;
  /** Batches whose worker died, and requests run a second time. */
  readonly lost: number;
  readonly retried: number;
  /** Requesters that threw. */
  readonly faults: number;
  /** Index B: how many batches of B came back, and their graph and decoding time together (ms). */
  readonly batches: readonly number[];
  readonly inferMs: readonly number[];
  readonly decodeMs: readonly number[];
}

/** Counters since the start (Q7). */
export class SchedulerCounters {
  stale = 0;
  missed = 0;
  failed = 0;
  lost = 0;
  retried = 0;
  faults = 0;
  #taken = 0;
  #waitMs = 0;
  readonly #batches: number[];
  readonly #inferMs: number[];
  readonly #decodeMs: number[];

  constructor(maxBatch: number) {
    this.#batches = new Array<number>(maxBatch + 1).fill(0);
    this.#inferMs = this.#batches.slice();
    this.#decodeMs = this.#batches.slice();
  }

  taken(waitMs: number): void {
    this.#taken++;
    this.#waitMs += waitMs;
  }

  ran(size: number, inferMs: number, decodeMs: number): void {
    this.#batches[size] = (this.#batches[size] ?? 0) + 1;
    this.#inferMs[size] = (this.#inferMs[size] ?? 0) + inferMs;
    this.#decodeMs[size] = (this.#decodeMs[size] ?? 0) + decodeMs;
  }

  read(now: Pick<SchedulerStats, 'depth' | 'requesters' | 'batchesInFlight'>): SchedulerStats {
    const { stale, missed, failed, lost, retried, faults } = this;
    return {
      ...now,
      taken: this.#taken,
      waitMs: this.#waitMs,
      stale,
      missed,
      failed,
      lost,
      retried,
      faults,
      batches: [...this.#batches],
      inferMs: [...this.#inferMs],
      decodeMs: [...this.#decodeMs],
    };
  }
}
