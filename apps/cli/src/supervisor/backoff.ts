const FIRST_MS = 100;
const FACTOR = 2;
/** Short enough that a service which was killed many times in a row is still back within ten seconds. */
const LONGEST_MS = 3000;
/** A process that lived this long crashed for a new reason: it gets the quick restart again. */
const HEALTHY_MS = 30_000;

/** How long to wait before the next restart: 100 ms at first, doubling while it keeps dying young. */
export class Backoff {
  #next = FIRST_MS;

  /** `uptimeMs`: how long the process had lived when it exited. */
  delayMs(uptimeMs: number): number {
    if (uptimeMs >= HEALTHY_MS) this.#next = FIRST_MS;
    const delay = this.#next;
    this.#next = Math.min(LONGEST_MS, this.#next * FACTOR);
    return delay;
  }
}
