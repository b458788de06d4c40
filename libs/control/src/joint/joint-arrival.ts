import { at } from '../chunk.js';
import { stopDistance, stopSpeed } from '../stopping.js';
import type { JointStops } from './joint-stops.js';

/** What counts as not passing a target, rad. */
const ARRIVED = 1e-10;
/** Rounding of a speed that is a step's, relative. */
const SAME = 1e-10;

/**
 * Arriving at targets (SAFE-C5): a joint whose target is slower than the step towards it must be able to brake down to the target's
 * own speed on what is left of the way. `w` (rad/s) leads there in one step; `own` (rad a tick) is how the target moves.
 */
export class JointArrival {
  readonly #stops: JointStops;

  constructor(stops: JointStops) {
    this.#stops = stops;
  }

  /** The most speed with which joint `i` may set out, as far as acceleration is concerned. */
  most(i: number, w: number, own: number): number {
    const { h } = this.#stops;
    const dv = at(this.#stops.dv, i);
    const speed = Math.abs(w);
    if (speed <= dv) return Infinity;
    const along = ownSpeed(w, own, h);
    if (speed <= along) return Infinity;
    return stopSpeed(speed * h + this.#beyond(i, along), dv, h);
  }

  /** As far as jerk is: whether no joint would pass its target, were it stopped after a step at `velocity` from velocity `now`. */
  fits(wanted: Float64Array, own: Float64Array, velocity: Float64Array, now: Float64Array): boolean {
    const { da, h } = this.#stops;
    for (let i = 0; i < velocity.length; i++) {
      const w = at(wanted, i);
      if (at(da, i) === Infinity || w === 0) continue;
      const along = ownSpeed(w, at(own, i), h);
      if (Math.abs(w) <= along * (1 + SAME)) continue;
      const next = at(velocity, i);
      const left = (w > 0 ? w - next : next - w) * h + this.#beyond(i, along);
      if (this.#stops.goesOn(i, next, (next - at(now, i)) / h, w > 0) > left + ARRIVED) return false;
    }
    return true;
  }

  /** How far a target at that speed still goes while it is braked like the joint. */
  #beyond(i: number, along: number): number {
    return stopDistance(Math.min(along, at(this.#stops.v, i)), at(this.#stops.dv, i), this.#stops.h);
  }
}

/** rad/s of the target's own in the direction of w. */
function ownSpeed(w: number, own: number, h: number): number {
  return Math.max(0, w > 0 ? own : -own) / h;
}

/**
 * The share of `wanted` from which all joints together can ramp their acceleration down before `fastest`, by the jerk of the slowest
 * (`ramp` a tick): s + (s − now)²/(2·ramp) = fastest. Joints that ramp down one by one would leave the direction (SAFE-C4).
 */
export function eased(fastest: number, ramp: number, wanted: Float64Array, velocity: Float64Array): number {
  let along = 0;
  let square = 0;
  for (let i = 0; i < wanted.length; i++) {
    along += at(velocity, i) * at(wanted, i);
    square += at(wanted, i) ** 2;
  }
  const now = square > 0 ? along / square : 0;
  if (ramp === Infinity || !(now < fastest)) return fastest;
  return now + ramp * (Math.sqrt(1 + (2 * (fastest - now)) / ramp) - 1);
}
