import type { Manifest } from '../bundle/manifest.js';
import { type ArrivedImages, BatchImages } from './batch-images.js';
import { type BatchLayout, compactRows } from './batch-layout.js';
import type { Graph } from './graph.js';
import type { GraphGate } from './graph-gate.js';
import type { BatchMessage, RowFault, WorkerMessage } from './messages.js';

/** Longer than a message's way to the gateway's thread and back, much shorter than decoding. */
const SUCCESSOR_PATIENCE_MS = 0.5;

interface Arrived {
  readonly message: BatchMessage;
  readonly images: ArrivedImages | null;
}

export interface BatchRunnerParts {
  readonly manifest: Manifest;
  readonly layout: BatchLayout;
  readonly graph: Pick<Graph, 'run'>;
  readonly gate: GraphGate;
  /** CPU time of this thread, ms. */
  readonly cpu: () => number | null;
  readonly post: (message: WorkerMessage, transfer: ArrayBuffer[]) => void;
}

/**
 * Runs batches in the order of their arrival. Decoding begins at arrival, in the library's own threads, so the images of
 * the next batch are decoded while this thread is blocked in the graph.
 */
export class BatchRunner {
  readonly #parts: BatchRunnerParts;
  readonly #queue: Arrived[] = [];
  readonly #images: BatchImages;
  #running = false;
  #closed = false;

  constructor(parts: BatchRunnerParts) {
    this.#parts = parts;
    this.#images = new BatchImages(parts.manifest, parts.layout);
  }

  accept(message: BatchMessage): void {
    const { staging } = message;
    this.#queue.push({ message, images: staging === null ? null : this.#images.arrive(message, staging) });
    if (!this.#running) void this.#drain();
  }

  /** Runs nothing any more. */
  close(): void {
    this.#closed = true;
  }

  async #drain(): Promise<void> {
    this.#running = true;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      // What of the decoding was hidden behind the batch before does not count.
      const begin = performance.now();
      const faults = next.images === null ? [] : await this.#images.finish(next.images);
      if (this.#closed || !this.#parts.gate.enter()) return;
      try {
        await this.#run(next.message, faults, performance.now() - begin);
      } finally {
        this.#parts.gate.leave();
      }
      if ((next.images?.library.length ?? 0) > 0) await this.#successorArrives();
    }
    this.#running = false;
  }

  /**
   * With a batch waiting already, the result that was just posted brings another within a tenth of a millisecond. Its decoding
   * must begin before the graph blocks this thread again, or it is not hidden behind it: every other batch was not.
   */
  async #successorArrives(): Promise<void> {
    const until = performance.now() + SUCCESSOR_PATIENCE_MS;
    while (this.#queue.length === 1 && performance.now() < until) await new Promise((resolve) => setImmediate(resolve));
  }

  async #run(message: BatchMessage, faults: RowFault[], decodeMs: number): Promise<void> {
    const { id, slab, staging, size } = message;
    const { graph, cpu, post } = this.#parts;
    const rows = compactRows(this.#parts.layout, slab, size, faults);
    const begin = performance.now();
    if (rows.length > 0) {
      try {
        await graph.run(slab, rows.length);
      } catch (error) {
        await this.#runApart(slab, rows, faults, error);
      }
    }
    const inferMs = performance.now() - begin;
    const result = {
      kind: 'result',
      id,
      slab,
      staging,
      rows,
      faults,
      decodeMs,
      inferMs,
    } as const;
    post({ ...result, cpuMs: cpu() }, staging === null ? [slab] : [slab, staging]);
  }

  /** The graph refused the batch, and does not say for which input: each runs alone, so only the culprit fails (Q5). */
  async #runApart(slab: ArrayBuffer, rows: readonly number[], faults: RowFault[], error: unknown): Promise<void> {
    for (const [at, row] of rows.entries()) {
      try {
        if (rows.length === 1) throw error;
        await this.#parts.graph.run(slab, 1, at);
      } catch (cause) {
        faults.push({ row, code: 'model_error', reason: cause instanceof Error ? cause.message : String(cause) });
      }
    }
  }
}
