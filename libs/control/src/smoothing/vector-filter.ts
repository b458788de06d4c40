import type { Smoothing } from '@sinew/protocol';
import { at } from '../chunk.js';
import type { GapFilter } from './gap-filter.js';
import { type FilterLimits, JerkLimited } from './jerk-limited.js';
import { Butterworth2, Ema, OneEuro } from './low-pass.js';

/** `one_euro`: growth of the cutoff with speed, Hz per rad/s. */
export const ROTATION_BETA = 3;

/** Null: `none`. Each kind's delay stands at its class. `beta`: of `one_euro`, Hz a unit/s. */
export function createGapFilter(
  kind: Smoothing,
  periodS: number,
  dim: number,
  limits: FilterLimits,
  beta: number,
): GapFilter | null {
  switch (kind) {
    case 'none':
      return null;
    case 'ema':
      return new Ema(periodS);
    case 'one_euro':
      return new OneEuro(dim, periodS, beta);
    case 'butterworth2':
      return new Butterworth2(dim, periodS);
    case 'jerk_limited':
      return new JerkLimited(dim, periodS, limits);
  }
}

/**
 * Smooths a target of `dim` numbers, e.g. joint positions: absolute values, never differences, never a gripper. Starts at the
 * commanded position, so the first target is no jump.
 */
export class VectorFilter {
  /** Numbers that `save` writes. */
  readonly row: number;
  readonly #core: GapFilter | null;
  readonly #output: Float64Array;
  readonly #gap: Float64Array;
  #running = false;

  constructor(kind: Smoothing, periodS: number, dim: number, limits: FilterLimits, beta = ROTATION_BETA) {
    this.#core = createGapFilter(kind, periodS, dim, limits, beta);
    this.row = this.#core === null ? 0 : 1 + dim + this.#core.row;
    this.#output = new Float64Array(dim);
    this.#gap = new Float64Array(dim);
  }

  reset(): void {
    this.#running = false;
  }

  /** Replaces `target` by its smoothed value; `commanded` is where a filter that starts now starts from. */
  apply(target: Float64Array, commanded: Float64Array): void {
    if (this.#core === null) return;
    const output = this.#output;
    const gap = this.#gap;
    if (!this.#running) {
      this.#running = true;
      this.#core.reset();
      for (let i = 0; i < output.length; i++) output[i] = at(commanded, i);
    }
    for (let i = 0; i < output.length; i++) gap[i] = at(target, i) - at(output, i);
    this.#core.move(gap);
    for (let i = 0; i < output.length; i++) {
      const y = at(output, i) + at(gap, i);
      output[i] = y;
      target[i] = y;
    }
  }

  /** Writes its memory to `rows` (`row` numbers from `offset`); with `load` the tick can be run again. */
  save(rows: Float64Array, offset: number): void {
    if (this.#core === null) return;
    rows[offset] = this.#running ? 1 : 0;
    rows.set(this.#output, offset + 1);
    this.#core.save(rows, offset + 1 + this.#output.length);
  }

  load(rows: Float64Array, offset: number): void {
    if (this.#core === null) return;
    this.#running = rows[offset] === 1;
    for (let i = 0; i < this.#output.length; i++) this.#output[i] = at(rows, offset + 1 + i);
    this.#core.load(rows, offset + 1 + this.#output.length);
  }
}
