import type { Bundle } from '../bundle/bundle.js';
import { checkInput } from './check-input.js';
import type { BackendStats, BatchResult, PolicyBackend, PolicyInput, PolicyOutput, WarmUp } from './policy-backend.js';

/** Answers every input at once with one fixed chunk: no motion, gripper open. Shows what the server costs alone. */
export function createNullBackend(options: { bundle: Bundle; maxBatch?: number }): PolicyBackend {
  return new NullBackend(options.bundle, options.maxBatch);
}

class NullBackend implements PolicyBackend {
  readonly slots = 1;
  readonly depth = 1;
  readonly maxBatch: number;
  readonly #bundle: Bundle;
  readonly #chunk: Float32Array;
  #state: BackendStats['state'] = 'loading';
  #batches = 0;
  #inferences = 0;

  constructor(bundle: Bundle, maxBatch = bundle.manifest.batch.max) {
    this.#bundle = bundle;
    this.maxBatch = maxBatch;
    const { chunk_size, action_dim } = bundle.manifest;
    this.#chunk = new Float32Array(chunk_size * action_dim);
    for (let row = 1; row <= chunk_size; row++) this.#chunk[row * action_dim - 1] = 1;
  }

  start(): Promise<void> {
    this.#state = 'ready';
    return Promise.resolve();
  }

  warmUp(): readonly WarmUp[] {
    return this.#state === 'loading' ? [] : [{ batch: this.maxBatch, inferMs: 0 }];
  }

  available(): boolean {
    return this.#state === 'ready';
  }

  onAvailability(): void {
    // Always available between start and close.
  }

  run(_slot: number, inputs: readonly PolicyInput[]): Promise<BatchResult> {
    this.#batches++;
    this.#inferences += inputs.length;
    const outputs = inputs.map(
      (input): PolicyOutput => checkInput(this.#bundle.manifest, input) ?? { ok: true, actions: this.#chunk.slice() },
    );
    return Promise.resolve({ outputs, decodeMs: 0, inferMs: 0 });
  }

  stats(): BackendStats {
    return {
      state: this.#state,
      provider: 'null',
      warnings: [],
      available: [this.available()],
      crashed: 0,
      hung: 0,
      batches: this.#batches,
      inferences: this.#inferences,
      decodeMs: 0,
      inferMs: 0,
      cpuMs: 0,
    };
  }

  close(): Promise<void> {
    this.#state = 'closed';
    return Promise.resolve();
  }
}
