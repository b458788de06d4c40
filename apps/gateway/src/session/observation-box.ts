import type { WireImage } from '@sinew/protocol';
import { ImageSlab } from './image-slab.js';

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

export type PutResult = 'stored' | 'superseded' | 'overflow';

/** Where observations wait: the newest alone (S5), or a short line in order (S4). */
export class ObservationBox {
  readonly #capacity: number;
  readonly #latestWins: boolean;
  readonly #waiting: AcceptedObservation[] = [];
  readonly #slab = new ImageSlab();

  private constructor(capacity: number, latestWins: boolean) {
    this.#capacity = capacity;
    this.#latestWins = latestWins;
  }

  static latest(): ObservationBox {
    return new ObservationBox(1, true);
  }

  static inOrder(capacity: number): ObservationBox {
    return new ObservationBox(capacity, false);
  }

  get size(): number {
    return this.#waiting.length;
  }

  put(observation: AcceptedObservation): PutResult {
    const room = this.#waiting.length < this.#capacity;
    if (!room && !this.#latestWins) return 'overflow';
    const kept = { ...observation, images: this.#slab.store(observation.images) };
    if (room) this.#waiting.push(kept);
    else this.#waiting[0] = kept;
    // In a line each keeps its own images; the newest alone may be written over until it is taken.
    if (!this.#latestWins) this.#slab.handOver();
    return room ? 'stored' : 'superseded';
  }

  take(): AcceptedObservation | null {
    this.#slab.handOver();
    return this.#waiting.shift() ?? null;
  }

  list(): AcceptedObservation[] {
    return this.#waiting.slice();
  }

  clear(): void {
    this.#waiting.length = 0;
  }
}
