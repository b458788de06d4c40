import type { BackendStats, BatchResult, PolicyBackend, PolicyInput, WarmUp } from '../backend/policy-backend.js';
import type { Bundle } from '../bundle/bundle.js';
import { BatchFiller } from './batch-filler.js';
import { BatchLayout } from './batch-layout.js';
import type { WorkerSetup } from './messages.js';
import { WorkerSlot } from './worker-slot.js';

export interface OnnxBackendOptions {
  readonly bundle: Bundle;
  /** Inference threads. `threads × intraOp` must not exceed the cores; on a GPU one thread is right. */
  readonly threads: number;
  readonly intraOp?: number;
  /** Execution provider; where it cannot be loaded, `cpu` is used and `stats().warnings` says so. */
  readonly provider?: string;
  /** At most this many at once; 0 or absent: the bundle's. */
  readonly maxBatch?: number;
  /** The thread's entry, for tests that need a thread that misbehaves. */
  readonly worker?: URL;
  /** How long a thread that replaces another may load at least, ms; for tests. */
  readonly leastReloadMs?: number;
}

export function createOnnxBackend(options: OnnxBackendOptions): PolicyBackend {
  return new OnnxBackend(options);
}

class OnnxBackend implements PolicyBackend {
  /** One batch in the graph, one being decoded. */
  readonly depth = 2;
  readonly maxBatch: number;
  readonly #slots: WorkerSlot[] = [];
  #state: BackendStats['state'] = 'loading';
  #changed = () => {};
  readonly #totals = { crashed: 0, hung: 0, batches: 0, inferences: 0, decodeMs: 0, inferMs: 0, cpuMs: 0 };

  constructor({
    bundle,
    threads,
    intraOp = 1,
    provider = 'cpu',
    maxBatch = 0,
    worker,
    leastReloadMs,
  }: OnnxBackendOptions) {
    const { manifest, graphPath } = bundle;
    this.maxBatch = maxBatch > 0 ? Math.min(maxBatch, manifest.batch.max) : manifest.batch.max;
    const setup: Omit<WorkerSetup, 'gate'> = { manifest, graphPath, provider, intraOp, maxBatch: this.maxBatch };
    const filler = new BatchFiller(bundle, new BatchLayout(manifest, this.maxBatch));
    const totals = this.#totals;
    for (let i = 0; i < threads; i++) {
      const slot = new WorkerSlot(
        worker ?? new URL('./worker.js', import.meta.url),
        setup,
        filler,
        {
          changed: () => this.#changed(),
          lost: (how) => {
            totals[how]++;
          },
          finished: (result, inputs, cpuMs) => {
            totals.batches++;
            totals.inferences += inputs;
            totals.decodeMs += result.decodeMs;
            totals.inferMs += result.inferMs;
            totals.cpuMs += cpuMs;
          },
        },
        leastReloadMs,
      );
      this.#slots.push(slot);
    }
  }

  get slots(): number {
    return this.#slots.length;
  }

  async start(): Promise<void> {
    try {
      await Promise.all(this.#slots.map((slot) => slot.start()));
    } catch (error) {
      await this.close();
      throw error;
    }
    if (this.#state === 'loading') this.#state = 'ready';
  }

  warmUp(): readonly WarmUp[] {
    return this.#slots[0]?.warmUp ?? [];
  }

  available(slot: number): boolean {
    return this.#slots[slot]?.available ?? false;
  }

  onAvailability(listener: () => void): void {
    this.#changed = listener;
  }

  async run(slot: number, inputs: readonly PolicyInput[], deadlineMs: number): Promise<BatchResult> {
    const place = this.#slots[slot];
    if (place === undefined) throw new RangeError(`no slot ${slot}`);
    if (inputs.length === 0 || inputs.length > this.maxBatch) throw new RangeError(`a batch of ${inputs.length}`);
    return await place.run(inputs, deadlineMs);
  }

  stats(): BackendStats {
    const { cpuMs, ...totals } = this.#totals;
    return {
      state: this.#state,
      provider: this.#slots[0]?.provider ?? '',
      warnings: [...new Set(this.#slots.flatMap((slot) => slot.warnings))],
      available: this.#slots.map((slot) => slot.available),
      ...totals,
      cpuMs: Number.isNaN(cpuMs) ? null : cpuMs,
    };
  }

  async close(): Promise<void> {
    this.#state = 'closed';
    await Promise.all(this.#slots.map((slot) => slot.close()));
  }
}
