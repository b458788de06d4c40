import type { Manifest } from '../bundle/manifest.js';
import { fitEncoded, fitRgb, ImageError } from '../image/fit-image.js';
import { writeRow } from '../image/write-row.js';
import { type BatchLayout, moveRow } from './batch-layout.js';
import type { Graph } from './graph.js';
import type { GraphGate } from './graph-gate.js';
import { type BatchMessage, IMAGE_FIELDS, type RowFault, type WorkerMessage } from './messages.js';

interface Arrived {
  readonly message: BatchMessage;
  readonly images: Promise<Images> | null;
}

interface Images {
  readonly faults: RowFault[];
  readonly decodeMs: number;
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
  #running = false;
  #closed = false;

  constructor(parts: BatchRunnerParts) {
    this.#parts = parts;
  }

  accept(message: BatchMessage): void {
    this.#queue.push({ message, images: message.staging === null ? null : this.#decode(message, message.staging) });
    if (!this.#running) void this.#drain();
  }

  /** Runs nothing any more. */
  close(): void {
    this.#closed = true;
  }

  async #drain(): Promise<void> {
    this.#running = true;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      const images = await next.images;
      if (this.#closed || !this.#parts.gate.enter()) return;
      try {
        await this.#run(next.message, images);
      } finally {
        this.#parts.gate.leave();
      }
    }
    this.#running = false;
  }

  async #run(message: BatchMessage, images: Images | null): Promise<void> {
    const { id, slab, staging, size } = message;
    const { graph, cpu, post } = this.#parts;
    const faults = images?.faults ?? [];
    const rows = this.#compact(slab, size, faults);
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
      decodeMs: images?.decodeMs ?? 0,
      inferMs,
    } as const;
    post({ ...result, cpuMs: cpu() }, staging === null ? [slab] : [slab, staging]);
  }

  /** Brings the inputs without a fault to the front. Answers which input each row is. */
  #compact(slab: ArrayBuffer, size: number, faults: readonly RowFault[]): number[] {
    if (faults.length === 0) return Array.from({ length: size }, (_, row) => row);
    const bad = new Set(faults.map(({ row }) => row));
    const views = this.#parts.layout.viewsBorrow(slab, size);
    const rows: number[] = [];
    for (let row = 0; row < size; row++) {
      if (bad.has(row)) continue;
      if (row !== rows.length) moveRow(views, this.#parts.layout, row, rows.length);
      rows.push(row);
    }
    return rows;
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

  async #decode({ slab, size, images }: BatchMessage, staging: ArrayBuffer): Promise<Images> {
    const begin = performance.now();
    const tensors = this.#parts.layout.viewsBorrow(slab, size).cameras;
    const faults: RowFault[] = [];
    const fit = async (at: number): Promise<void> => {
      const [row = 0, index = 0, offset = 0, length = 0, width = 0, height = 0] = images.slice(at, at + IMAGE_FIELDS);
      const camera = this.#parts.manifest.inputs.cameras[index];
      const tensor = tensors[index];
      if (camera === undefined || tensor === undefined) throw new RangeError(`no camera ${index}`);
      const bytes = new Uint8Array(staging, offset, length);
      try {
        const rgb = width === 0 ? await fitEncoded(bytes, camera) : await fitRgb(bytes, width, height, camera);
        writeRow(rgb, camera, tensor, row);
      } catch (cause) {
        if (!(cause instanceof ImageError)) throw cause;
        // An input with two bad cameras is refused for the first.
        if (faults.some((fault) => fault.row === row)) return;
        faults.push({ row, code: 'validation_failed', field: `images.${camera.name}`, reason: cause.message });
      }
    };
    const jobs: Promise<void>[] = [];
    for (let at = 0; at < images.length; at += IMAGE_FIELDS) jobs.push(fit(at));
    await Promise.all(jobs);
    return { faults, decodeMs: performance.now() - begin };
  }
}
