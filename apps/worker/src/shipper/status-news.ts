import type { ShipperStatus } from './shipper-loop.js';

const TELL_EVERY_MS = 5_000;

export interface ToldStatus extends ShipperStatus {
  readonly journal_faults: number;
}

/** Which status is worth a message to the supervisor: at most one in five seconds, and none where nothing changed but the clock. */
export class StatusNews {
  #told = '';
  #toldMs = Number.NEGATIVE_INFINITY;

  /** True: tell it now. `last`: no other one follows, so that it does not wait for its turn. */
  isNews(status: ToldStatus, nowMs: number, last = false): boolean {
    // The lag in whole seconds: below one it is a batch on its way.
    const figures = JSON.stringify({ ...status, lag_ms: Math.floor(status.lag_ms / 1_000) });
    if (figures === this.#told || (!last && nowMs - this.#toldMs < TELL_EVERY_MS)) return false;
    this.#told = figures;
    this.#toldMs = nowMs;
    return true;
  }
}
