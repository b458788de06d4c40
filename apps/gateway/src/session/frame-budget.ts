/** Frames beyond the budget for this long close the session (W6). */
const PATIENCE_MS = 10_000;

/**
 * W6: at most 2 × control_hz + 20 frames a second, as a token bucket of one second. Frames above are dropped before they
 * are decoded; ten seconds of it without a second's pause is abuse. In lockstep an answer gives back what its observation
 * took: who waits for answers asks for no more than the server has to give.
 */
export class FrameBudget {
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #updatedMs: number;
  #overSince: number | null = null;
  #lastOver = 0;

  constructor(controlHz: number, nowMs: number) {
    this.#burst = 2 * controlHz + 20;
    this.#perMs = this.#burst / 1_000;
    this.#tokens = this.#burst;
    this.#updatedMs = nowMs;
  }

  giveBack(): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + 1);
  }

  take(nowMs: number): 'ok' | 'drop' | 'close' {
    this.#tokens = Math.min(this.#burst, this.#tokens + (nowMs - this.#updatedMs) * this.#perMs);
    this.#updatedMs = nowMs;
    if (this.#tokens >= 1) {
      this.#tokens -= 1;
      return 'ok';
    }
    if (this.#overSince === null || nowMs - this.#lastOver > 1_000) this.#overSince = nowMs;
    this.#lastOver = nowMs;
    return nowMs - this.#overSince >= PATIENCE_MS ? 'close' : 'drop';
  }
}
