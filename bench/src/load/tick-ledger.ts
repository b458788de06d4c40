import type { Latencies } from '../stats/latencies.js';

/** What one robot received in the measured window: gaps in `seq`, and how far arrivals stray from an ideal schedule. */
export class TickLedger {
  readonly #periodMs: number;
  /** Arrival less n · period: constant for a perfect server and a perfect network. */
  readonly #offsets: number[] = [];
  #last: number | null = null;
  missed = 0;

  constructor(hz: number) {
    this.#periodMs = 1_000 / hz;
  }

  get received(): number {
    return this.#offsets.length;
  }

  add(seq: number, arrivedMs: number): void {
    if (this.#last !== null) this.missed += Math.max(0, seq - this.#last - 1);
    this.#last = seq;
    this.#offsets.push(arrivedMs - seq * this.#periodMs);
  }

  /** The earliest schedule that no tick came before: lateness counts from it. Infinity without ticks. */
  get originMs(): number {
    let origin = Number.POSITIVE_INFINITY;
    for (const offset of this.#offsets) if (offset < origin) origin = offset;
    return origin;
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
