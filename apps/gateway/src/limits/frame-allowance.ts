/** Frames beyond the rate for this long cost the customer a session. */
const PATIENCE_MS = 10_000;
const FORGIVEN_AFTER_MS = 1_000;

/**
 * The frames that one gateway takes from one customer, over all of its sessions: a token bucket of one second, beside each
 * session's own budget (W6). Plain numbers: it is asked with every frame, at 100,000 frames a second.
 */
export class FrameAllowance {
  #perMs: number;
  #burst: number;
  #tokens: number;
  #updatedMs = 0;
  /** Since when there was no second without a dropped frame; -1: it keeps to its rate. */
  #overSinceMs = -1;
  #lastOverMs = 0;

  constructor(framesPerSecond: number) {
    this.#burst = framesPerSecond;
    this.#perMs = framesPerSecond / 1_000;
    this.#tokens = framesPerSecond;
  }

  setRate(framesPerSecond: number): void {
    this.#burst = framesPerSecond;
    this.#perMs = framesPerSecond / 1_000;
  }

  /** `close`: the session that sent this frame is one too many. One every ten seconds: the others may then fit. */
  take(nowMs: number): 'ok' | 'drop' | 'close' {
    const tokens = this.#tokens + (nowMs - this.#updatedMs) * this.#perMs;
    this.#updatedMs = nowMs;
    if (tokens >= 1) {
      this.#tokens = Math.min(tokens, this.#burst) - 1;
      return 'ok';
    }
    this.#tokens = tokens;
    if (this.#overSinceMs < 0 || nowMs - this.#lastOverMs > FORGIVEN_AFTER_MS) this.#overSinceMs = nowMs;
    this.#lastOverMs = nowMs;
    if (nowMs - this.#overSinceMs < PATIENCE_MS) return 'drop';
    this.#overSinceMs = nowMs;
    return 'close';
  }
}
