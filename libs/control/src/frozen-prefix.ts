import { at } from './chunk.js';

/** Delays are expected to repeat: the longest of so many inferences counts. */
const REMEMBERED = 10;

/** What will have been executed before a chunk can begin, from its observation on (L7). */
export interface Prefix {
  /** [H·D] policy units: as sent, and as they will be. */
  readonly actions: Float32Array;
  /** [H] 1 where the action is certain, less where it is likely, then 0. */
  readonly weights: Float32Array;
  /** d: how many are certain. */
  readonly frozen: number;
}

export interface PrefixSpec {
  readonly chunkSize: number;
  readonly dim: number;
  /** s */
  readonly execute: number;
}

/**
 * What real-time chunking needs to know (Black et al. 2025, arXiv 2506.07339): the actions that were sent, by tick, and how late
 * chunks come.
 */
export class FrozenPrefix {
  readonly #spec: PrefixSpec;
  readonly #history: number;
  readonly #rows: Float64Array;
  /** Which tick each row is of. */
  readonly #ticks: Float64Array;
  readonly #delays = new Float64Array(REMEMBERED);
  #measured = 0;

  /** `history`: ticks that observations may reach back and plans ahead. */
  constructor(spec: PrefixSpec, history: number) {
    this.#spec = spec;
    this.#history = history;
    this.#rows = new Float64Array(history * spec.dim);
    this.#ticks = new Float64Array(history).fill(Number.NaN);
  }

  /** Nothing of before is known; delays stay as they are. */
  clear(): void {
    this.#ticks.fill(Number.NaN);
  }

  /** `values` [D] were sent, or planned to be, at `tick`. */
  sent(tick: number, values: Float64Array): void {
    const row = this.#row(tick);
    this.#ticks[row] = tick;
    this.#rows.set(values, row * this.#spec.dim);
  }

  /** What stands at ticks `from` … `to` was not sent after all. */
  forget(from: number, to: number): void {
    for (let tick = Math.max(from, to - this.#history + 1); tick <= to; tick++) {
      if (this.#ticks[this.#row(tick)] === tick) this.#ticks[this.#row(tick)] = Number.NaN;
    }
  }

  /** A chunk came `ticks` after its observation. */
  came(ticks: number): void {
    this.#delays[this.#measured++ % REMEMBERED] = ticks;
  }

  /**
   * d, where an observation before `baseTick` is to be inferred from now and `nextTick` is the first that is not sent: the longest of
   * the recent delays, but never more than max(d, 1) ≤ s ≤ H − d allows, or one late chunk would cost the next ten their prefix.
   * Null where more than that was sent already.
   */
  frozen(baseTick: number, nextTick: number): number | null {
    const { chunkSize, execute } = this.#spec;
    const most = Math.min(execute, chunkSize - execute);
    const sent = Math.max(0, nextTick - baseTick);
    if (sent > most) return null;
    let expected = sent;
    for (let i = 0; i < REMEMBERED; i++) expected = Math.max(expected, at(this.#delays, i));
    return Math.min(expected, most);
  }

  /**
   * The prefix of an observation before `baseTick`, from ticks that are all noted as sent or about to be; null where a certain one is
   * missing. What is only likely ends at the first that is missing.
   */
  build(baseTick: number, frozen: number): Prefix | null {
    const { chunkSize, dim, execute } = this.#spec;
    const actions = new Float32Array(chunkSize * dim);
    const weights = new Float32Array(chunkSize);
    for (let i = 0; i < chunkSize; i++) {
      const weight = prefixWeight(i, frozen, execute, chunkSize);
      if (weight === 0) break;
      const row = this.#row(baseTick + i);
      if (this.#ticks[row] !== baseTick + i) {
        if (i < frozen) return null;
        break;
      }
      for (let k = 0; k < dim; k++) actions[i * dim + k] = at(this.#rows, row * dim + k);
      weights[i] = weight;
    }
    return { actions, weights, frozen };
  }

  #row(tick: number): number {
    return (((tick + 1) % this.#history) + this.#history) % this.#history;
  }
}

/** W_i of real-time chunking: 1 for i < d, c(eᶜ − 1)/(e − 1) with c = (H − s − i)/(H − s − d + 1) for d ≤ i < H − s, 0 after. */
export function prefixWeight(i: number, d: number, s: number, h: number): number {
  if (i < d) return 1;
  if (i >= h - s) return 0;
  const c = (h - s - i) / (h - s - d + 1);
  return (c * Math.expm1(c)) / Math.expm1(1);
}
