import { at } from '../chunk.js';
import { FLAG } from '../flags.js';
import { RECOVERY_V } from '../motion-limiter.js';
import { distance, Vec3 } from '../vec3.js';
import type { TcpEnvelope } from '../volumes.js';
import { type JointStops, TRUSTED } from './joint-stops.js';

/** Where the tool centre point is for given joints; `Kinematics` is one. */
export interface TcpPosition {
  position(q: Float64Array, out: Vec3): Vec3;
}

export interface TcpLimits {
  readonly kinematics: TcpPosition;
  readonly envelope: TcpEnvelope;
  /** m/s, as the distance between the points of two ticks. */
  readonly v: number;
}

/** No stop takes longer: resolveLimits sees to it. */
const LONGEST_STOP_S = 4;
/** Tries to meet the speed of the tool by proportion before it is bisected. */
const PROPORTIONS = 4;
/** Rounding of a position (rad) that was summed up in another order. */
const SAME_PLACE = 1e-14;
/** Outside the envelope by more than this (m) it is led back. */
const OUTSIDE = 1e-9;

/**
 * Holds joint motion to the tool centre point's own limits: at a step, and at every step of the stop after it, the point stays in its
 * envelope and within its speed.
 */
export class TcpGuard {
  readonly #limits: TcpLimits;
  readonly #stops: JointStops;
  readonly #ticks: number;
  readonly #start = new Vec3();
  readonly #here = new Vec3();
  readonly #there = new Vec3();
  /** Where the last step that was found legal leads, and where the tool is then: mostly the next one starts there. */
  readonly #next: Float64Array;
  readonly #nextPoint = new Vec3();
  readonly #q: Float64Array;
  readonly #v: Float64Array;
  readonly #a: Float64Array;
  /** The speed that may be asked for: less than the limit outside the envelope. */
  #most: number;
  #why = 0;
  #over = 1;

  constructor(limits: TcpLimits, stops: JointStops) {
    this.#limits = limits;
    this.#most = limits.v;
    this.#stops = stops;
    this.#ticks = 32 + Math.ceil(LONGEST_STOP_S / stops.h);
    this.#next = new Float64Array(stops.count).fill(Number.NaN);
    this.#q = new Float64Array(stops.count);
    this.#v = new Float64Array(stops.count);
    this.#a = new Float64Array(stops.count);
  }

  /** The flag of what the last `holds` that failed ran into. */
  get why(): number {
    return this.#why;
  }

  /** How many times its speed the tool would have had somewhere on that way, where speed was `why`. */
  get over(): number {
    return this.#over;
  }

  /** Where steps start from now on. */
  from(q: Float64Array): void {
    const { envelope, kinematics, v } = this.#limits;
    if (this.#isNext(q)) this.#start.copy(this.#nextPoint);
    else kinematics.position(q, this.#start);
    this.#most = v > RECOVERY_V && !envelope.inside(this.#start, OUTSIDE) ? RECOVERY_V : v;
  }

  #isNext(q: Float64Array): boolean {
    for (let i = 0; i < q.length; i++) if (!(Math.abs(at(q, i) - at(this.#next, i)) <= SAME_PLACE)) return false;
    return true;
  }

  /** Half the width of a narrow box is no margin. */
  get mostMargin(): number {
    return this.#limits.envelope.mostMargin;
  }

  /**
   * The share of `velocity`, in [least, share], with which the tool is just fast enough from `q`: nearly proportional, so that a few
   * rounds meet it. Call `from` first.
   */
  slowed(q: Float64Array, velocity: Float64Array, share: number, least: number): number {
    const { h } = this.#stops;
    const { kinematics } = this.#limits;
    for (let round = 0; round < PROPORTIONS; round++) {
      for (let i = 0; i < q.length; i++) this.#q[i] = at(q, i) + share * at(velocity, i) * h;
      const fast = distance(kinematics.position(this.#q, this.#there), this.#start) / (h * this.#most);
      if (!(fast > 1)) return share;
      share /= fast;
      if (share <= least) return least;
    }
    return Math.max(least, share * (1 - 1e-9));
  }

  /**
   * Whether a step from `q` at `velocity`, with `before` the velocity until now, and the stop after it keep the limits. Call `from`
   * first. `tolerance`: metres, and relative to the speed limit.
   */
  holds(q: Float64Array, before: Float64Array, velocity: Float64Array, tolerance: number): boolean {
    const stops = this.#stops;
    const { h } = stops;
    const { kinematics, envelope, v: fastest } = this.#limits;
    // What moves already may have to brake from more speed than may be asked for here.
    const limit = tolerance < TRUSTED ? this.#most : fastest;
    const furthest = limit * h * (1 + tolerance);
    // A radian is a metre at most about as far from an axis as arms reach.
    const beyond = tolerance < TRUSTED ? tolerance - stops.margin : tolerance;
    const here = this.#here.copy(this.#start);
    const there = this.#there;
    const x = this.#q;
    const v = this.#v;
    const a = this.#a;
    let moving = false;
    for (let i = 0; i < x.length; i++) {
      const next = at(velocity, i);
      v[i] = next;
      a[i] = (next - at(before, i)) / h;
      x[i] = at(q, i) + next * h;
      moving ||= next !== 0 || Math.abs(at(a, i)) > at(stops.da, i) * (1 + 1e-9);
    }
    for (let k = 0; moving; k++) {
      kinematics.position(x, there);
      const gone = distance(there, here);
      if (!(gone <= furthest)) {
        this.#over = gone / (limit * h);
        return this.#fails(FLAG.velocity);
      }
      if (!envelope.allows(here, there, beyond)) {
        return this.#fails(envelope.clears(here, there, beyond) ? FLAG.workspace : FLAG.keep_out);
      }
      if (k >= this.#ticks) return this.#fails(FLAG.acceleration);
      if (k === 0) {
        this.#next.set(x);
        this.#nextPoint.copy(there);
      }
      here.copy(there);
      moving = false;
      for (let i = 0; i < x.length; i++) {
        const next = stops.brake(i, at(v, i), at(a, i));
        const change = (next - at(v, i)) / h;
        a[i] = change;
        v[i] = next;
        x[i] = at(x, i) + next * h;
        moving ||= next !== 0 || Math.abs(change) > at(stops.da, i) * (1 + 1e-9);
      }
    }
    return true;
  }

  #fails(why: number): false {
    this.#why = why;
    return false;
  }
}
