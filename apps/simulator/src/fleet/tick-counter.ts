/**
 * Counts a robot's control ticks by their numbers, and the ones for which nothing came. At a reset the client throws
 * away what is still on its way from the episode before: those ticks came, but nobody sees them.
 */
export class TickCounter {
  ticks = 0;
  missed = 0;
  #activeMs = 0;
  #last: { seq: number; atMs: number } | null = null;
  #afterReset = false;

  /** A command came. `local`: made on this side, with a number that is only an estimate. */
  received(seq: number, atMs: number, local: boolean): void {
    const last = this.#last;
    this.#last = local ? null : { seq, atMs };
    if (last === null || local) return;
    const advanced = Math.max(0, seq - last.seq);
    const missed = this.#afterReset ? 0 : Math.max(0, advanced - 1);
    this.#afterReset = false;
    this.missed += missed;
    this.ticks += advanced - missed;
    this.#activeMs += atMs - last.atMs;
  }

  episodeBegan(): void {
    this.#afterReset = true;
  }

  /** Another session, or the same one after an outage: nothing is known of the ticks between. */
  linkBegan(): void {
    this.#last = null;
  }

  /** Ticks a second while commands came; null before two of them. */
  get hz(): number | null {
    return this.#activeMs > 0 ? (1000 * this.ticks) / this.#activeMs : null;
  }
}
