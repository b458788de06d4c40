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
  /** Whether actions were left when it was taken: only then can its result miss the deadline. */
  hadActions: boolean;
  /** Inferences a second that were reserved for it; 0: none. */
  reserved: number;
}

/**
 * The waiting requests of one model, unordered: with one request a session a scan that asks each for its present slack
 * costs microseconds, is always current, and allocates nothing. Urgency, highest first:
 * starving for longer than `overdueMs` of waiting (by arrival, so that nobody starves for ever) · starving · the others;
 * within these by slack, ties by arrival.
 */
export class RequestQueue {
  readonly #overdueMs: number;
  readonly #waiting: Request[] = [];
  // The best so far, ascending by urgency, as parallel arrays.
  readonly #best: Request[] = [];
  readonly #bestClass: number[] = [];
  readonly #bestSlack: number[] = [];

  constructor(overdueMs: number) {
    this.#overdueMs = overdueMs;
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
    this.#bestSlack.length = 0;
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
    const starving = request.requester.starving(nowMs);
    const overdue = starving && nowMs - request.queuedAtMs >= this.#overdueMs;
    const urgency = overdue ? 0 : starving ? 1 : 2;
    const slack = overdue ? 0 : request.requester.slack(nowMs);
    let at = best.length;
    while (at > 0 && this.#precedes(urgency, slack, request.arrival, at - 1)) at--;
    if (at >= count) return;
    if (best.length === count) this.#drop();
    best.splice(at, 0, request);
    this.#bestClass.splice(at, 0, urgency);
    this.#bestSlack.splice(at, 0, slack);
  }

  #precedes(urgency: number, slack: number, arrival: number, at: number): boolean {
    const otherClass = this.#bestClass[at] ?? 0;
    if (urgency !== otherClass) return urgency < otherClass;
    const otherSlack = this.#bestSlack[at] ?? 0;
    if (slack !== otherSlack) return slack < otherSlack;
    return arrival < (this.#best[at]?.arrival ?? 0);
  }

  #drop(): void {
    this.#best.pop();
    this.#bestClass.pop();
    this.#bestSlack.pop();
  }

  #removeAt(at: number): void {
    const last = this.#waiting.pop();
    if (last !== undefined && at < this.#waiting.length) this.#waiting[at] = last;
  }
}
