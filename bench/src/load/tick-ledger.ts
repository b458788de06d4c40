import type { Latencies } from '../stats/latencies.js';

/** What one robot received in the measured window: gaps in `seq`, and how far arrivals stray from an ideal schedule. */
export class TickLedger {
  readonly #periodMs: number;
  /** Arrival less n · period: constant for a perfect server and a perfect network. */
  readonly #offsets: number[] = [];
  readonly #keeps: boolean;
  #received = 0;
  #originMs = Number.POSITIVE_INFINITY;
  #last: number | null = null;
  missed = 0;

  /** Without keeping, `latenessMs` and `recordLateness` know nothing: for runs of hours. */
  constructor(hz: number, keeps = true) {
    this.#periodMs = 1_000 / hz;
    this.#keeps = keeps;
  }

  get received(): number {
    return this.#received;
  }

  add(seq: number, arrivedMs: number): void {
    if (this.#last !== null) this.missed += Math.max(0, seq - this.#last - 1);
    this.#last = seq;
    const offset = arrivedMs - seq * this.#periodMs;
    this.#received++;
    if (offset < this.#originMs) this.#originMs = offset;
    if (this.#keeps) this.#offsets.push(offset);
  }

  /** The earliest schedule that no tick came before: lateness counts from it. Infinity without ticks. */
  get originMs(): number {
    return this.#originMs;
  }

  /** Ticks that were due by `nowMs` and have not come: what a robot that hears nothing any more misses without a gap. */
  overdue(nowMs: number): number {
    if (this.#last === null) return 0;
    return Math.max(0, Math.floor((nowMs - this.originMs) / this.#periodMs) - this.#last);
  }

  /** How late the `index`-th received tick came, ms. */
  latenessMs(index: number, originMs = this.originMs): number {
    return (this.#offsets[index] ?? Number.NaN) - originMs;
  }

  recordLateness(into: Latencies): void {
    const origin = this.originMs;
    for (const offset of this.#offsets) into.record(offset - origin);
  }
}
