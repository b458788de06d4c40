const BIN_MS = 0.5;
const BINS = 20_000; // ten seconds; older than that counts as ten seconds

/** Percentiles of any number of ages in a fixed amount of memory, to half a millisecond. */
export class AgeHistogram {
  readonly #counts = new Uint32Array(BINS + 1);
  #total = 0;

  add(ageMs: number): void {
    const bin = Math.max(0, Math.min(BINS, Math.floor(ageMs / BIN_MS)));
    this.#counts[bin] = (this.#counts[bin] ?? 0) + 1;
    this.#total += 1;
  }

  /** `share` 0-1; the upper edge of its bin in ms, 0 where nothing was added. */
  percentile(share: number): number {
    const rank = share * this.#total;
    let below = 0;
    for (const [bin, count] of this.#counts.entries()) {
      below += count;
      if (count > 0 && below >= rank) return (bin + 1) * BIN_MS;
    }
    return 0;
  }
}
