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
import { BatchImages } from '../onnx/batch-images.js';
import { BatchLayout, compactRows } from '../onnx/batch-layout.js';
import type { RowFault } from '../onnx/messages.js';
import { Endpoint } from './endpoint.js';
import { reasonOf } from './fault-line.js';
import { type RemoteServer, ServerLostError } from './remote-server.js';
import { serverUrl, withoutSecrets } from './server-url.js';

/** No small images for our own decoder: it works in the calling thread, which paces robots here. The library has its own. */
const NO_SMALL_IMAGES = 0;

export interface RemoteBackendParts {
  readonly bundle: Bundle;
  readonly provider: string;
  readonly urls: readonly string[];
  readonly protocols: readonly string[];
  /** Batches in flight a server. */
  readonly connections: number;
  /** At most this many at once; 0: the bundle's. */
  readonly maxBatch: number;
  /** The clock of `staleAtMs`, milliseconds. */
  readonly now: () => number;
  readonly connect: (url: string, layout: BatchLayout) => RemoteServer;
  /** A server came or went. */
  readonly onServer: (server: ServerStats) => void;
}

/**
 * A policy that other machines run. Slots are the connections of all its servers, in turn, so that batches at the same time go
 * to different servers. A server that fails is taken out and its batches are lost, which the scheduler runs elsewhere (Q5);
 * with none left, nothing is available: sessions live from their timeline and hold, until one is back.
 */
export class RemoteBackend implements PolicyBackend {
  /** Decoding overlaps with what the other connections wait for. */
  readonly depth = 1;
  readonly maxBatch: number;
  readonly #parts: RemoteBackendParts;
  readonly #layout: BatchLayout;
  readonly #filler: BatchFiller;
  readonly #images: BatchImages;
  readonly #endpoints: Endpoint[] = [];
  readonly #slabs: ArrayBuffer[] = [];
  readonly #running = new Set<AbortController>();
  #state: BackendStats['state'] = 'loading';
  #changed = () => {};
  #first: { resolve(): void; reject(error: BundleError): void } | null = null;
  /** Servers that were not asked yet, at the start. */
  #unasked: number;
  #wrong: BundleError | null = null;
  #nextId = 0;
  readonly #totals = { crashed: 0, hung: 0, batches: 0, inferences: 0, decodeMs: 0, inferMs: 0 };

  constructor(parts: RemoteBackendParts) {
    const { manifest } = parts.bundle;
    if (parts.urls.length === 0)
      throw new BundleError(manifest.id, 'remote.urls', 'names no server, nor does the setting remote_urls');
    for (const url of parts.urls) {
      const { fault } = serverUrl(url, parts.protocols);
      if (fault !== null) throw new BundleError(manifest.id, 'remote.urls', `${withoutSecrets(url)} ${fault}`);
    }
    this.#parts = parts;
    this.#unasked = parts.urls.length;
    this.maxBatch = parts.maxBatch > 0 ? Math.min(parts.maxBatch, manifest.batch.max) : manifest.batch.max;
    this.#layout = new BatchLayout(manifest, this.maxBatch);
    this.#filler = new BatchFiller(parts.bundle, this.#layout);
    this.#images = new BatchImages(manifest, this.#layout, NO_SMALL_IMAGES);
    for (const url of parts.urls) {
      const endpoint: Endpoint = new Endpoint(url, parts.connect(url, this.#layout), {
        changed: () => {
          this.#availabilityChanged();
          parts.onServer(endpoint.stats());
        },
        refused: (error) => this.#refused(error),
      });
      this.#endpoints.push(endpoint);
    }
  }

  get slots(): number {
    return this.#endpoints.length * this.#parts.connections;
  }

  /** Resolves with the first server that is warm; the others join when they are. Pending while none can be reached. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#first = { resolve, reject };
      for (const endpoint of this.#endpoints) endpoint.start();
    });
  }

  warmUp(): readonly WarmUp[] {
    return this.#endpoints.find(({ warmUp }) => warmUp.length > 0)?.warmUp ?? [];
  }

  available(slot: number): boolean {
    return slot < this.slots && this.#endpointOf(slot)?.available === true;
  }

  onAvailability(listener: () => void): void {
    this.#changed = listener;
  }

  async run(slot: number, inputs: readonly PolicyInput[], deadlineMs: number): Promise<BatchResult> {
    const endpoint = this.#endpointOf(slot);
    if (endpoint === undefined || slot >= this.slots) throw new RangeError(`no slot ${slot}`);
    if (inputs.length === 0 || inputs.length > this.maxBatch) throw new RangeError(`a batch of ${inputs.length}`);
    if (!endpoint.available)
      throw new BatchLostError(this.#state === 'closed' ? 'closed' : 'crashed', false, 'the server is not available');
    const stop = new AbortController();
    let hung = false;
    // After a stall of this thread the timer fires before the answer that already waits is read: read first.
    const deadline = setTimeout(() => {
      setImmediate(() => {
        hung = true;
        stop.abort();
      });
    }, deadlineMs);
    this.#running.add(stop);
    try {
      return await this.#run(endpoint, slot, inputs, deadlineMs, stop.signal);
    } catch (error) {
      if (this.#state === 'closed') throw new BatchLostError('closed', true, 'the backend is closed');
      if (error instanceof BatchLostError) throw error;
      const lost = hung || error instanceof ServerLostError;
      const reason = hung ? `no answer within ${deadlineMs} ms` : reasonOf(error);
      if (lost) endpoint.lose(reason);
      this.#totals[hung ? 'hung' : 'crashed']++;
      const begun = !(error instanceof ServerLostError) || error.begun;
      throw new BatchLostError(hung ? 'hung' : 'crashed', begun, `${endpoint.url}: ${reason}`);
    } finally {
      clearTimeout(deadline);
      this.#running.delete(stop);
    }
  }

  async #run(
    endpoint: Endpoint,
    slot: number,
    inputs: readonly PolicyInput[],
    deadlineMs: number,
    signal: AbortSignal,
  ): Promise<BatchResult> {
    const slab = this.#slabs.pop();
    const batch = this.#filler.fill(this.#nextId++, inputs, slab === undefined ? {} : { slab });
    const begin = performance.now();
    const faults = await this.#decode(batch);
    if (signal.aborted) throw new BatchLostError('hung', false, `its images took longer than ${deadlineMs} ms`);
    const rows = compactRows(this.#layout, batch.message.slab, batch.message.size, faults);
    const decoded = performance.now();
    if (rows.length > 0) {
      const sources = rows.map((row) => inputs[batch.inputs[row] ?? -1]);
      const refused = await endpoint.run(
        Math.floor(slot / this.#endpoints.length),
        {
          slab: batch.message.slab,
          rows: rows.length,
          prompts: sources.map((input) => input?.instruction ?? ''),
          remainingMs: Math.max(1, Math.min(deadlineMs - (decoded - begin), this.#untilStaleMs(sources))),
        },
        signal,
      );
      for (const fault of refused) faults.push({ ...fault, row: rows[fault.row] ?? -1 });
    }
    const inferMs = performance.now() - decoded;
    const { slab: used } = batch.message;
    const result = { kind: 'result', id: batch.message.id, slab: used, staging: null, rows, faults } as const;
    const decodeMs = decoded - begin;
    const outputs = this.#filler.read(batch, { ...result, decodeMs, inferMs, cpuMs: null });
    // Only here: where a batch was lost, its bytes may still be on their way out.
    this.#slabs.push(used);
    this.#totals.batches++;
    this.#totals.inferences += batch.inputs.length;
    this.#totals.decodeMs += decodeMs;
    this.#totals.inferMs += inferMs;
    return { outputs, decodeMs, inferMs };
  }

  async #decode({ message }: FilledBatch): Promise<RowFault[]> {
    const { staging } = message;
    return staging === null ? [] : await this.#images.finish(this.#images.arrive(message, staging));
  }

  /** As long as one of the observations is worth an answer, the batch is. */
  #untilStaleMs(inputs: readonly (PolicyInput | undefined)[]): number {
    let latest = 0;
    for (const input of inputs) latest = Math.max(latest, input?.staleAtMs ?? Number.POSITIVE_INFINITY);
    return latest - this.#parts.now();
  }

  stats(): BackendStats {
    const mismatch = this.#endpoints.flatMap(({ url, warnings }) => warnings.map((warning) => `${url}: ${warning}`));
    return {
      state: this.#state,
      provider: this.#parts.provider,
      warnings: mismatch,
      available: Array.from({ length: this.slots }, (_, slot) => this.available(slot)),
      ...this.#totals,
      cpuMs: null,
      servers: this.#endpoints.map((endpoint) => endpoint.stats()),
    };
  }

  close(): Promise<void> {
    this.#state = 'closed';
    for (const stop of this.#running) stop.abort();
    for (const endpoint of this.#endpoints) endpoint.close();
    this.#changed();
    return Promise.resolve();
  }

  #endpointOf(slot: number): Endpoint | undefined {
    return this.#endpoints[slot % this.#endpoints.length];
  }

  #availabilityChanged(): void {
    if (this.#state === 'closed') return;
    const any = this.#endpoints.some(({ available }) => available);
    if (any) {
      this.#state = 'ready';
      this.#first?.resolve();
      this.#first = null;
    } else if (this.#state === 'ready') this.#state = 'failed';
    this.#changed();
  }

  /**
   * At the start a wrong model is told, as a wrong graph is, unless another server has the right one. It may become right:
   * until the backend is closed, the servers are tried again.
   */
  #refused(error: unknown): void {
    if (this.#first === null) return;
    if (error instanceof BundleError) this.#wrong ??= error;
    if (--this.#unasked > 0 || this.#wrong === null) return;
    const { reject } = this.#first;
    this.#first = null;
    this.#state = 'failed';
    reject(this.#wrong);
  }
}
