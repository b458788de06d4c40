import { at } from '../chunk.js';
import { stopSpeed } from '../stopping.js';
import { type GapFilter, Remembering } from './gap-filter.js';

/** Seconds to full speed at the acceleration planned with, and to that acceleration at the jerk. */
const RAMP_S = 0.1;
/** No average is longer: where the jerk allowed is very low, the acceleration is what gives way. */
const LONGEST_WINDOW_S = 0.5;

/** One number a component, SI units: of a joint, or three times the limit of a 3-vector's norm. */
export interface FilterLimits {
  readonly velocity: ArrayLike<number>;
  readonly acceleration: ArrayLike<number>;
  readonly jerk: ArrayLike<number>;
}

/**
 * Goes to where the target is as fast as speed, acceleration and jerk allow, as if the target stood there (Ruckig's use on
 * a way-point, anew each tick). A leader takes the time-optimal way with bounded acceleration, the last step included, so
 * it never passes a target that stands; the output is the mean of the leader's last N positions, which bounds the jerk by
 * 2A/(N·dt) and passes nothing that the leader does not (Biagiotti, Melchiorri 2012: moving averages as trajectory filters).
 *
 * It plans with the limits' full speed V and with the gentler of the limits' A and J and of V/0.1 s and A/0.1 s: what the
 * governor would allow anyway needs no filter. As differences at the control period: speed, acceleration and jerk stay
 * within that, as norms over components divided by their V. Delay: (N − 1)/2 ticks, N = ⌈2A/(J·dt)⌉, and half the
 * time (less half a tick) that the leader needs to stop from the target's speed: 115 ms at half of full speed and 100 Hz, 50 ms at
 * 10 Hz. A target that turns back sooner than the leader can stop is passed by what stopping takes.
 */
export class JerkLimited extends Remembering implements GapFilter {
  readonly #dim: number;
  readonly #h: number;
  readonly #scale: Float64Array;
  /** Change of the leader's speed a tick, in full speeds. */
  readonly #dv: number;
  readonly #window: number;
  readonly #wish: Float64Array;

  constructor(dim: number, periodS: number, limits: FilterLimits) {
    const { acceleration, jerk } = bounds(dim, limits);
    const window = Math.max(1, Math.ceil((2 * acceleration) / (jerk * periodS) - 1e-9));
    super(1 + dim * (RING + window));
    this.#dim = dim;
    this.#h = periodS;
    this.#scale = Float64Array.from({ length: dim }, (_, i) => limits.velocity[i] as number);
    this.#dv = acceleration * periodS;
    this.#window = window;
    this.#wish = new Float64Array(dim);
  }

  /**
   * Memory, in coordinates that begin where the filter started: the leader's speed in full speeds, the output, the sum of the
   * window, the window as a ring of the leader's positions; last, the row of the ring that is the newest.
   */
  move(gap: Float64Array): void {
    const memory = this.memory;
    const dim = this.#dim;
    const newest = at(memory, memory.length - 1);
    const next = newest + 1 === this.#window ? 0 : newest + 1;
    this.#lead(gap, (RING + newest) * dim, (RING + next) * dim);
    memory[memory.length - 1] = next;
    // Sums are made anew once a round, or their roundings would add up.
    if (next === 0) this.#sum();
    for (let i = 0; i < dim; i++) {
      const output = at(memory, 2 * dim + i) / this.#window;
      gap[i] = output - at(memory, dim + i);
      memory[dim + i] = output;
    }
  }

  /** The leader's step from ring entry `from` into `to`: towards the target, no faster than it can stop there. */
  #lead(gap: Float64Array, from: number, to: number): void {
    const memory = this.memory;
    const wish = this.#wish;
    const dim = this.#dim;
    let square = 0;
    for (let i = 0; i < dim; i++) {
      const left = (at(gap, i) + at(memory, dim + i) - at(memory, from + i)) / at(this.#scale, i);
      wish[i] = left;
      square += left * left;
    }
    const left = Math.sqrt(square);
    const speed = left > 0 ? Math.min(1, stopSpeed(left, this.#dv, this.#h)) / left : 0;
    let change = 0;
    for (let i = 0; i < dim; i++) {
      const difference = at(wish, i) * speed - at(memory, i);
      wish[i] = difference;
      change += difference * difference;
    }
    const share = change > this.#dv * this.#dv ? this.#dv / Math.sqrt(change) : 1;
    for (let i = 0; i < dim; i++) {
      const v = at(memory, i) + at(wish, i) * share;
      const position = at(memory, from + i) + v * at(this.#scale, i) * this.#h;
      memory[i] = v;
      memory[2 * dim + i] = at(memory, 2 * dim + i) + position - at(memory, to + i);
      memory[to + i] = position;
    }
  }

  #sum(): void {
    const memory = this.memory;
    const dim = this.#dim;
    for (let i = 0; i < dim; i++) {
      let sum = 0;
      for (let k = 0; k < this.#window; k++) sum += at(memory, (RING + k) * dim + i);
      memory[2 * dim + i] = sum;
    }
  }
}

/** Rows of the memory before the ring. */
const RING = 3;

/** Acceleration and jerk of the unit vector "share of full speed". */
function bounds(dim: number, limits: FilterLimits): { acceleration: number; jerk: number } {
  let acceleration = 1 / RAMP_S;
  for (let i = 0; i < dim; i++) {
    acceleration = Math.min(acceleration, (limits.acceleration[i] as number) / (limits.velocity[i] as number));
  }
  let jerk = acceleration / RAMP_S;
  for (let i = 0; i < dim; i++) jerk = Math.min(jerk, (limits.jerk[i] as number) / (limits.velocity[i] as number));
  return { acceleration: Math.min(acceleration, (jerk * LONGEST_WINDOW_S) / 2), jerk };
}
