/**
 * When each observation of a fleet is due: an open loop, fixed before the run, that no slow answer delays. All robots have
 * the same period and evenly staggered phases, so that due times are one arithmetic sequence: send k belongs to robot
 * k mod N and is its observation ⌊k / N⌋.
 */
export class SendSchedule {
  readonly #startMs: number;
  readonly #robots: number;
  readonly #stepMs: number;
  #next = 0;

  constructor(startMs: number, robots: number, hz: number) {
    this.#startMs = startMs;
    this.#robots = robots;
    this.#stepMs = 1_000 / hz / robots;
  }

  /** What latency counts from: when observation `seq` of `robot` was to be sent, whether or not it was sent then. */
  intendedMs(robot: number, seq: number): number {
    return this.#startMs + (seq * this.#robots + robot) * this.#stepMs;
  }

  nextDueMs(): number {
    return this.#startMs + this.#next * this.#stepMs;
  }

  /** Calls back for every observation due by `nowMs`, in order. A sender that was late sends all it owes. */
  advance(nowMs: number, send: (robot: number, seq: number, intendedMs: number) => void): void {
    for (;;) {
      const dueMs = this.nextDueMs();
      if (dueMs > nowMs) return;
      const k = this.#next++;
      send(k % this.#robots, Math.floor(k / this.#robots), dueMs);
    }
  }
}
