/** The smallest of the last `size` numbers. Allocates with the first one only; looks at all of them only when the smallest leaves. */
export class SlidingMinimum {
  readonly #size: number;
  #values: Float64Array | null = null;
  #count = 0;
  #minimum = Number.POSITIVE_INFINITY;

  constructor(size: number) {
    this.#size = size;
  }

  push(value: number): void {
    this.#values ??= new Float64Array(this.#size);
    const values = this.#values;
    const at = this.#count % this.#size;
    const leaving = this.#count >= this.#size ? (values[at] as number) : Number.POSITIVE_INFINITY;
    values[at] = value;
    this.#count++;
    if (value <= this.#minimum) this.#minimum = value;
    else if (leaving === this.#minimum) this.#minimum = smallest(values, Math.min(this.#count, this.#size));
  }

  /** Infinity before the first. */
  get value(): number {
    return this.#minimum;
  }
}

function smallest(values: Float64Array, count: number): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < count; i++) least = Math.min(least, values[i] as number);
  return least;
}
