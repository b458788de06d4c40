import { ClockEstimator, type Pong } from '@sinew/protocol';

/** The server's clock as this side sees it, from pongs; W7 with the sides exchanged. */
export class ServerClock {
  readonly #estimator = new ClockEstimator();

  onPong(pong: Pong, arrivalMs: number): void {
    this.#estimator.onPing(
      pong.server_time_ms,
      { server_time_ms: pong.sent_at_ms, received_at_ms: pong.received_at_ms },
      arrivalMs,
    );
  }

  /** Own clock − server clock, ms; null until the first pong of a connection. */
  get offsetMs(): number | null {
    return this.#estimator.estimate()?.offset_ms ?? null;
  }

  get rttMs(): number | null {
    return this.#estimator.rttMs;
  }

  reset(): void {
    this.#estimator.reset();
  }
}
