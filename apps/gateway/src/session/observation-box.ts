import type { WireImage } from '@sinew/protocol';
import { ImageSlab } from './image-slab.js';
import type { SlabPool } from './slab-pool.js';

/** An observation that passed every rule and waits for a policy worker. */
export interface AcceptedObservation {
  readonly seq: number;
  /** Borrowed from the socket's buffer until the observation is put into a box, which keeps a copy. */
  readonly images: Readonly<Record<string, WireImage>>;
  readonly state: Float64Array;
  readonly instruction: string;
  readonly arrivedMs: number;
  /** Capture time on the server's clock, ms (W7). */
  readonly capturedMs: number;
  /** The control tick that entry 0 of its chunk is for. */
  readonly baseTick: number;
  /** Work of an older generation (before a reset, resume or e-stop) is never used. */
  readonly generation: number;
}

/** An observation with images of its own. */
export interface KeptObservation extends AcceptedObservation {
  /** What its images lie in, once it was taken. */
  slab: Uint8Array | null;
}

export type PutResult = 'stored' | 'superseded' | 'overflow';

/** Where observations wait: the newest alone (S5), or a short line in order (S4). */
export class ObservationBox {
  readonly #capacity: number;
  readonly #latestWins: boolean;
  readonly #waiting: KeptObservation[] = [];
  readonly #pool: SlabPool;
  readonly #slab: ImageSlab;

  private constructor(pool: SlabPool, capacity: number, latestWins: boolean) {
    this.#pool = pool;
    this.#slab = new ImageSlab(pool);
    this.#capacity = capacity;
    this.#latestWins = latestWins;
  }

  static latest(pool: SlabPool): ObservationBox {
    return new ObservationBox(pool, 1, true);
  }

  static inOrder(pool: SlabPool, capacity: number): ObservationBox {
    return new ObservationBox(pool, capacity, false);
  }

  get size(): number {
    return this.#waiting.length;
  }

  put(observation: AcceptedObservation): PutResult {
    const room = this.#waiting.length < this.#capacity;
    if (!room && !this.#latestWins) return 'overflow';
    const { seq, state, instruction, arrivedMs, capturedMs, baseTick, generation } = observation;
    const images = this.#slab.store(observation.images);
    const kept: KeptObservation = {
      seq,
      images,
      state,
      instruction,
      arrivedMs,
      capturedMs,
      baseTick,
      generation,
      slab: null,
    };
    if (room) this.#waiting.push(kept);
    else this.#waiting[0] = kept;
    // In a line each keeps its own images; the newest alone may be written over until it is taken.
    if (!this.#latestWins) kept.slab = this.#slab.handOver();
    return room ? 'stored' : 'superseded';
  }

  /** The images are the caller's until it calls `release`. */
  take(): KeptObservation | null {
    const taken = this.#waiting.shift();
    if (taken === undefined) return null;
    if (this.#latestWins) taken.slab = this.#slab.handOver();
    return taken;
  }

  /** Nobody looks at the images of a taken observation any more. */
  release(observation: KeptObservation): void {
    const { slab } = observation;
    if (slab === null) return;
    observation.slab = null;
    this.#pool.give(slab);
  }

  list(): AcceptedObservation[] {
    return this.#waiting.slice();
  }

  clear(): void {
    for (const observation of this.#waiting) this.release(observation);
    this.#waiting.length = 0;
  }
}
