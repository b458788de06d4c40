/** A seeded source of numbers (splitmix32 into xoshiro128**): the same seed, the same world. Not for secrets. */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor(seed: number) {
    let state = seed >>> 0;
    const next = (): number => {
      state = (state + 0x9e3779b9) | 0;
      let z = state ^ (state >>> 16);
      z = Math.imul(z, 0x21f0aaad);
      z ^= z >>> 15;
      z = Math.imul(z, 0x735a2d97);
      return (z ^ (z >>> 15)) | 0;
    };
    // Seeds beyond 32 bits are seeds of their own.
    this.#a = next();
    this.#b = next() ^ Math.floor(seed / 2 ** 32);
    this.#c = next();
    this.#d = next() | 1;
  }

  /** A stream of its own: what one part of the world draws does not move what another draws. */
  fork(): Random {
    return new Random(this.#next() * 2 ** 21 + (this.#next() >>> 11));
  }

  /** [0, 1) */
  unit(): number {
    return this.#next() / 2 ** 32;
  }

  /** [from, to) */
  between(from: number, to: number): number {
    return from + (to - from) * this.unit();
  }

  /** An integer in [from, to]. */
  int(from: number, to: number): number {
    return from + Math.floor(this.unit() * (to - from + 1));
  }

  chance(probability: number): boolean {
    return this.unit() < probability;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.int(0, list.length - 1)] as T;
  }

  /** Of mean `mean`, long-tailed: most are short, a few are many times as long. */
  exponential(mean: number): number {
    return -mean * Math.log(1 - this.unit());
  }

  #next(): number {
    const result = Math.imul(rotl(Math.imul(this.#b, 5), 7), 9) >>> 0;
    const t = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= t;
    this.#d = rotl(this.#d, 11);
    return result;
  }
}

const rotl = (x: number, k: number): number => (x << k) | (x >>> (32 - k));
