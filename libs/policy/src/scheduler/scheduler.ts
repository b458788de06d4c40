import { modelError } from '../backend/check-input.js';
import {
  BatchLostError,
  type BatchResult,
  type PolicyBackend,
  type PolicyInput,
  type PolicyOutput,
} from '../backend/policy-backend.js';
import { efficientBatch } from './batch-size.js';
import { type Capacity, CapacityMeter } from './capacity.js';
import { HorizonStretch } from './horizon-stretch.js';
import { rankOf, type SchedulerOrder } from './order.js';
import { type Request, RequestQueue } from './request-queue.js';
import type { Requester, RequestTiming } from './requester.js';
import { SchedulerCounters, type SchedulerStats } from './scheduler-stats.js';

/** Measurements as they happen; for histograms. Counters are in `stats()`. */
export interface SchedulerHooks {
  /** A batch came back. Times in ms. */
  batch?(batch: { size: number; decodeMs: number; inferMs: number; busyMs: number; slot: number }): void;
  /** One request's time from queueing to its batch, ms. */
  waited?(waitMs: number): void;
  /** A requester threw; the scheduler goes on without that request. */
  fault?(error: unknown, requesterId: string): void;
}

export interface SchedulerOptions {
  readonly backend: PolicyBackend;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
  /** Who goes first where more wait than a batch takes; `slack` where absent. */
  readonly order?: SchedulerOrder;
  /** How long an idle worker may wait for a fuller batch (Q2). */
  readonly batchWindowMs?: number;
  /** Share of the measured capacity that may be promised (Q4). */
  readonly admission?: number;
  /** A batch that takes longer has lost its worker (Q5); slow models get ten times their warm-up instead. */
  readonly batchDeadlineMs?: number;
  /** A starving request that has waited this long precedes by arrival, whatever else its order says. */
  readonly overdueMs?: number;
  readonly hooks?: SchedulerHooks;
  /** Runs `task` after the events of this turn: frames that arrive together are batched together. */
  readonly defer?: (task: () => void) => void;
  readonly setTimer?: (task: () => void, ms: number) => () => void;
}

/**
 * Under overload everybody waits longer than a short bound, which would make every order one of arrival. A ratio rises by itself
 * while its requester waits: there the bound is only the last resort.
 */
const OVERDUE_MS: Readonly<Record<SchedulerOrder, number>> = { fifo: 250, slack: 250, wait_ratio: 2_000 };

/** How often the load is looked at for the horizon's sake. */
const STRETCH_MS = 250;
/** Who has not asked for so long, e.g. because its robot stands under an e-stop, is no load. */
const ACTIVE_MS = 5_000;

/** Requests that one run of the backend answers. */
interface Batch {
  readonly requests: readonly Request[];
  readonly inputs: readonly PolicyInput[];
  /** Whether this is the second and last try. */
  readonly retry: boolean;
}

interface Slot {
  /** Batches with the backend. */
  pending: number;
  /** When the slot last became busy or began the next batch. */
  busySinceMs: number;
  /** How long its last batch kept it busy. */
  lastBusyMs: number;
}

/** One model's queue and its workers (Q1-Q7). All state changes in calls and completions; it owns no clock. */
export class Scheduler {
  readonly #backend: PolicyBackend;
  readonly #now: () => number;
  readonly #batchWindowMs: number;
  #deadlineMs: number;
  #warm = false;
  /** Most observations in a batch. */
  #most: number;
  readonly #hooks: SchedulerHooks;
  readonly #defer: (task: () => void) => void;
  readonly #setTimer: (task: () => void, ms: number) => () => void;
  readonly #requests = new Map<Requester, Request>();
  readonly #queue: RequestQueue;
  readonly #retries: Batch[] = [];
  readonly #slots: Slot[];
  readonly #meter: CapacityMeter;
  readonly #counters: SchedulerCounters;
  readonly #stretch = new HorizonStretch();
  #stretchedMs = Number.NEGATIVE_INFINITY;
  #arrivals = 0;
  #woken = false;
  #closed = false;
  #cancelWindow: (() => void) | null = null;

  /** The backend's warm-up is the first measure of the capacity: before it has one, nothing is available. */
  constructor(options: SchedulerOptions) {
    const { backend, now, batchWindowMs = 0, admission = 0.85, batchDeadlineMs = 2_000, order = 'slack' } = options;
    const overdueMs = options.overdueMs ?? OVERDUE_MS[order];
    this.#backend = backend;
    this.#now = now;
    this.#batchWindowMs = batchWindowMs;
    this.#hooks = options.hooks ?? {};
    this.#defer = options.defer ?? setImmediate;
    this.#setTimer = options.setTimer ?? realTimer;
    this.#queue = new RequestQueue(rankOf(order, overdueMs));
    this.#meter = new CapacityMeter(admission);
    this.#deadlineMs = batchDeadlineMs;
    this.#most = backend.maxBatch;
    this.#learnWarmUp();
    this.#slots = Array.from({ length: backend.slots }, () => ({ pending: 0, busySinceMs: 0, lastBusyMs: 0 }));
    this.#counters = new SchedulerCounters(backend.maxBatch);
    backend.onAvailability(() => {
      this.#learnWarmUp();
      this.#wake();
    });
  }

  /**
   * The requester has an observation to run. Idempotent: while it waits nothing changes (its turn takes the newest), while
   * it is in flight it is queued again afterwards (Q3).
   */
  enqueue(requester: Requester): void {
    if (this.#closed) return;
    const request = this.#request(requester);
    const now = this.#now();
    request.askedAtMs = now;
    if (request.state === 'in_flight') request.again = true;
    if (request.state !== 'idle') return;
    request.state = 'queued';
    request.again = false;
    request.arrival = this.#arrivals++;
    request.queuedAtMs = now;
    this.#queue.push(request);
    if (request.reserved === 0) this.#meter.arrived(now);
    this.#wake();
  }

  /** Counts `perSecond` inferences a second as promised to the requester, until it is removed. The caller asks `capacity()` first. */
  reserve(requester: Requester, perSecond: number): void {
    const request = this.#request(requester);
    this.#meter.reserve(perSecond - request.reserved);
    request.reserved = perSecond;
  }

  /** Forgets the requester: what waits is dropped, what is in flight gets no `done`. */
  remove(requester: Requester): void {
    const request = this.#requests.get(requester);
    if (request === undefined) return;
    this.#meter.reserve(-request.reserved);
    request.reserved = 0;
    request.again = false;
    if (request.state === 'in_flight') request.discard = true;
    else {
      if (request.state === 'queued') this.#queue.remove(request);
      this.#requests.delete(requester);
    }
  }

  capacity(): Capacity {
    // Servers that are away compute nothing; a worker that is being replaced is back before it counts.
    let slots = 0;
    for (let slot = 0; slot < this.#slots.length; slot++) if (this.#backend.available(slot)) slots++;
    return this.#meter.read(Math.max(1, slots), this.#now());
  }

  /** How many times its own horizon a session should execute of each chunk at the present load; at least 1 (L2). */
  get horizonStretch(): number {
    const now = this.#now();
    if (now < this.#stretchedMs + STRETCH_MS) return this.#stretch.factor;
    this.#stretchedMs = now;
    let asked = 0;
    for (const { reserved, askedAtMs } of this.#requests.values()) if (now - askedAtMs < ACTIVE_MS) asked += reserved;
    this.#stretch.update(asked / this.capacity().perSecond);
    return this.#stretch.factor;
  }

  stats(): SchedulerStats {
    let inFlight = 0;
    for (const { pending } of this.#slots) inFlight += pending;
    return this.#counters.read({ depth: this.#queue.size, requesters: this.#requests.size, batchesInFlight: inFlight });
  }

  /** Takes no more. What is in flight gets no `done`; the backend is closed by who started it. */
  close(): void {
    this.#closed = true;
    this.#cancelWindow?.();
    this.#requests.clear();
    this.#retries.length = 0;
    this.#queue.clear();
  }

  #learnWarmUp(): void {
    const measured = this.#backend.warmUp();
    if (this.#warm || measured.length === 0) return;
    this.#warm = true;
    this.#most = efficientBatch(measured, this.#backend.maxBatch);
    this.#meter.warmedUp(measured.filter(({ batch }) => batch <= this.#most));
    this.#deadlineMs = Math.max(this.#deadlineMs, 10 * (measured.at(-1)?.inferMs ?? 0));
  }

  #request(requester: Requester): Request {
    let request = this.#requests.get(requester);
    if (request === undefined) {
      request = {
        requester,
        state: 'idle',
        again: false,
        discard: false,
        arrival: 0,
        queuedAtMs: 0,
        askedAtMs: Number.NEGATIVE_INFINITY,
        hadActions: false,
        reserved: 0,
      };
      this.#requests.set(requester, request);
    }
    return request;
  }

  #wake(): void {
    if (this.#woken || this.#closed) return;
    this.#woken = true;
    this.#defer(() => {
      this.#woken = false;
      if (!this.#closed) this.#dispatch();
    });
  }

  /**
   * Idle slots first, and evenly: two idle workers with eight requests take four each. A busy slot gets its next batch
   * early, so that it decodes while it computes, but only a full one: nothing could join that any more, while a smaller
   * batch would only grow by waiting.
   */
  #dispatch(): void {
    const { depth } = this.#backend;
    const most = this.#most;
    let idle = 0;
    for (let index = 0; index < this.#slots.length; index++)
      if (this.#slots[index]?.pending === 0 && this.#backend.available(index)) idle++;
    for (let level = 0; level < depth; level++) {
      for (let index = 0; index < this.#slots.length; index++) {
        const slot = this.#slots[index] as Slot;
        if (slot.pending !== level || !this.#backend.available(index)) continue;
        const waiting = this.#queue.size;
        if (level === 0 ? this.#retries.length === 0 && this.#waitsForMore() : waiting < most) continue;
        const batch = this.#nextBatch(slot, level === 0 ? Math.min(most, Math.ceil(waiting / idle--)) : most);
        if (batch !== null) this.#send(index, slot, batch);
      }
    }
  }

  #waitsForMore(): boolean {
    if (this.#queue.size === 0) return true;
    if (this.#batchWindowMs === 0 || this.#queue.size >= this.#most) return false;
    const leftMs = this.#queue.oldestQueuedAtMs() + this.#batchWindowMs - this.#now();
    if (leftMs <= 0) return false;
    this.#cancelWindow?.();
    this.#cancelWindow = this.#setTimer(() => this.#wake(), leftMs);
    return true;
  }

  /** The most urgent requests, up to `size`, whose observations are still good; retries before all others. Null: none. */
  #nextBatch(slot: Slot, size: number): Batch | null {
    for (let retry = this.#retries.shift(); retry !== undefined; retry = this.#retries.shift()) {
      const fresh = this.#freshOnly(retry);
      if (fresh !== null) return fresh;
    }
    const now = this.#now();
    // A batch behind another begins later: its observations must be fresh then (S6).
    const startMs = slot.pending === 0 ? now : Math.max(now, slot.busySinceMs + slot.lastBusyMs);
    const requests: Request[] = [];
    const inputs: PolicyInput[] = [];
    // Each is asked once: one that has nothing and queues itself again must not keep this loop going.
    for (let left = this.#queue.size; left > 0 && requests.length < size; ) {
      const taken = this.#queue.takeMostUrgent(Math.min(left, size - requests.length), now);
      left -= taken.length;
      for (const request of taken) {
        const input = this.#take(request, now, startMs);
        if (input === null) continue;
        requests.push(request);
        inputs.push(input);
      }
    }
    return requests.length === 0 ? null : { requests, inputs, retry: false };
  }

  #take(request: Request, now: number, startMs: number): PolicyInput | null {
    const { requester } = request;
    try {
      // Removed by another's `take` in this same turn.
      if (request.discard) {
        this.#settle(request);
        return null;
      }
      const input = requester.take(startMs);
      if (input !== null) {
        request.hadActions = !requester.starving(now);
        this.#counters.taken(now - request.queuedAtMs);
        this.#hooks.waited?.(now - request.queuedAtMs);
        return input;
      }
      this.#counters.stale++;
    } catch (error) {
      this.#fault(error, requester);
    }
    this.#settle(request);
    return null;
  }

  /** What of a lost batch is still worth running; null: nothing. */
  #freshOnly(batch: Batch): Batch | null {
    const now = this.#now();
    const requests: Request[] = [];
    const inputs: PolicyInput[] = [];
    for (const [i, request] of batch.requests.entries()) {
      const input = batch.inputs[i];
      if (input === undefined) continue;
      if (request.discard) this.#settle(request);
      else if (now >= (input.staleAtMs ?? Number.POSITIVE_INFINITY)) {
        this.#counters.stale++;
        this.#deliver(request, modelError('the observation went stale while the policy worker was replaced'), {
          queueMs: now - (input.receivedAtMs ?? request.queuedAtMs),
          decodeMs: 0,
          inferMs: 0,
          batch: 0,
        });
      } else {
        requests.push(request);
        inputs.push(input);
      }
    }
    return requests.length === 0 ? null : { ...batch, requests, inputs };
  }

  #send(index: number, slot: Slot, batch: Batch): void {
    if (slot.pending++ === 0) slot.busySinceMs = this.#now();
    if (batch.retry) this.#counters.retried += batch.requests.length;
    this.#backend.run(index, batch.inputs, this.#deadlineMs).then(
      (result) => this.#finished(index, slot, batch, result),
      (error: unknown) => this.#lost(slot, batch, error),
    );
  }

  #finished(index: number, slot: Slot, batch: Batch, result: BatchResult): void {
    const now = this.#now();
    const busyMs = now - slot.busySinceMs;
    const size = batch.requests.length;
    slot.pending--;
    slot.busySinceMs = now;
    slot.lastBusyMs = busyMs;
    if (this.#closed) return;
    const { decodeMs, inferMs, outputs } = result;
    this.#meter.ran(size, busyMs);
    this.#counters.ran(size, inferMs, decodeMs);
    this.#hooks.batch?.({ size, decodeMs, inferMs, busyMs, slot: index });
    // The worker first: handing out results takes this thread longer than choosing the next batch.
    this.#dispatch();
    for (let i = 0; i < size; i++) {
      const request = batch.requests[i] as Request;
      const since = batch.inputs[i]?.receivedAtMs ?? request.queuedAtMs;
      const queueMs = Math.max(0, now - since - decodeMs - inferMs);
      this.#deliver(request, outputs[i] ?? modelError('no output'), { queueMs, decodeMs, inferMs, batch: size });
    }
    if (this.#queue.size > 0) this.#wake();
  }

  /**
   * The worker died under the batch. A batch it had not begun is run as if never sent. One that it had begun may hold the
   * input that kills workers: each input is tried once more on its own, so that only the culprit fails (Q5).
   */
  #lost(slot: Slot, batch: Batch, error: unknown): void {
    slot.pending--;
    slot.busySinceMs = this.#now();
    if (this.#closed) return;
    if (!(error instanceof BatchLostError)) this.#hooks.fault?.(error, 'backend');
    this.#counters.lost++;
    if (error instanceof BatchLostError && !error.begun && error.how !== 'closed') this.#retries.unshift(batch);
    else if (!batch.retry) {
      for (const [i, request] of batch.requests.entries())
        this.#retries.push({ requests: [request], inputs: batch.inputs.slice(i, i + 1), retry: true });
    } else {
      const output = modelError(error instanceof Error ? error.message : String(error));
      for (const request of batch.requests)
        this.#deliver(request, output, {
          queueMs: this.#now() - request.queuedAtMs,
          decodeMs: 0,
          inferMs: 0,
          batch: batch.requests.length,
        });
    }
    this.#wake();
  }

  #deliver(request: Request, output: PolicyOutput, timing: RequestTiming): void {
    const { requester, discard, hadActions } = request;
    if (discard || this.#closed) {
      this.#settle(request);
      return;
    }
    if (!output.ok) this.#counters.failed++;
    // Before `done`, so that a requester may ask again from there.
    request.state = 'idle';
    try {
      if (hadActions && requester.starving(this.#now())) this.#counters.missed++;
      requester.done(output, timing);
    } catch (error) {
      this.#fault(error, requester);
    }
    if (request.state === 'idle') this.#settle(request);
  }

  /** No longer in flight: queued again where it was asked for meanwhile, else forgotten unless something is reserved for it. */
  #settle(request: Request): void {
    const { again, requester } = request;
    request.state = 'idle';
    request.again = false;
    request.discard = false;
    if (again) this.enqueue(requester);
    else if (request.reserved === 0 && this.#requests.get(requester) === request) this.#requests.delete(requester);
  }

  #fault(error: unknown, { id }: Requester): void {
    this.#counters.faults++;
    this.#hooks.fault?.(error, id);
  }
}

function realTimer(task: () => void, ms: number): () => void {
  const timer = setTimeout(task, ms);
  timer.unref();
  return () => clearTimeout(timer);
}
