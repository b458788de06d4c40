/** How long ticks are remembered, seconds: several rounds of asking, executing and waiting. */
const MEMORY_S = 3;

/** Which share of its recent ticks a session lost to waiting for a chunk: what the scheduler's order `wait_ratio` goes by. */
export class WaitShare {
  readonly #keep: number;
  #ticks = 0;
  #waited = 0;

  constructor(hz: number) {
    this.#keep = Math.exp(-1 / (MEMORY_S * hz));
  }

  /** One control tick. `waited`: it was held only because nothing was left to execute. */
  tick(waited: boolean): void {
    this.#ticks = this.#ticks * this.#keep + 1;
    this.#waited = this.#waited * this.#keep + (waited ? 1 : 0);
  }

  /** 0 … 1 */
  get ratio(): number {
    return this.#ticks === 0 ? 0 : this.#waited / this.#ticks;
  }
}
