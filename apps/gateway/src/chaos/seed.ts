/** The variable that replays a schedule. Not a setting of the service. */
const VARIABLE = 'SINEW_CHAOS_SEED';

/** The seed of this run: the one asked for, or a new one. It is printed, so that a failing schedule can be played again. */
export function chaosSeed(): number {
  const asked = process.env[VARIABLE];
  const seed = asked === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(asked);
  if (!Number.isInteger(seed) || seed < 0) throw new Error(`${VARIABLE} must be a whole number, not ${asked}`);
  process.stderr.write(`chaos: ${VARIABLE}=${seed}\n`);
  return seed;
}

/** Numbers that look random and are the same for the same seed (mulberry32). */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** [0, 1) */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.next();
  }

  pick<T>(from: readonly T[]): T {
    const one = from[Math.floor(this.next() * from.length)];
    if (one === undefined) throw new RangeError('nothing to pick from');
    return one;
  }

  shuffled<T>(from: readonly T[]): T[] {
    return from
      .map((value) => ({ value, at: this.next() }))
      .sort((a, b) => a.at - b.at)
      .map(({ value }) => value);
  }
}
