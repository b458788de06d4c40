import type { WireImage } from '@sinew/protocol';

/** An observation that passed every rule and waits for a policy worker. */
export interface AcceptedObservation {
  readonly seq: number;
  readonly requestId: string;
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
    if (this.#waiting.length < this.#capacity) {
      this.#waiting.push(observation);
      return 'stored';
    }
    if (!this.#latestWins) return 'overflow';
    this.#waiting[0] = observation;
    return 'superseded';
  }

  take(): AcceptedObservation | null {
    return this.#waiting.shift() ?? null;
  }

  clear(): void {
    this.#waiting.length = 0;
  }
}
