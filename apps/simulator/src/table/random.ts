/** mulberry32 (Tommy Ettinger): 32 bits of state, the same numbers on every machine. */
export class Random {
  #state: number;

  /** `state` is taken as uint32. */
  constructor(state: number) {
    this.#state = state >>> 0;
  }

  get state(): number {
    return this.#state;
  }

  uint32(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  /** Uniform in [0, 1). */
  unit(): number {
    return this.uint32() / 4294967296;
  }

  /** Uniform in [low, high). */
  between(low: number, high: number): number {
    return low + (high - low) * this.unit();
  }

  /** Uniform integer in [0, count). */
  below(count: number): number {
    return Math.floor(this.unit() * count);
  }

  /** Standard normal (Box-Muller; one value a call, the second is thrown away to keep the state one number). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.unit()));
    return radius * Math.cos(2 * Math.PI * this.unit());
  }
}

/** The stream of episode `seed`: neighbouring seeds start far apart. */
export function episodeRandom(seed: number): Random {
  const random = new Random(Math.imul(seed, 2654435761) + 12345);
  random.uint32();
  return random;
}
