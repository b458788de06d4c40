import type { BackendStats, BatchResult, PolicyBackend, PolicyInput, WarmUp } from '@sinew/policy';
import type { WireImage } from '@sinew/protocol';
import type { LateCamera } from './late-camera.js';
import { type ServiceTime, serviceMs } from './service-time.js';
import type { VirtualTime } from './virtual-time.js';

/**
 * One accelerator that infers for real and takes as long as it is told to: the chunks are those of the policy behind it, the
 * time is the virtual clock's. One batch at a time, none ahead: nothing has to be decoded here.
 */
export class VirtualAccelerator implements PolicyBackend {
  readonly slots = 1;
  readonly depth: number;
  readonly maxBatch: number;
  readonly #policy: PolicyBackend;
  readonly #time: VirtualTime;
  readonly #service: ServiceTime;
  readonly #camera: LateCamera;
  readonly #computing = new Set<Promise<unknown>>();
  #freeAtMs = 0;
  #busyMs = 0;

  constructor(
    policy: PolicyBackend,
    time: VirtualTime,
    camera: LateCamera,
    service: ServiceTime,
    { maxBatch, depth }: { maxBatch: number; depth: number },
  ) {
    this.#camera = camera;
    this.#policy = policy;
    this.#time = time;
    this.#service = service;
    this.maxBatch = maxBatch;
    this.depth = depth;
  }

  /** Virtual milliseconds that batches kept it busy. */
  get busyMs(): number {
    return this.#busyMs;
  }

  async start(): Promise<void> {}

  warmUp(): readonly WarmUp[] {
    return [...new Set([1, this.maxBatch])].map((batch) => ({ batch, inferMs: serviceMs(this.#service, batch) }));
  }

  available(): boolean {
    return true;
  }

  onAvailability(): void {}

  run(_slot: number, inputs: readonly PolicyInput[], deadlineMs: number): Promise<BatchResult> {
    // Computed while the virtual clock goes on: the frames are borrowed until the batch is done.
    const computed = this.#compute(inputs, deadlineMs);
    this.#computing.add(computed);
    void computed.catch(() => {}).then(() => this.#computing.delete(computed));
    const inferMs = serviceMs(this.#service, inputs.length);
    const now = this.#time.now();
    this.#freeAtMs = Math.max(now, this.#freeAtMs) + inferMs;
    this.#busyMs += inferMs;
    return new Promise((resolve, reject) => {
      this.#time.after(this.#freeAtMs - now, async () => {
        try {
          resolve({ outputs: await computed, decodeMs: 0, inferMs });
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  /** The policy's own batches may be smaller than the accelerator's. */
  async #compute(inputs: readonly PolicyInput[], deadlineMs: number): Promise<BatchResult['outputs']> {
    const parts: Promise<BatchResult>[] = [];
    for (let at = 0; at < inputs.length; at += this.#policy.maxBatch) {
      const part = inputs.slice(at, at + this.#policy.maxBatch).map((input) => this.#developed(input));
      parts.push(this.#policy.run(0, part, deadlineMs));
    }
    return (await Promise.all(parts)).flatMap(({ outputs }) => outputs);
  }

  #developed(input: PolicyInput): PolicyInput {
    const images: Record<string, WireImage> = {};
    for (const [name, image] of Object.entries(input.images)) {
      images[name] = { ...image, data: this.#camera.develop(image.data) };
    }
    return { ...input, images };
  }

  stats(): BackendStats {
    return this.#policy.stats();
  }

  /** The policy behind it is closed by who started it, but not under a batch. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#computing);
  }
}
