import type { Rank, Urgency } from './order.js';
import type { Requester } from './requester.js';

/** What the scheduler knows of one requester, while it waits, is in flight, or has something reserved. */
export interface Request {
  readonly requester: Requester;
  state: 'idle' | 'queued' | 'in_flight';
  /** Asked again while in flight: queue it once more when its result is there. */
  again: boolean;
  /** Removed while in flight: its result is thrown away. */
  discard: boolean;
  /** Order of arrival. */
  arrival: number;
  queuedAtMs: number;
  /** When it last asked: −∞ before. */
  askedAtMs: number;
  /** Whether actions were left when it was taken: only then can its result miss the deadline. */
  hadActions: boolean;
  /** Inferences a second that were reserved for it; 0: none. */
  reserved: number;
}

/**
 * The waiting requests of one model, unordered: with one request a session a scan that asks each for its present urgency
 * (`order.ts`) costs microseconds, is always current, and allocates nothing.
 */
export class RequestQueue {
  readonly #rank: Rank;
  readonly #urgency: Urgency = { class: 0, key: 0 };
  readonly #waiting: Request[] = [];
  // The best so far, ascending by urgency, as parallel arrays.
  readonly #best: Request[] = [];
  readonly #bestClass: number[] = [];
  readonly #bestKey: number[] = [];

  constructor(rank: Rank) {
    this.#rank = rank;
  }

  get size(): number {
    return this.#waiting.length;
  }

  push(request: Request): void {
    this.#waiting.push(request);
  }

  remove(request: Request): void {
    const at = this.#waiting.indexOf(request);
    if (at >= 0) this.#removeAt(at);
  }

  clear(): void {
    this.#waiting.length = 0;
  }

  oldestQueuedAtMs(): number {
    let oldest = Number.POSITIVE_INFINITY;
    for (const { queuedAtMs } of this.#waiting) if (queuedAtMs < oldest) oldest = queuedAtMs;
    return oldest;
  }

  /** Takes out the `count` most urgent, most urgent first, as in flight. The array is used again by the next call. */
  takeMostUrgent(count: number, nowMs: number): readonly Request[] {
    const best = this.#best;
    best.length = 0;
    this.#bestClass.length = 0;
    this.#bestKey.length = 0;
    for (const request of this.#waiting) this.#offer(request, count, nowMs);
    // One pass in place: what was taken carries the mark, the others close ranks.
    for (const request of best) request.state = 'in_flight';
    let kept = 0;
    for (const request of this.#waiting) if (request.state === 'queued') this.#waiting[kept++] = request;
    this.#waiting.length = kept;
    return best;
  }

  #offer(request: Request, count: number, nowMs: number): void {
    const best = this.#best;
    const urgency = this.#urgency;
    this.#rank(request, nowMs, urgency);
    let at = best.length;
    while (at > 0 && this.#precedes(urgency, request.arrival, at - 1)) at--;
    if (at >= count) return;
    if (best.length === count) this.#drop();
    best.splice(at, 0, request);
    this.#bestClass.splice(at, 0, urgency.class);
    this.#bestKey.splice(at, 0, urgency.key);
  }

  #precedes(urgency: Urgency, arrival: number, at: number): boolean {
    const otherClass = this.#bestClass[at] ?? 0;
    if (urgency.class !== otherClass) return urgency.class < otherClass;
    const otherKey = this.#bestKey[at] ?? 0;
    if (urgency.key !== otherKey) return urgency.key < otherKey;
    return arrival < (this.#best[at]?.arrival ?? 0);
  }

  #drop(): void {
    this.#best.pop();
    this.#bestClass.pop();
    this.#bestKey.pop();
  }

  #removeAt(at: number): void {
    const last = this.#waiting.pop();
    if (last !== undefined && at < this.#waiting.length) this.#waiting[at] = last;
  }
}
