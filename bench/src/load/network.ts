import { DelayQueue } from './delay-queue.js';
import { Link, type LinkConditions } from './link.js';

/** The links of a fleet, both ways of each robot, over one timer: what is under way is held here, in the client. */
export class Network {
  readonly #conditions: LinkConditions;
  readonly #random: () => number;
  readonly #now: () => number;
  readonly #links: { out: Link; in: Link }[];
  readonly #queue = new DelayQueue<() => void>();
  #timer: NodeJS.Timeout | null = null;
  #timerMs = Number.POSITIVE_INFINITY;

  constructor(conditions: LinkConditions, robots: number, random: () => number, now: () => number) {
    this.#conditions = conditions;
    this.#random = random;
    this.#now = now;
    this.#links = Array.from({ length: robots }, () => this.#fresh());
  }

  /** Of connection, upgrade and its answer, before a new socket can say anything. */
  get setUpMs(): number {
    return 4 * this.#conditions.delayMs;
  }

  /** A new connection owes nothing to what the one before lost. */
  reconnected(robot: number): void {
    this.#links[robot] = this.#fresh();
  }

  carry(robot: number, way: 'out' | 'in', bytes: number, deliver: () => void): void {
    const dueMs = this.#links[robot]?.[way].arrivalMs(this.#now(), bytes) ?? this.#now();
    this.#queue.push(dueMs, deliver);
    if (dueMs < this.#timerMs) this.#arm();
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #fresh(): { out: Link; in: Link } {
    return { out: new Link(this.#conditions, this.#random), in: new Link(this.#conditions, this.#random) };
  }

  #arm(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timerMs = this.#queue.nextMs;
    if (this.#timerMs === Number.POSITIVE_INFINITY) {
      this.#timer = null;
      return;
    }
    this.#timer = setTimeout(
      () => {
        this.#timerMs = Number.POSITIVE_INFINITY;
        this.#queue.drain(this.#now(), (deliver) => deliver());
        this.#arm();
      },
      Math.max(0, Math.ceil(this.#timerMs - this.#now())),
    );
  }
}
