import { BatchLostError, type BatchResult, type PolicyInput, type WarmUp } from '../backend/policy-backend.js';
import { BundleError } from '../bundle/bundle-error.js';
import type { BatchFiller, FilledBatch } from './batch-filler.js';
import type { WorkerMessage, WorkerSetup } from './messages.js';
import { PolicyThread } from './policy-thread.js';

/** Before a slot starts its worker again; doubles with each failure, up to the maximum. Milliseconds. */
const FIRST_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 5_000;
/** A successor that takes this many times as long as the first worker took to be ready, and this long at least, hangs. */
const RELOAD_FACTOR = 10;
const LEAST_RELOAD_MS = 30_000;
/** How long `close` waits for a graph that is running. */
const CLOSE_PATIENCE_MS = 2_000;

interface Flight {
  readonly batch: FilledBatch;
  readonly deadlineMs: number;
  readonly resolve: (result: BatchResult) => void;
  readonly reject: (error: BatchLostError) => void;
}

export interface SlotEvents {
  /** The slot can take batches again, or cannot any more. */
  changed(): void;
  lost(how: 'crashed' | 'hung'): void;
  finished(result: Extract<WorkerMessage, { kind: 'result' }>, inputs: number, cpuMs: number): void;
}

/** One place in the pool: a worker, its batches in order, and its replacement when it dies. */
export class WorkerSlot {
  readonly #entry: URL;
  readonly #setup: Omit<WorkerSetup, 'gate'>;
  readonly #filler: BatchFiller;
  readonly #events: SlotEvents;
  readonly #leastReloadMs: number;
  /** The first is with the graph, the others are being decoded. */
  readonly #flights: Flight[] = [];
  readonly #slabs: ArrayBuffer[] = [];
  #staging: ArrayBuffer | undefined;
  #thread: PolicyThread | null = null;
  #ready = false;
  #closed = false;
  #nextId = 0;
  #cpuMs = 0;
  #failures = 0;
  #deadline: NodeJS.Timeout | undefined;
  #restart: NodeJS.Timeout | undefined;
  #loading: NodeJS.Timeout | undefined;
  #firstLoadMs = 0;
  provider = '';
  warnings: readonly string[] = [];
  warmUp: readonly WarmUp[] = [];

  constructor(
    entry: URL,
    setup: Omit<WorkerSetup, 'gate'>,
    filler: BatchFiller,
    events: SlotEvents,
    leastReloadMs = LEAST_RELOAD_MS,
  ) {
    this.#leastReloadMs = leastReloadMs;
    this.#entry = entry;
    this.#setup = setup;
    this.#filler = filler;
    this.#events = events;
  }

  get available(): boolean {
    return this.#ready;
  }

  /** Resolves when the first worker is ready; rejects with a BundleError where trying again would not help. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => this.#spawn({ resolve, reject }));
  }

  run(inputs: readonly PolicyInput[], deadlineMs: number): Promise<BatchResult> {
    const thread = this.#thread;
    if (thread === null || !this.#ready)
      return Promise.reject(
        new BatchLostError(this.#closed ? 'closed' : 'crashed', false, 'the slot is not available'),
      );
    const slab = this.#slabs.pop();
    const spare = { ...(slab && { slab }), ...(this.#staging && { staging: this.#staging }) };
    this.#staging = undefined;
    const batch = this.#filler.fill(this.#nextId++, inputs, spare);
    return new Promise((resolve, reject) => {
      this.#flights.push({ batch, deadlineMs, resolve, reject });
      thread.send(batch.message);
      if (this.#flights.length === 1) this.#arm();
    });
  }

  /** Answers what is in flight as lost and ends the worker; one that does not come out of its graph is left behind. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#restart);
    const ended = this.#drop('closed', 'the backend is closed');
    let patience: NodeJS.Timeout | undefined;
    const tired = new Promise<void>((resolve) => {
      patience = setTimeout(resolve, CLOSE_PATIENCE_MS);
    });
    await Promise.race([ended, tired]);
    clearTimeout(patience);
  }

  #spawn(first: { resolve(): void; reject(error: BundleError): void } | null): void {
    const { id } = this.#setup.manifest;
    const startedMs = performance.now();
    const thread = new PolicyThread(this.#entry, this.#setup, {
      message: (message) => {
        switch (message.kind) {
          case 'ready':
            clearTimeout(this.#loading);
            if (first !== null) this.#firstLoadMs = performance.now() - startedMs;
            this.provider = message.provider;
            this.warnings = message.warnings;
            this.warmUp = message.warmUp;
            this.#ready = true;
            this.#cpuMs = message.cpuMs ?? 0;
            first?.resolve();
            this.#events.changed();
            return;
          case 'refused':
            // At the start the bundle is wrong. Later its files have changed under us: the slot keeps trying.
            if (first === null) this.#lose('crashed', `${message.field}: ${message.reason}`);
            else first.reject(new BundleError(id, message.field, message.reason));
            return;
          case 'result':
            this.#finish(message);
        }
      },
      ended: (reason) => {
        // Has no effect once the first start has succeeded.
        first?.reject(new BundleError(id, 'graph', `the worker ended while loading it: ${reason}`));
        this.#lose('crashed', reason);
      },
    });
    this.#thread = thread;
    // The first may take what it takes: nobody is served before, and everybody sees that it loads.
    if (first === null) this.#armReload(thread);
  }

  #finish(result: Extract<WorkerMessage, { kind: 'result' }>): void {
    const flight = this.#flights.shift();
    clearTimeout(this.#deadline);
    if (flight === undefined || flight.batch.message.id !== result.id) {
      this.#lose('crashed', 'it answered another batch');
      return;
    }
    this.#failures = 0;
    if (this.#flights.length > 0) this.#arm();
    const outputs = this.#filler.read(flight.batch, result);
    this.#slabs.push(result.slab);
    if (result.staging !== null) this.#staging = result.staging;
    const cpuMs = result.cpuMs === null ? Number.NaN : result.cpuMs - this.#cpuMs;
    this.#cpuMs = result.cpuMs ?? 0;
    this.#events.finished(result, flight.batch.inputs.length, cpuMs);
    flight.resolve({ outputs, decodeMs: result.decodeMs, inferMs: result.inferMs });
  }

  /** The deadline counts from when the batch became the first: waiting behind another is not its fault. */
  #arm(): void {
    const flight = this.#flights[0];
    if (flight === undefined) return;
    this.#deadline = setTimeout(() => {
      // After a stall of this thread the timer fires before the answer that already waits is read: read first.
      setImmediate(() => {
        if (this.#flights[0] === flight) this.#lose('hung', `no answer within ${flight.deadlineMs} ms`);
      });
    }, flight.deadlineMs);
    this.#deadline.unref();
  }

  #armReload(thread: PolicyThread): void {
    const patienceMs = Math.max(this.#leastReloadMs, RELOAD_FACTOR * this.#firstLoadMs);
    this.#loading = setTimeout(() => {
      // As with a batch: what already waits is read first.
      setImmediate(() => {
        if (this.#thread === thread && !this.#ready)
          this.#lose('hung', `not loaded within ${Math.round(patienceMs)} ms`);
      });
    }, patienceMs);
    this.#loading.unref();
  }

  #lose(how: 'crashed' | 'hung', detail: string): void {
    const wasReady = this.#ready;
    // The successor does not wait for a thread that is stuck.
    void this.#drop(how, detail);
    if (wasReady) this.#events.lost(how);
    const backoff = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** this.#failures++);
    this.#restart = setTimeout(() => this.#spawn(null), backoff);
    this.#restart.unref();
    this.#events.changed();
  }

  /** Forgets the worker and answers what was with it; resolves when its thread has ended. */
  #drop(how: BatchLostError['how'], detail: string): Promise<void> {
    const thread = this.#thread;
    this.#thread = null;
    this.#ready = false;
    clearTimeout(this.#deadline);
    clearTimeout(this.#loading);
    this.#slabs.length = 0;
    const flights = this.#flights.splice(0);
    for (const [i, flight] of flights.entries()) flight.reject(new BatchLostError(how, i === 0, detail));
    return thread === null ? Promise.resolve() : thread.end();
  }
}
