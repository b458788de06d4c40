import type { BatchLostError, ServerStats } from '../backend/policy-backend.js';
import { BundleError } from '../bundle/bundle-error.js';
import { BatchImages } from '../onnx/batch-images.js';
import { BatchLayout, compactRows } from '../onnx/batch-layout.js';
import { Endpoint } from './endpoint.js';
import { reasonOf } from './fault-line.js';
import type { FromRemote, RemoteSetup, RunMessage } from './messages.js';
import { type RemoteServer, ServerLostError } from './remote-server.js';

export interface RemoteHostParts {
  readonly setup: RemoteSetup;
  readonly connect: (setup: RemoteSetup, url: string, layout: BatchLayout) => RemoteServer;
  readonly post: (message: FromRemote, transfer: ArrayBuffer[]) => void;
  /** CPU time of this thread, ms. */
  readonly cpu: () => number | null;
}

/** A batch that was not answered. */
class Lost extends Error {
  constructor(
    readonly how: BatchLostError['how'],
    readonly begun: boolean,
    reason: string,
  ) {
    super(reason);
  }
}

/**
 * What talks to the servers: decodes images, speaks the protocol, takes servers out and in. It lives in a thread of its own, because
 * megabytes of pixels through a socket take milliseconds, and the gateway's thread paces robots.
 */
export class RemoteHost {
  readonly #parts: RemoteHostParts;
  readonly #layout: BatchLayout;
  readonly #images: BatchImages;
  readonly #endpoints: Endpoint[] = [];
  readonly #running = new Set<AbortController>();
  /** What was wrong with the first that has another model, until it has been told. */
  #wrong: BundleError | null = null;
  #closed = false;

  constructor(parts: RemoteHostParts) {
    const { manifest, maxBatch, model } = parts.setup;
    this.#parts = parts;
    this.#layout = new BatchLayout(manifest, maxBatch);
    this.#images = new BatchImages(manifest, this.#layout);
    for (const url of model.urls) {
      const server = parts.connect(parts.setup, url, this.#layout);
      this.#endpoints.push(
        new Endpoint(url, server, { changed: () => this.#tell(), refused: (error) => this.#refused(error) }),
      );
    }
  }

  start(): void {
    for (const endpoint of this.#endpoints) endpoint.start();
  }

  async run(message: RunMessage): Promise<void> {
    const { batch, deadlineMs, slot } = message;
    const endpoint = this.#endpoints[slot % this.#endpoints.length] as Endpoint;
    const stop = new AbortController();
    const clock = { hung: false };
    // After a stall of this thread the timer fires before the answer that already waits is read: read first.
    const deadline = setTimeout(() => {
      setImmediate(() => {
        clock.hung = true;
        stop.abort();
      });
    }, deadlineMs);
    this.#running.add(stop);
    try {
      const result = await this.#answer(endpoint, message, stop.signal);
      const { slab, staging } = result;
      const servers = this.#servers();
      this.#parts.post({ kind: 'result', result, servers }, staging === null ? [slab] : [slab, staging]);
    } catch (error) {
      const { how, begun, message: reason } = this.#lost(endpoint, error, clock.hung, deadlineMs);
      this.#parts.post(
        { kind: 'lost', id: batch.id, how, begun, reason: `${endpoint.url}: ${reason}`, servers: this.#servers() },
        [],
      );
    } finally {
      clearTimeout(deadline);
      this.#running.delete(stop);
    }
  }

  close(): void {
    this.#closed = true;
    for (const stop of this.#running) stop.abort();
    for (const endpoint of this.#endpoints) endpoint.close();
  }

  async #answer(endpoint: Endpoint, { batch, slot, prompts, deadlineMs, worthMs }: RunMessage, signal: AbortSignal) {
    const { id, slab, staging, size } = batch;
    if (!endpoint.available) throw new Lost('crashed', false, 'the server is not available');
    const begin = performance.now();
    const faults = staging === null ? [] : await this.#images.finish(this.#images.arrive(batch, staging));
    if (signal.aborted) throw new Lost('hung', false, `its images took longer than ${deadlineMs} ms`);
    const rows = compactRows(this.#layout, slab, size, faults);
    const decodeMs = performance.now() - begin;
    if (rows.length > 0) {
      const refused = await endpoint.run(
        Math.floor(slot / this.#endpoints.length),
        {
          slab,
          rows: rows.length,
          prompts: rows.map((row) => prompts[row] ?? ''),
          remainingMs: Math.max(1, Math.min(deadlineMs, worthMs) - decodeMs),
        },
        signal,
      );
      for (const fault of refused) faults.push({ ...fault, row: rows[fault.row] ?? -1 });
    }
    const inferMs = performance.now() - begin - decodeMs;
    const cpuMs = this.#parts.cpu();
    return { kind: 'result', id, slab, staging, rows, faults, decodeMs, inferMs, cpuMs } as const;
  }

  /** What became of a batch, and of its server. */
  #lost(endpoint: Endpoint, error: unknown, hung: boolean, deadlineMs: number): Lost {
    if (this.#closed) return new Lost('closed', true, 'the backend is closed');
    if (error instanceof Lost) return error;
    const reason = hung ? `no answer within ${deadlineMs} ms` : reasonOf(error);
    if (hung || error instanceof ServerLostError) endpoint.lose(reason);
    return new Lost(hung ? 'hung' : 'crashed', !(error instanceof ServerLostError) || error.begun, reason);
  }

  #servers(): ServerStats[] {
    return this.#endpoints.map((endpoint) => endpoint.stats());
  }

  #tell(): void {
    const { warmUp } = this.#endpoints.find((endpoint) => endpoint.warmUp.length > 0) ?? { warmUp: [] };
    const warnings = this.#endpoints.flatMap(({ url, warnings }) => warnings.map((warning) => `${url}: ${warning}`));
    this.#parts.post({ kind: 'servers', servers: this.#servers(), warmUp, warnings }, []);
  }

  /** A wrong model is told, as a wrong graph is, unless another server has the right one or may have it. All are tried again. */
  #refused(error: unknown): void {
    if (error instanceof BundleError) this.#wrong ??= error;
    const settled = this.#servers().every(({ state }) => state === 'failed');
    if (!settled || this.#wrong === null) return;
    const { field, reason } = this.#wrong;
    this.#parts.post({ kind: 'refused', field, reason }, []);
  }
}
