/** Observations further back than this have no action coming. */
const KEPT = 256;

/** When each recent observation was captured, on this machine's clock: the age of an action needs no server for it. */
export class CaptureTimes {
  readonly #bySeq = new Map<number, number>();

  add(seq: number, capturedAtMs: number): void {
    this.#bySeq.set(seq, capturedAtMs);
    if (this.#bySeq.size > KEPT) {
      const oldest = this.#bySeq.keys().next();
      if (!oldest.done) this.#bySeq.delete(oldest.value);
    }
  }

  ageMs(seq: number, nowMs: number): number | null {
    const captured = this.#bySeq.get(seq);
    return captured === undefined ? null : nowMs - captured;
  }
}
