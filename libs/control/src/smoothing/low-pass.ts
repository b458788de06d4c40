import { at } from '../chunk.js';
import { type GapFilter, Remembering } from './gap-filter.js';

/** `ema`: time constant, seconds. */
const TAU_S = 0.1;
/** `one_euro`: cutoff at rest and of the speed itself, Hz. */
const MIN_CUTOFF_HZ = 1;
const SPEED_CUTOFF_HZ = 1;
/**
 * `butterworth2`: cutoff, Hz, and its largest share of the control rate. 2.5 Hz delays by 90 ms, as the ema does, but falls off
 * twice as steeply; what hands and arms mean to do lies below 2 Hz.
 */
const CUTOFF_HZ = 2.5;
const CUTOFF_SHARE = 0.25;

/** y += (1 − e^(−dt/τ))(x − y), τ = 0.1 s. A ramp is followed τ − dt/2 late (95 ms at 100 Hz, 58 ms at 10 Hz); no overshoot. */
export class Ema extends Remembering implements GapFilter {
  readonly #share: number;

  constructor(periodS: number) {
    super(0);
    this.#share = 1 - Math.exp(-periodS / TAU_S);
  }

  move(gap: Float64Array): void {
    for (let i = 0; i < gap.length; i++) gap[i] = at(gap, i) * this.#share;
  }
}

/**
 * An ema whose cutoff is 1 Hz at rest and grows with the speed of the target, by `beta` Hz a unit/s (Casiez, Roussel, Vogel
 * 2012); delay 1/(2π·cutoff): 160 ms at rest; at 1 rad/s 17 ms at 100 Hz, 32 ms at 10 Hz. No overshoot of a target that
 * stands.
 */
export class OneEuro extends Remembering implements GapFilter {
  readonly #h: number;
  readonly #beta: number;

  constructor(dim: number, periodS: number, beta: number) {
    super(dim);
    this.#h = periodS;
    this.#beta = beta;
  }

  move(gap: Float64Array): void {
    const speed = this.memory;
    const share = lowPassGain(SPEED_CUTOFF_HZ, this.#h);
    let square = 0;
    for (let i = 0; i < gap.length; i++) {
      const v = (1 - share) * at(speed, i) + (share / this.#h) * at(gap, i);
      speed[i] = v;
      square += v * v;
    }
    const gain = lowPassGain(MIN_CUTOFF_HZ + this.#beta * Math.sqrt(square), this.#h);
    for (let i = 0; i < gap.length; i++) gap[i] = at(gap, i) * gain;
  }
}

/**
 * Second-order Butterworth low pass by the bilinear transform, prewarped: at most 2.5 Hz, at most a quarter of the control rate.
 * Delay of slow motion √2·dt/(2·tan(π·cutoff·dt)): 90 ms at 100 Hz, 71 ms at 10 Hz. A step is overshot by 4 to 5 % of
 * itself, by 12 % where the cutoff is a quarter of the rate (10 Hz and below).
 */
export class Butterworth2 extends Remembering implements GapFilter {
  readonly #dim: number;
  readonly #b0: number;
  readonly #a1: number;
  readonly #a2: number;

  constructor(dim: number, periodS: number) {
    super(2 * dim);
    this.#dim = dim;
    const k = Math.tan(Math.PI * Math.min(CUTOFF_HZ * periodS, CUTOFF_SHARE));
    const scale = 1 / (1 + Math.SQRT2 * k + k * k);
    this.#b0 = k * k * scale;
    this.#a1 = 2 * (k * k - 1) * scale;
    this.#a2 = (1 - Math.SQRT2 * k + k * k) * scale;
  }

  /** Transposed direct form II; its two memories are what they would be at rest in the output, subtracted. */
  move(gap: Float64Array): void {
    const b0 = this.#b0;
    const first = this.memory;
    const dim = this.#dim;
    for (let i = 0; i < dim; i++) {
      const x = at(gap, i);
      const y = b0 * x + at(first, i);
      const second = at(first, dim + i);
      first[i] = 2 * b0 * x - this.#a1 * y + second - (1 - b0) * y;
      first[dim + i] = b0 * x - this.#a2 * y - (b0 - this.#a2) * y;
      gap[i] = y;
    }
  }
}

/** First-order low pass at `cutoff` Hz sampled every h seconds: 1 / (1 + τ/h), τ = 1/(2π·cutoff). */
function lowPassGain(cutoff: number, h: number): number {
  const r = 2 * Math.PI * cutoff * h;
  return r / (r + 1);
}
