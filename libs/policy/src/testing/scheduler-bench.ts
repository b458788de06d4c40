import {
  type BackendStats,
  BatchLostError,
  type BatchResult,
  type PolicyBackend,
  type PolicyInput,
  type PolicyOutput,
  type WarmUp,
} from '../backend/policy-backend.js';
import type { SchedulerOrder } from '../scheduler/order.js';
import type { Requester, RequestTiming } from '../scheduler/requester.js';
import { Scheduler } from '../scheduler/scheduler.js';

export interface SentBatch {
  readonly slot: number;
  readonly inputs: readonly PolicyInput[];
  readonly ids: readonly string[];
  settle: { resolve(result: BatchResult): void; reject(error: Error): void } | null;
}

/** A thenable that settles in the same turn, so that a whole run of the scheduler is one synchronous story. */
class Settled implements PromiseLike<BatchResult> {
  #resolve: (result: BatchResult) => void = () => {};
  #reject: (error: Error) => void = () => {};
  resolve(result: BatchResult): void {
    this.#resolve(result);
  }
  reject(error: Error): void {
    this.#reject(error);
  }
  // biome-ignore lint/suspicious/noThenProperty: being a thenable is its purpose
  then(resolve: unknown, reject: unknown): never {
    this.#resolve = resolve as (result: BatchResult) => void;
    this.#reject = reject as (error: Error) => void;
    return this as never;
  }
}

export class FakeBackend implements PolicyBackend {
  readonly slots: number;
  readonly depth: number;
  readonly maxBatch: number;
  readonly batches: SentBatch[] = [];
  #warmUp: readonly WarmUp[];
  readonly #available: boolean[];
  #listener: () => void = () => {};

  constructor(options: { slots: number; depth: number; maxBatch: number; warmUp: readonly WarmUp[] }) {
    this.slots = options.slots;
    this.depth = options.depth;
    this.maxBatch = options.maxBatch;
    this.#warmUp = options.warmUp;
    this.#available = new Array<boolean>(options.slots).fill(true);
  }

  /** Batches that the slot holds. */
  pendingOf(slot: number): number {
    return this.batches.filter((batch) => batch.slot === slot && batch.settle !== null).length;
  }

  start(): Promise<void> {
    return Promise.resolve();
  }
  warmUp(): readonly WarmUp[] {
    return this.#warmUp;
  }
  /** Only now: its servers were away. */
  setWarmUp(warmUp: readonly WarmUp[]): void {
    this.#warmUp = warmUp;
  }
  available(slot: number): boolean {
    return this.#available[slot] ?? false;
  }
  setAvailable(slot: number, available: boolean): void {
    this.#available[slot] = available;
    this.#listener();
  }
  onAvailability(listener: () => void): void {
    this.#listener = listener;
  }
  run(slot: number, inputs: readonly PolicyInput[]): Promise<BatchResult> {
    if (!this.available(slot)) throw new Error(`slot ${slot} is not available`);
    if (inputs.length === 0 || inputs.length > this.maxBatch) throw new Error(`a batch of ${inputs.length}`);
    const settle = new Settled();
    this.batches.push({ slot, inputs, ids: inputs.map(({ instruction }) => instruction), settle });
    return settle as unknown as Promise<BatchResult>;
  }
  stats(): BackendStats {
    throw new Error('not asked here');
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
}

export class FakeRequester implements Requester {
  readonly id: string;
  deadlineMs: number;
  isStarving: (nowMs: number) => boolean;
  /** What `take` answers; the instruction becomes the id, so that batches can be read. */
  observation: PolicyInput | null = { images: {}, state: new Float64Array(1), instruction: '' };
  ratio = 0;
  readonly results: { output: PolicyOutput; timing: RequestTiming }[] = [];
  onTake: () => void = () => {};
  onDone: () => void = () => {};
  /** False: nothing young enough to take. */
  hasObservation = true;
  takes = 0;

  constructor(id: string, deadlineMs: number, starving: boolean) {
    this.id = id;
    this.deadlineMs = deadlineMs;
    this.isStarving = () => starving;
  }

  slack(nowMs: number): number {
    return this.deadlineMs - nowMs;
  }
  starving(nowMs: number): boolean {
    return this.isStarving(nowMs);
  }
  waitRatio(): number {
    return this.ratio;
  }
  take(): PolicyInput | null {
    this.onTake();
    if (this.observation === null || !this.hasObservation) return null;
    this.takes++;
    return { ...this.observation, instruction: this.id };
  }
  done(output: PolicyOutput, timing: RequestTiming): void {
    this.results.push({ output, timing });
    this.onDone();
  }
}

export interface BenchOptions {
  readonly maxBatch: number;
  readonly slots?: number;
  readonly depth?: number;
  readonly batchWindowMs?: number;
  readonly overdueMs?: number;
  readonly order?: SchedulerOrder;
  readonly warmUp?: readonly WarmUp[];
}

/** A scheduler with a clock, a backend and timers that only move when told to. */
export class Bench {
  nowMs = 0;
  readonly backend: FakeBackend;
  readonly scheduler: Scheduler;
  readonly faults: string[] = [];
  readonly waits: number[] = [];
  readonly sizes: number[] = [];
  readonly #deferred: (() => void)[] = [];
  readonly #timers = new Set<{ dueMs: number; task: () => void }>();
  #ids = 0;

  constructor(options: BenchOptions) {
    const {
      maxBatch,
      slots = 1,
      depth = 1,
      batchWindowMs = 0,
      overdueMs = 250,
      order = 'slack',
      warmUp = [],
    } = options;
    this.backend = new FakeBackend({ slots, depth, maxBatch, warmUp });
    this.scheduler = new Scheduler({
      backend: this.backend,
      now: () => this.nowMs,
      batchWindowMs,
      overdueMs,
      order,
      hooks: {
        fault: (_error, id) => this.faults.push(id),
        waited: (ms) => this.waits.push(ms),
        batch: ({ size }) => this.sizes.push(size),
      },
      defer: (task) => this.#deferred.push(task),
      setTimer: (task, ms) => {
        const timer = { dueMs: this.nowMs + ms, task };
        this.#timers.add(timer);
        return () => this.#timers.delete(timer);
      },
    });
  }

  get timers(): number {
    return this.#timers.size;
  }

  requester({ slack, starving = false, id = `r${this.#ids++}` }: { slack: number; starving?: boolean; id?: string }) {
    return new FakeRequester(id, this.nowMs + slack, starving);
  }

  requesters(count: number): FakeRequester[] {
    return Array.from({ length: count }, () => this.requester({ slack: 100 }));
  }

  enqueue(...requesters: FakeRequester[]): void {
    for (const requester of requesters) this.scheduler.enqueue(requester);
    this.settle();
  }

  /** Runs what was put off to the end of the turn. */
  settle(): void {
    for (let task = this.#deferred.shift(); task !== undefined; task = this.#deferred.shift()) task();
  }

  advance(ms: number): void {
    this.nowMs += ms;
    for (const timer of [...this.#timers]) {
      if (timer.dueMs > this.nowMs) continue;
      this.#timers.delete(timer);
      timer.task();
    }
    this.settle();
  }

  /** The requesters of the batches with the backend, oldest batch first. */
  running(): (readonly string[])[] {
    return this.#sent().map(({ ids }) => ids);
  }

  /** The oldest batch comes back. */
  finish({ tookMs = 0, inferMs = 0, decodeMs = 0, fail = false, index = 0 } = {}): readonly string[] {
    this.advance(tookMs);
    const batch = this.#sent()[index];
    if (batch === undefined) throw new Error('no batch is running');
    const output: PolicyOutput = fail
      ? { ok: false, code: 'model_error', reason: 'told to' }
      : { ok: true, actions: new Float32Array(1) };
    const { settle } = batch;
    batch.settle = null;
    settle?.resolve({ outputs: batch.ids.map(() => output), decodeMs, inferMs });
    this.settle();
    return batch.ids;
  }

  finishAll(): (readonly string[])[] {
    const batches: (readonly string[])[] = [];
    while (this.running().length > 0) batches.push(this.finish());
    return batches;
  }

  /** The oldest batch is lost with its worker, which is back at once. */
  lose({ index = 0, begun = true }: { index?: number; begun?: boolean } = {}): void {
    const batch = this.#sent()[index];
    if (batch === undefined) throw new Error('no batch is running');
    const { settle } = batch;
    batch.settle = null;
    settle?.reject(new BatchLostError('crashed', begun, 'told to'));
    this.settle();
  }

  #sent(): SentBatch[] {
    return this.backend.batches.filter(({ settle }) => settle !== null);
  }
}
