/** Of the capacity: what is left is for rounds that do not come evenly. */
const TARGET = 0.8;
/** A load that falls by less changes nothing: sessions come and go. */
const HYSTERESIS = 0.8;

/**
 * How much longer than at rest robots should execute each chunk, so that they ask no more often than the backend answers (L2).
 * The load it goes by is what they would ask for at their shortest horizons, whatever is in force: what it decides does not
 * come back to it, so it cannot swing.
 */
export class HorizonStretch {
  #factor = 1;

  /** 1: each session's own horizon. */
  get factor(): number {
    return this.#factor;
  }

  /** `load`: λ/μ at the shortest horizons. */
  update(load: number): void {
    const wanted = load / TARGET;
    if (wanted > this.#factor || wanted < HYSTERESIS * this.#factor) this.#factor = Math.max(1, wanted);
  }
}
