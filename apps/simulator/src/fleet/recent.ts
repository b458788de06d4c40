/** The last `size` numbers. */
export class Recent {
  readonly #values: number[] = [];
  readonly #size: number;

  constructor(size: number) {
    this.#size = size;
  }

  add(value: number): void {
    this.#values.push(value);
    if (this.#values.length > this.#size) this.#values.shift();
  }

  /** NaN where there is none. */
  percentile(share: number): number {
    const sorted = [...this.#values].sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  }

  /** Of times in ms: events a second; NaN with fewer than two. */
  rate(): number {
    const [first = 0] = this.#values;
    const spanMs = (this.#values.at(-1) ?? first) - first;
    return spanMs > 0 ? (1000 * (this.#values.length - 1)) / spanMs : Number.NaN;
  }
}
