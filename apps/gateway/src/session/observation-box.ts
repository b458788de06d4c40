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
  /**
   * Where latest wins: the one that waits, written over by the next. Most observations are superseded, and what each of them
   * made anew lived just long enough for the garbage collector to have to move it.
   */
  #latest: Latest | null = null;

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
    if (this.#latestWins) {
      this.#latest ??= new Latest(observation.state.length);
      this.#latest.set(observation, this.#slab.store(observation.images));
      if (room) this.#waiting.push(this.#latest);
      return room ? 'stored' : 'superseded';
    }
    if (!room) return 'overflow';
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
      // In a line each keeps its own images.
      slab: this.#slab.handOver(),
    };
    this.#waiting.push(kept);
    return 'stored';
  }

  /** The images are the caller's until it calls `release`. */
  take(): KeptObservation | null {
    const taken = this.#waiting.shift();
    if (taken === undefined) return null;
    if (this.#latestWins) {
      taken.slab = this.#slab.handOver();
      this.#latest = null;
    }
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

class Latest implements KeptObservation {
  seq = 0;
  images: Readonly<Record<string, WireImage>> = {};
  readonly state: Float64Array;
  instruction = '';
  arrivedMs = 0;
  capturedMs = 0;
  baseTick = 0;
  generation = 0;
  slab: Uint8Array | null = null;

  constructor(stateDim: number) {
    this.state = new Float64Array(stateDim);
  }

  set(observation: AcceptedObservation, images: Readonly<Record<string, WireImage>>): void {
    this.seq = observation.seq;
    this.images = images;
    this.state.set(observation.state);
    this.instruction = observation.instruction;
    this.arrivedMs = observation.arrivedMs;
    this.capturedMs = observation.capturedMs;
    this.baseTick = observation.baseTick;
    this.generation = observation.generation;
  }
}
