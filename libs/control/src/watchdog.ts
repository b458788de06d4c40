/**
 * S6: stale is a session that for `staleAfterMs` has received no observation younger than that. All times on one monotonic
 * clock, handed in; a sender's stamp only ever enters through `ageMs` and can make an observation older, never younger.
 */
export class Watchdog {
  readonly staleAfterMs: number;
  #freshAtMs = Number.NEGATIVE_INFINITY;

  constructor(staleAfterMs: number) {
    if (!(staleAfterMs > 0)) throw new RangeError('staleAfterMs must be positive');
    this.staleAfterMs = staleAfterMs;
  }

  /** An observation `ageMs` old came in. True: it is young enough to count, and to infer from. */
  observed(nowMs: number, ageMs: number): boolean {
    if (!(ageMs < this.staleAfterMs)) return false;
    this.#freshAtMs = Math.max(this.#freshAtMs, nowMs);
    return true;
  }

  /** Also before the first observation, and when `nowMs` is not a number. */
  stale(nowMs: number): boolean {
    return !(nowMs - this.#freshAtMs < this.staleAfterMs);
  }

  /** Forgets what was received: after a resume, nothing from before counts. */
  reset(): void {
    this.#freshAtMs = Number.NEGATIVE_INFINITY;
  }
}
