import { at } from '../chunk.js';
import type { JointLimits } from '../joint-limits.js';
import { stopDistance, stopSpeed } from '../stopping.js';

/** Tolerance with which a stop that was verified a tick ago is asked for again. */
export const TRUSTED = 3e-10;

/**
 * How each joint by itself comes to rest, and whether that keeps its limits: bounds, speed (where the vendor has it, speed by
 * position), acceleration, jerk. Joint i of the arrays is joint i of the record. Its only state is `margin`.
 */
export class JointStops {
  readonly count: number;
  readonly h: number;
  /** Bounds that motion keeps; infinite for a continuous joint. Where the ceiling near an end is zero, the range ends before it. */
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  /** Largest speed, change of speed in a step, and change of acceleration; the last Infinity where jerk cannot bind. */
  readonly v: Float64Array;
  readonly dv: Float64Array;
  readonly da: Float64Array;
  readonly a: Float64Array;
  /** What jerk allows a step to change the acceleration by, whether that can bind or not. */
  readonly jerk: Float64Array;
  /** Room (rad) that steps keep free at the bounds, but not the stop that is the way out. */
  margin = 0;
  readonly #curved: Uint8Array;
  /** v(q) = √(2·deceleration·room) − offset, with room = high − q upwards and q − low downwards. */
  readonly #offset: Float64Array;
  readonly #deceleration: Float64Array;
  readonly #low: Float64Array;
  readonly #high: Float64Array;
  readonly #longest: number;

  constructor(limits: readonly JointLimits[], hz: number) {
    const of = (pick: (joint: JointLimits) => number) => Float64Array.from(limits, pick);
    const h = 1 / hz;
    this.count = limits.length;
    this.h = h;
    this.v = of(({ v }) => v.value);
    this.a = of(({ a }) => a.value);
    this.jerk = of(({ j }) => j.value * h);
    this.dv = of(({ a }) => a.value * h);
    this.da = of(({ a, j }) => (j.value * h < 2 * a.value ? j.value * h : Infinity));
    const end = (offset: number, deceleration: number) => (offset * offset) / (2 * deceleration);
    this.#curved = Uint8Array.from(limits, ({ position_based_velocity: p }) => (p ? 1 : 0));
    this.#offset = of(({ position_based_velocity: p }) => p?.velocity_offset ?? 0);
    this.#deceleration = of(({ position_based_velocity: p }) => p?.deceleration_limit ?? 0);
    this.#low = of(({ position_based_velocity: p }) => p?.q_min ?? 0);
    this.#high = of(({ position_based_velocity: p }) => p?.q_max ?? 0);
    this.lower = of(({ continuous, lower, position_based_velocity: p }) => {
      if (continuous) return Number.NEGATIVE_INFINITY;
      return !p ? lower.value : Math.max(lower.value, p.q_min + end(p.velocity_offset, p.deceleration_limit));
    });
    this.upper = of(({ continuous, upper, position_based_velocity: p }) => {
      if (continuous) return Number.POSITIVE_INFINITY;
      return !p ? upper.value : Math.min(upper.value, p.q_max - end(p.velocity_offset, p.deceleration_limit));
    });
    const ticks = limits.map(({ v, a, j }) => v.value / (a.value * h) + (4 * a.value) / (j.value * h));
    this.#longest = 32 + 2 * Math.ceil(Math.max(...ticks));
  }

  /** The most speed at `q`, upwards or downwards. */
  ceiling(i: number, q: number, up: boolean): number {
    const v = at(this.v, i);
    if (at(this.#curved, i) === 0) return v;
    const room = up ? at(this.#high, i) - q : q - at(this.#low, i);
    if (!(room > 0)) return 0;
    return Math.min(v, Math.max(0, Math.sqrt(2 * at(this.#deceleration, i) * room) - at(this.#offset, i)));
  }

  /** The next speed of a stop: the deceleration that ramps down to zero together with the speed, or as near to it as jerk allows. */
  brake(i: number, v: number, a: number): number {
    const da = at(this.da, i);
    if (da === Infinity) {
      const dv = at(this.dv, i);
      return Math.abs(v) <= dv ? 0 : v > 0 ? v - dv : v + dv;
    }
    const speed = Math.abs(v);
    const ideal = speed === 0 ? 0 : Math.min(at(this.a, i), stopSpeed(speed, da, this.h));
    const change = (v > 0 ? -ideal : ideal) - a;
    if (change > da) return v + this.h * (a + da);
    if (change < -da) return v + this.h * (a - da);
    const next = v + this.h * (a + change);
    // What is left of a speed that was braked away whole is rounding.
    return Math.abs(next) <= speed * 1e-12 ? 0 : next;
  }

  /**
   * Whether a step that went from `from` to `q` at speed `v` with acceleration `a` is legal there, and the stop after it keeps limits.
   * From outside the bounds only inward motion is (SAFE-B8). `tolerance`: rad, and relative to the speed limit.
   */
  holds(i: number, from: number, q: number, v: number, a: number, tolerance: number): boolean {
    const beyond = tolerance < TRUSTED ? tolerance - this.margin : tolerance;
    const lo = Math.min(at(this.lower, i) - beyond, from);
    const hi = Math.max(at(this.upper, i) + beyond, from);
    if (!(q >= lo && q <= hi)) return false;
    const slack = tolerance * at(this.v, i);
    if (Math.abs(v) > this.ceiling(i, q, v > 0) + slack) return false;
    return at(this.da, i) === Infinity ? this.#brakes(i, q, v, lo, hi, slack) : this.#eases(i, q, v, a, lo, hi, slack);
  }

  /** Without jerk: the speed falls by dv every step. */
  #brakes(i: number, q: number, v: number, lo: number, hi: number, slack: number): boolean {
    if (v === 0) return true;
    const h = this.h;
    const dv = at(this.dv, i);
    let speed = Math.abs(v);
    const up = v > 0;
    const beyond = stopDistance(speed, dv, h) - h * speed;
    const end = up ? q + beyond : q - beyond;
    if (!(end >= lo && end <= hi)) return false;
    if (at(this.#curved, i) === 0 || speed <= this.ceiling(i, end, up)) return true;
    let x = q;
    while (speed > dv) {
      speed -= dv;
      x += up ? speed * h : -speed * h;
      if (speed > this.ceiling(i, x, up) + slack) return false;
    }
    return true;
  }

  /** With jerk: tick by tick, unless a bound on the way of any such stop already decides. */
  #eases(i: number, q: number, v: number, a: number, lo: number, hi: number, slack: number): boolean {
    if (v === 0 && Math.abs(a) <= at(this.da, i)) return true;
    if (this.easily(i, q, v, a, lo, hi)) return true;
    const h = this.h;
    const da = at(this.da, i) * (1 + 1e-9);
    let x = q;
    for (let k = 0; k < this.#longest; k++) {
      if (v === 0 && Math.abs(a) <= da) return true;
      const next = this.brake(i, v, a);
      a = (next - v) / h;
      v = next;
      x += v * h;
      if (!(x >= lo && x <= hi) || Math.abs(v) > this.ceiling(i, x, v > 0) + slack) return false;
    }
    return false;
  }

  /** How far (rad) a stop goes on in the direction of `up` after a step at `v` with acceleration `a`, at most. */
  goesOn(i: number, v: number, a: number, up: boolean): number {
    const h = this.h;
    let x = 0;
    let furthest = 0;
    for (let k = 0; k < this.#longest && (v !== 0 || Math.abs(a) > at(this.da, i) * (1 + 1e-9)); k++) {
      const next = this.brake(i, v, a);
      a = (next - v) / h;
      v = next;
      x += v * h;
      furthest = Math.max(furthest, up ? x : -x);
    }
    return furthest;
  }

  /**
   * A bound that needs no ticks: speed grows by at most a²/(2J) while acceleration is ramped down, to p say; the stop takes at
   * most |a|/J + p/A + A/J and some steps, and so goes no further than p times that. Whether that is clear of every limit.
   */
  easily(i: number, q: number, v: number, a: number, lo: number, hi: number): boolean {
    const h = this.h;
    const perJ = h / at(this.da, i);
    const most = at(this.a, i);
    const peak = Math.abs(v) + 0.5 * a * a * perJ;
    const way = peak * ((Math.abs(a) + most) * perJ + peak / most + 4 * h);
    return (
      q - way >= lo &&
      q + way <= hi &&
      peak <= this.ceiling(i, q + way, true) &&
      peak <= this.ceiling(i, q - way, false)
    );
  }
}
