// W7. Two clocks that never meet: the client stamps captures with its own, the server learns the difference from pings.
// Convention: offset = server clock − client clock, so a capture is at `captured_at_ms + offset` on the server's clock.

import { SlidingMinimum } from './sliding-minimum.js';

const PING_WINDOW = 16;
const ARRIVAL_WINDOW = 64;
const FUTURE_TOLERANCE_MS = 1000;

export interface ClockEstimate {
  /** Server clock − client clock, ms. */
  offset_ms: number;
  /** Round trip of the sample the offset is from; null when it is from arrivals alone. */
  rtt_ms: number | null;
}

interface PingSample {
  rtt_ms: number;
  offset_ms: number;
}

/** Server side. All times in ms; pure. */
export class ClockEstimator {
  readonly #pings: PingSample[] = [];
  /** Of arrival − capture. */
  readonly #arrivals = new SlidingMinimum(ARRIVAL_WINDOW);
  #best: PingSample | null = null;

  /**
   * A ping that echoes the last pong. In W7's letters the exchange starts at the server: T1 the pong left (server),
   * T2 it reached the client, T3 the ping left the client, T4 it reached the server.
   * RTT = (T4−T1) − (T3−T2), offset = server − client = ((T1−T2) + (T4−T3)) / 2.
   */
  onPing(
    sentAtMs: number,
    echo: { server_time_ms: number; received_at_ms: number } | undefined,
    arrivalMs: number,
  ): void {
    if (echo === undefined) return;
    const t1 = echo.server_time_ms;
    const t2 = echo.received_at_ms;
    const t3 = sentAtMs;
    const t4 = arrivalMs;
    const rtt = t4 - t1 - (t3 - t2);
    // an echo from the future, of a ping sent before its pong came, or older than the connection can be says nothing
    if (!(rtt >= 0) || t3 < t2 || t1 > t4) return;
    this.#pings.push({ rtt_ms: rtt, offset_ms: (t1 - t2 + (t4 - t3)) / 2 });
    if (this.#pings.length > PING_WINDOW) this.#pings.shift();
    this.#best = this.#pings.reduce((best, sample) => (sample.rtt_ms <= best.rtt_ms ? sample : best));
  }

  /** Every observation that arrives, before its age is asked for. */
  onObservation(capturedAtMs: number, arrivalMs: number): void {
    this.#arrivals.push(arrivalMs - capturedAtMs);
  }

  /** The clocks' difference as known now; null before the first ping echo and the first observation. */
  estimate(): ClockEstimate | null {
    if (this.#best !== null) return { offset_ms: this.#best.offset_ms, rtt_ms: this.#best.rtt_ms };
    const offset = this.#offsetMs();
    return offset === null ? null : { offset_ms: offset, rtt_ms: null };
  }

  #offsetMs(): number | null {
    if (this.#best !== null) return this.#best.offset_ms;
    return Number.isFinite(this.#arrivals.value) ? this.#arrivals.value : null;
  }

  /** The measured round trip, ms; null without echoes. */
  get rttMs(): number | null {
    return this.#best?.rtt_ms ?? null;
  }

  /** Age at `nowMs` of an observation: a stamp can make it older than its arrival says, never younger. */
  ageMs(capturedAtMs: number, arrivalMs: number, nowMs: number): number {
    const sinceArrival = nowMs - arrivalMs;
    const offset = this.#offsetMs();
    return offset === null ? sinceArrival : Math.max(sinceArrival, nowMs - (capturedAtMs + offset));
  }

  /** Whether the capture lies over 1 s after its arrival; only an RTT estimate can tell. */
  isFromTheFuture(capturedAtMs: number, arrivalMs: number): boolean {
    return this.#best !== null && capturedAtMs + this.#best.offset_ms > arrivalMs + FUTURE_TOLERANCE_MS;
  }

  /**
   * A new socket may be another path: RTT samples go. The client's clock stays, and with it the arrivals: without them the
   * first observation that comes, perhaps held up for long, would count as made when it arrived.
   */
  reset(): void {
    this.#pings.length = 0;
    this.#best = null;
  }
}
