import { evaluationSeed } from '../seeds.js';

/** Hands out a run's episodes, each once, to whichever robot is free. */
export class Episodes {
  readonly #seed: number;
  readonly #count: number;
  #next = 0;

  constructor(seed: number, count: number) {
    this.#seed = seed;
    this.#count = count;
  }

  /** The next episode's seed, or null when all are taken. */
  take(): number | null {
    return this.#next < this.#count ? evaluationSeed(this.#seed, this.#next++) : null;
  }
}
