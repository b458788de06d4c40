import {
  type BackendStats,
  BatchLostError,
  type BatchResult,
  type PolicyBackend,
  type PolicyInput,
  type ServerStats,
  type WarmUp,
} from '../backend/policy-backend.js';
import type { Bundle } from '../bundle/bundle.js';
import { BundleError } from '../bundle/bundle-error.js';
import { BatchFiller, type FilledBatch } from '../onnx/batch-filler.js';
import { BatchLayout } from '../onnx/batch-layout.js';
import type { FromRemote, RemoteSetup } from './messages.js';
import { PROTOCOLS, type RemoteModel } from './remote-model.js';
import { type Remote, RemoteThread, type RemoteThreadEvents } from './remote-thread.js';
import { sentInTheClear, serverUrl, withoutSecrets } from './server-url.js';

/** Beyond a batch's deadline, which the thread keeps: without a word by then, the thread itself is stuck. */
const THREAD_GRACE_MS = 2_000;

export interface RemoteBackendOptions {
  /** One with a `remote`. */
  readonly bundle: Bundle;
  /** In place of the bundle's; empty or absent: the bundle's. */
  readonly urls?: readonly string[];
  /** At most this many at once; 0 or absent: the bundle's. */
  readonly maxBatch?: number;
  /** Proves to the servers who asks; it is sent to all of them. */
  readonly token?: string | null;
  /** The clock of `staleAtMs`, milliseconds. */
  readonly now?: () => number;
  /** A server came or went. */
  readonly onServer?: (server: ServerStats) => void;
  /** What talks to the servers in place of a thread of its own; for tests. */
  readonly remote?: (setup: RemoteSetup, events: RemoteThreadEvents) => Remote;
}

/** A policy that other machines run. Throws a BundleError where it has no server that it can speak to. */
export function createRemoteBackend(options: RemoteBackendOptions): PolicyBackend {
  return new RemoteBackend(options);
}

interface Flight {
  readonly batch: FilledBatch;
  readonly server: number;
  readonly resolve: (result: BatchResult) => void;
  readonly reject: (error: BatchLostError) => void;
  readonly guard: NodeJS.Timeout;
}

/**
 * Slots are the connections of all servers, in turn, so that batches at the same time go to different servers. A server that
 * fails is taken out and its batches are lost, which the scheduler runs elsewhere (Q5); with none left, nothing is available:
 * sessions live from their timeline and hold, until one is back.
 */
class RemoteBackend implements PolicyBackend {
  /** Decoding overlaps with what the other connections wait for. */
  readonly depth = 1;
  readonly maxBatch: number;
  readonly #model: RemoteModel;
  readonly #layout: BatchLayout;
  readonly #filler: BatchFiller;
  readonly #now: () => number;
  readonly #onServer: (server: ServerStats) => void;
  readonly #thread: Remote;
  readonly #flights = new Map<number, Flight>();
  readonly #slabs: ArrayBuffer[] = [];
  #state: BackendStats['state'] = 'loading';
  #servers: readonly ServerStats[];
  #warmUp: readonly WarmUp[] = [];
  #warnings: readonly string[] = [];
  readonly #exposed: readonly string[];
  #changed = () => {};
  #first: { resolve(): void; reject(error: BundleError): void } | null = null;
  #nextId = 0;
  readonly #totals = { crashed: 0, hung: 0, batches: 0, inferences: 0, decodeMs: 0, inferMs: 0 };
  #cpuMs: number | null = 0;

  constructor({ bundle, maxBatch = 0, token = null, urls = [], ...options }: RemoteBackendOptions) {
    const { manifest, remote } = bundle;
    if (remote === undefined) throw new TypeError(`${manifest.id} is not run by others`);
    this.#model = { ...remote, urls: checked(urls.length > 0 ? urls : remote.urls, remote, manifest.id) };
    this.#exposed = (token === null ? [] : this.#model.urls.filter(sentInTheClear)).map(
      (url) => `the token is sent to ${withoutSecrets(url)} unencrypted`,
    );
    this.maxBatch = maxBatch > 0 ? Math.min(maxBatch, manifest.batch.max) : manifest.batch.max;
    this.#layout = new BatchLayout(manifest, this.maxBatch);
    this.#filler = new BatchFiller(bundle, this.#layout);
    this.#now = options.now ?? (() => performance.now());
    this.#onServer = options.onServer ?? (() => {});
    this.#servers = this.#model.urls.map(connecting);
    const setup = { manifest, model: this.#model, maxBatch: this.maxBatch, token };
    const events: RemoteThreadEvents = {
      message: (message) => this.#received(message, manifest.id),
      ended: (reason) => this.#threadEnded(reason),
    };
    this.#thread =
      options.remote?.(setup, events) ?? new RemoteThread(new URL('./worker.js', import.meta.url), setup, events);
  }

  get slots(): number {
    return this.#model.urls.length * this.#model.connections;
  }

  /** Resolves when every server was asked and one at least is warm. Pending while none can be reached. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#first = { resolve, reject };
      this.#thread.start();
    });
  }

  warmUp(): readonly WarmUp[] {
    return this.#warmUp;
  }

  available(slot: number): boolean {
    return (
      this.#state === 'ready' && slot < this.slots && this.#servers[slot % this.#servers.length]?.state === 'ready'
    );
  }

  onAvailability(listener: () => void): void {
    this.#changed = listener;
  }

  run(slot: number, inputs: readonly PolicyInput[], deadlineMs: number): Promise<BatchResult> {
    if (slot >= this.slots) return Promise.reject(new RangeError(`no slot ${slot}`));
    if (inputs.length === 0 || inputs.length > this.maxBatch)
      return Promise.reject(new RangeError(`a batch of ${inputs.length}`));
    if (!this.available(slot)) {
      const how = this.#state === 'closed' ? 'closed' : 'crashed';
      return Promise.reject(new BatchLostError(how, false, 'the server is not available'));
    }
    const slab = this.#slabs.pop();
    const batch = this.#filler.fill(this.#nextId++, inputs, slab === undefined ? {} : { slab });
    const { message } = batch;
    const prompts = batch.inputs.map((input) => inputs[input]?.instruction ?? '');
    const worthMs = this.#worthMs(inputs);
    return new Promise((resolve, reject) => {
      const guard = setTimeout(() => this.#thread.replace('it does not answer'), deadlineMs + THREAD_GRACE_MS);
      guard.unref();
      this.#flights.set(message.id, { batch, server: slot % this.#servers.length, resolve, reject, guard });
      const transfer = message.staging === null ? [message.slab] : [message.slab, message.staging];
      this.#thread.send({ kind: 'run', batch: message, slot, prompts, deadlineMs, worthMs }, transfer);
    });
  }

  stats(): BackendStats {
    const inFlight = this.#servers.map(() => 0);
    for (const { server } of this.#flights.values()) inFlight[server] = (inFlight[server] ?? 0) + 1;
    return {
      state: this.#state,
      provider: this.#model.backend,
      warnings: [...this.#exposed, ...this.#warnings],
      available: Array.from({ length: this.slots }, (_, slot) => this.available(slot)),
      ...this.#totals,
      cpuMs: this.#cpuMs,
      servers: this.#servers.map((server, i) => ({ ...server, inFlight: inFlight[i] ?? 0 })),
    };
  }

  async close(): Promise<void> {
    this.#state = 'closed';
    this.#servers = this.#servers.map((server) => ({ ...server, state: 'closed' }));
    this.#drop('closed', 'the backend is closed');
    this.#changed();
    await this.#thread.end();
  }

  #received(message: FromRemote, id: string): void {
    switch (message.kind) {
      case 'servers':
        this.#warmUp = message.warmUp;
        this.#warnings = message.warnings;
        this.#serversAre(message.servers);
        return;
      case 'refused': {
        const { field, reason } = message;
        if (this.#first === null) return;
        this.#state = 'failed';
        this.#first.reject(new BundleError(id, field, reason));
        this.#first = null;
        return;
      }
      case 'result':
        this.#serversAre(message.servers);
        this.#finished(message.result);
        return;
      case 'lost': {
        this.#serversAre(message.servers);
        const flight = this.#take(message.id);
        if (flight === null) return;
        if (message.how !== 'closed') this.#totals[message.how]++;
        flight.reject(new BatchLostError(message.how, message.begun, message.reason));
      }
    }
  }

  #finished(result: Extract<FromRemote, { kind: 'result' }>['result']): void {
    const flight = this.#take(result.id);
    if (flight === null) return;
    const outputs = this.#filler.read(flight.batch, result);
    this.#slabs.push(result.slab);
    const { decodeMs, inferMs } = result;
    this.#totals.batches++;
    this.#totals.inferences += flight.batch.inputs.length;
    this.#totals.decodeMs += decodeMs;
    this.#totals.inferMs += inferMs;
    this.#cpuMs = result.cpuMs;
    flight.resolve({ outputs, decodeMs, inferMs });
  }

  #serversAre(servers: readonly ServerStats[]): void {
    const news = servers.filter(({ state }, i) => state !== this.#servers[i]?.state);
    this.#servers = servers;
    if (news.length === 0) return;
    if (servers.some(({ state }) => state === 'ready')) {
      this.#state = 'ready';
      if (servers.every(({ state }) => state !== 'connecting')) {
        this.#first?.resolve();
        this.#first = null;
      }
    } else if (this.#state === 'ready') this.#state = 'failed';
    for (const server of news) this.#onServer(server);
    this.#changed();
  }

  /** All that was with it is lost; its successor asks the servers anew. */
  #threadEnded(reason: string): void {
    this.#totals.crashed++;
    this.#serversAre(
      this.#servers.map((server) => ({
        ...server,
        state: 'failed',
        failures: server.failures + 1,
        lastFault: `the thread that talks to the servers: ${reason}`,
      })),
    );
    this.#drop('crashed', reason);
  }

  #drop(how: BatchLostError['how'], reason: string): void {
    for (const id of [...this.#flights.keys()]) this.#take(id)?.reject(new BatchLostError(how, true, reason));
  }

  #take(id: number): Flight | null {
    const flight = this.#flights.get(id);
    if (flight === undefined) return null;
    this.#flights.delete(id);
    clearTimeout(flight.guard);
    return flight;
  }

  /** As long as one of the observations is worth an answer, the batch is. */
  #worthMs(inputs: readonly PolicyInput[]): number {
    let latest = 0;
    for (const { staleAtMs } of inputs) latest = Math.max(latest, staleAtMs ?? Number.POSITIVE_INFINITY);
    return latest - this.#now();
  }
}

const connecting = (url: string): ServerStats => ({
  url: withoutSecrets(url),
  state: 'connecting',
  failures: 0,
  lastFault: null,
  batches: 0,
  inFlight: 0,
});

function checked(urls: readonly string[], { backend }: RemoteModel, id: string): readonly string[] {
  if (urls.length === 0) throw new BundleError(id, 'remote.urls', 'names no server, nor does the setting remote_urls');
  for (const url of urls) {
    const { fault } = serverUrl(url, PROTOCOLS[backend]);
    if (fault !== null) throw new BundleError(id, 'remote.urls', `${withoutSecrets(url)} ${fault}`);
  }
  return urls;
}
