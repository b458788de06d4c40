import { at } from '../chunk.js';
import { FLAG } from '../flags.js';
import type { JointLimits } from '../joint-limits.js';
import { stopSpeed } from '../stopping.js';
import { eased, JointArrival } from './joint-arrival.js';
import { JointStops, TRUSTED } from './joint-stops.js';
import { TcpGuard, type TcpLimits } from './tcp-guard.js';

/** As in MotionLimiter: what is made keeps a limit nearly exactly, so that it passes as legal; a stop verified a tick ago is trusted. */
const MADE = 1e-12;
const LEGAL = 1e-10;
const BISECTIONS = 26;
/** Tries to meet the tool's speed by proportion before it is bisected. */
const PROPORTIONS = 6;
/** Shares of a stop's step that are tried where not even the stop keeps the tool's limits any more. */
const SHARES = [0.75, 0.5, 0.25, 0.1] as const;

/**
 * Keeps the motion of all joints inside their limits, one control period at a time; where the kinematics are known, the tool centre
 * point inside its own too. The invariant and the order of what a proposed step meets are MotionLimiter's: after every step a
 * stop exists (each joint by itself as fast as it may) that was verified to keep every limit. A step passes bit for bit if it
 * is legal (SAFE-C1); else it is slowed down, all joints by one share, so that the direction stays (SAFE-C4); else it turns
 * towards the wanted one as far as acceleration and the stop allow; else it is the next of the stop verified before.
 */
export class JointGovernor {
  /** Numbers that `save` writes. */
  readonly row: number;
  /** rad/s of the last step, and rad/s² to go on from: the step's own, but none after an emergency. */
  readonly velocity: Float64Array;
  readonly acceleration: Float64Array;
  /** rad/s² of the last step. */
  readonly #happened: Float64Array;
  readonly #stops: JointStops;
  readonly #arrival: JointArrival;
  readonly #tcp: TcpGuard | null;
  readonly #step: Float64Array;
  readonly #wanted: Float64Array;
  readonly #own: Float64Array;
  readonly #candidate: Float64Array;
  readonly #braked: Float64Array;
  readonly #turned: Float64Array;
  /** Flags of what the last `#holds` that failed ran into. */
  #why = 0;

  constructor(limits: readonly JointLimits[], hz: number, tcp: TcpLimits | null) {
    const stops = new JointStops(limits, hz);
    const zeros = () => new Float64Array(stops.count);
    this.#stops = stops;
    this.#arrival = new JointArrival(stops);
    this.#tcp = tcp === null ? null : new TcpGuard(tcp, stops);
    this.velocity = zeros();
    this.acceleration = zeros();
    this.#happened = zeros();
    this.row = 3 * stops.count;
    this.#step = zeros();
    this.#wanted = zeros();
    this.#own = zeros();
    this.#candidate = zeros();
    this.#braked = zeros();
    this.#turned = zeros();
  }

  /** At rest, whatever it did before. */
  rest(): void {
    this.velocity.fill(0);
    this.acceleration.fill(0);
    this.#happened.fill(0);
  }

  /** Room (rad) to keep free at bounds. */
  set margin(rad: number) {
    this.#stops.margin = Math.min(rad, this.#tcp?.mostMargin ?? rad);
  }

  get resting(): boolean {
    for (let i = 0; i < this.velocity.length; i++) if (at(this.velocity, i) !== 0) return false;
    return true;
  }

  /**
   * One step from `q` as near to `delta` (rad) as the limits allow; `out` is the step taken. `own` (rad a tick) is how the
   * target moves by itself: one that stands is arrived at, not overshot (SAFE-C5).
   * Returns clamp flags; where they are 0, `out` is `delta` bit for bit.
   */
  follow(q: Float64Array, delta: Float64Array, own: Float64Array, out: Float64Array): number {
    let flags = this.#project(q, delta, own);
    this.#tcp?.from(q);
    const hz = 1 / this.#stops.h;
    const wanted = this.#wanted;
    let legal = true;
    for (let i = 0; i < wanted.length; i++) {
      const w = at(this.#step, i) * hz;
      wanted[i] = w;
      legal &&= this.#legal(i, w);
    }
    if (legal && this.#arrival.fits(wanted, this.#own, wanted, this.velocity) && this.#holds(q, wanted, LEGAL)) {
      return this.#pass(out, flags);
    }
    // The stop was verified when it became the way out: asked for it, there is nothing to change.
    if (this.#isStop(wanted) && this.#safeBrake(q) === 0) return this.#pass(out, flags);
    const along = this.#alongWanted(q);
    flags |= along === 0 ? this.#turn(q, this.#safeBrake(q)) : along;
    flags |= this.#take(this.#candidate);
    for (let i = 0; i < out.length; i++) out[i] = at(this.#candidate, i) * this.#stops.h;
    return flags;
  }

  #pass(out: Float64Array, flags: number): number {
    for (let i = 0; i < out.length; i++) out[i] = at(this.#step, i);
    return flags | this.#take(this.#wanted);
  }

  /** One step of the stop. Returns FLAG.emergency where a measured jump left no stop within acceleration, else 0. */
  brake(q: Float64Array, out: Float64Array): number {
    this.#tcp?.from(q);
    let flags = this.#safeBrake(q);
    flags |= this.#take(this.#braked);
    for (let i = 0; i < out.length; i++) out[i] = at(this.#braked, i) * this.#stops.h;
    return flags;
  }

  /** A step was taken at this velocity (rad/s), whoever saw to its limits. */
  took(velocity: Float64Array): void {
    this.#take(velocity);
  }

  save(rows: Float64Array, offset: number): void {
    rows.set(this.velocity, offset);
    rows.set(this.acceleration, offset + this.velocity.length);
    rows.set(this.#happened, offset + 2 * this.velocity.length);
  }

  load(rows: Float64Array, offset: number): void {
    const n = this.velocity.length;
    for (let i = 0; i < n; i++) {
      this.velocity[i] = at(rows, offset + i);
      this.acceleration[i] = at(rows, offset + n + i);
      this.#happened[i] = at(rows, offset + 2 * n + i);
    }
  }

  /** The step with its end moved to the bounds; a target behind one does not move there by itself. */
  #project(q: Float64Array, delta: Float64Array, own: Float64Array): number {
    let flags = 0;
    for (let i = 0; i < delta.length; i++) {
      const from = at(q, i);
      const d = at(delta, i);
      const lo = at(this.#stops.lower, i) + this.#stops.margin;
      const hi = at(this.#stops.upper, i) - this.#stops.margin;
      let step = d;
      if (from + d > Math.max(hi + MADE, from)) step = Math.max(0, hi - from);
      else if (from + d < Math.min(lo - MADE, from)) step = Math.min(0, lo - from);
      this.#step[i] = step;
      this.#own[i] = step === d ? at(own, i) : 0;
      if (step !== d) flags = FLAG.joint_limit;
    }
    return flags;
  }

  /** Speed, arrival and one step's acceleration and jerk; not yet the stop. */
  #legal(i: number, w: number): boolean {
    const stops = this.#stops;
    const v = at(this.velocity, i);
    const speed = Math.abs(w);
    const slack = 1 + LEGAL;
    if (speed > at(stops.v, i) * slack || speed > this.#arrival.most(i, w, at(this.#own, i)) * slack) return false;
    if (Math.abs(w - v) > at(stops.dv, i) * slack) return false;
    const da = at(stops.da, i);
    return da === Infinity || Math.abs(w - v - at(this.acceleration, i) * stops.h) <= da * stops.h * slack;
  }

  /** FLAG.emergency where acceleration or jerk were not kept on the way to this velocity, else 0. */
  #take(velocity: Float64Array): number {
    const { h, a, jerk } = this.#stops;
    let kept = true;
    for (let i = 0; i < velocity.length; i++) {
      const next = at(velocity, i);
      const change = (next - at(this.velocity, i)) / h;
      const within = Math.abs(change) <= at(a, i) * (1 + TRUSTED);
      kept &&= within && Math.abs(change - at(this.#happened, i)) <= at(jerk, i) * (1 + TRUSTED);
      this.#happened[i] = change;
      // An emergency stop leaves no acceleration that jerk would have to ramp down: the joint would swing back.
      this.acceleration[i] = within ? change : 0;
      this.velocity[i] = next;
    }
    return kept ? 0 : FLAG.emergency;
  }

  #holds(q: Float64Array, velocity: Float64Array, tolerance: number): boolean {
    for (let i = 0; i < velocity.length; i++) {
      if (!this.#jointHolds(i, q, at(velocity, i), tolerance)) {
        this.#why = FLAG.joint_limit;
        return false;
      }
    }
    if (this.#tcp === null || this.#tcp.holds(q, this.velocity, velocity, tolerance)) return true;
    this.#why = this.#tcp.why;
    return false;
  }

  #jointHolds(i: number, q: Float64Array, v: number, tolerance: number): boolean {
    const { h } = this.#stops;
    const from = at(q, i);
    return this.#stops.holds(i, from, from + v * h, v, (v - at(this.velocity, i)) / h, tolerance);
  }

  // ---- what is not legal -----------------------------------------------------------------------------------------

  /** All joints slowed down by one share (SAFE-C4), left in #candidate; returns why, or 0 if no share is legal. */
  #alongWanted(q: Float64Array): number {
    const { v, dv, da, h } = this.#stops;
    const wanted = this.#wanted;
    let share = 1;
    let least = 0;
    let most = Infinity;
    let flags = 0;
    let fastest = Infinity;
    let ramp = Infinity;
    for (let i = 0; i < wanted.length; i++) {
      const w = at(wanted, i);
      const now = at(this.velocity, i);
      let lo = now - at(dv, i);
      let hi = now + at(dv, i);
      if (at(da, i) !== Infinity) {
        const ahead = now + at(this.acceleration, i) * h;
        const reach = at(da, i) * h;
        if (ahead + reach < hi && ahead + reach < w) flags |= FLAG.jerk;
        if (ahead - reach > lo && ahead - reach > w) flags |= FLAG.jerk;
        lo = Math.max(lo, ahead - reach);
        hi = Math.min(hi, ahead + reach);
      }
      if (w === 0) {
        if (lo > 0 || hi < 0) return 0;
        continue;
      }
      const arriving = this.#arrival.most(i, w, at(this.#own, i)) / Math.abs(w);
      if (arriving < share) flags |= FLAG.acceleration;
      share = Math.min(share, arriving);
      fastest = Math.min(fastest, at(v, i) / Math.abs(w));
      ramp = Math.min(ramp, (at(da, i) * h) / Math.abs(w));
      least = Math.max(least, w > 0 ? lo / w : hi / w);
      most = Math.min(most, w > 0 ? hi / w : lo / w);
    }
    if (most < 1) flags |= (flags & FLAG.jerk) === 0 ? FLAG.acceleration : 0;
    if (least > most || least > 1) return 0;
    fastest = eased(fastest, ramp, wanted, this.velocity);
    if (fastest < share) flags |= FLAG.velocity;
    share = Math.min(share, fastest);
    // Slowing down to what would arrive can take longer than a step.
    share = Math.min(Math.max(share, least), most);
    const tooFast = this.#tcp?.slowed(q, wanted, share, least) ?? share;
    if (tooFast < share) {
      flags |= FLAG.velocity;
      share = tooFast;
    }
    this.#scale(share);
    if (!this.#arrival.fits(this.#wanted, this.#own, this.#candidate, this.velocity)) {
      flags |= FLAG.acceleration;
      share = this.#bisectShare(null, least, share);
      this.#scale(share);
    }
    for (let round = 0; !this.#holds(q, this.#candidate, MADE); round++) {
      flags |= this.#why;
      // Braking one by one, joints can make the tool faster: nearly in proportion to the share.
      const slower = (share / (this.#tcp?.over ?? 1)) * (1 - 1e-6);
      if (this.#why !== FLAG.velocity || round === PROPORTIONS || !(slower > least))
        return this.#fitting(q, least, share, flags);
      share = slower;
      this.#scale(share);
    }
    return flags === 0 ? FLAG.acceleration : flags;
  }

  /** The largest share below one that has no stop, found by halves; 0 if not even the least has one. */
  #fitting(q: Float64Array, least: number, share: number, flags: number): number {
    this.#scale(least);
    if (!this.#holds(q, this.#candidate, MADE)) return 0;
    this.#scale(this.#bisectShare(q, least, share));
    return flags;
  }

  #scale(share: number): void {
    for (let i = 0; i < this.#wanted.length; i++) this.#candidate[i] = share * at(this.#wanted, i);
  }

  /** The largest share in [least, most] with a verified stop, or without `q` one that arrives; the least counts as good. */
  #bisectShare(q: Float64Array | null, least: number, most: number): number {
    let good = least;
    let bad = most;
    for (let k = 0; k < BISECTIONS; k++) {
      const middle = (good + bad) / 2;
      this.#scale(middle);
      const fits =
        q === null
          ? this.#arrival.fits(this.#wanted, this.#own, this.#candidate, this.velocity)
          : this.#holds(q, this.#candidate, MADE);
      if (fits) good = middle;
      else bad = middle;
    }
    return good;
  }

  /** No speed in the wanted direction can be had at once, #braked is the way out: each joint as near to it as its own limits and stop allow. */
  #turn(q: Float64Array, emergency: number): number {
    if (emergency !== 0) {
      this.#candidate.set(this.#braked);
      return FLAG.acceleration | emergency;
    }
    const { v, dv, da, h } = this.#stops;
    let flags: number = FLAG.acceleration;
    let slow = 1;
    for (let i = 0; i < this.#wanted.length; i++) {
      const speed = Math.abs(at(this.#wanted, i));
      if (speed * slow > at(v, i)) {
        slow = at(v, i) / speed;
        flags |= FLAG.velocity;
      }
    }
    for (let i = 0; i < this.#wanted.length; i++) {
      const now = at(this.velocity, i);
      let w = Math.min(Math.max(slow * at(this.#wanted, i), now - at(dv, i)), now + at(dv, i));
      if (at(da, i) !== Infinity) {
        const ahead = now + at(this.acceleration, i) * h;
        const reach = at(da, i) * h;
        if (Math.abs(w - ahead) > reach) flags |= FLAG.jerk;
        w = Math.min(Math.max(w, ahead - reach), ahead + reach);
      }
      if (!this.#jointHolds(i, q, w, MADE)) {
        flags |= FLAG.joint_limit;
        w = this.#bisectJoint(i, q, w);
      }
      this.#turned[i] = w;
      this.#candidate[i] = w;
    }
    if (this.#tcp === null || this.#tcp.holds(q, this.velocity, this.#candidate, MADE)) return flags;
    flags |= this.#tcp.why;
    this.#bisectTurn(q);
    return flags;
  }

  /** From braking as far towards `w` as joint `i` still has a stop. */
  #bisectJoint(i: number, q: Float64Array, w: number): number {
    const braked = at(this.#braked, i);
    let good = 0;
    let bad = 1;
    for (let k = 0; k < BISECTIONS; k++) {
      const middle = (good + bad) / 2;
      if (this.#jointHolds(i, q, braked + middle * (w - braked), MADE)) good = middle;
      else bad = middle;
    }
    return braked + good * (w - braked);
  }

  /** From braking as far towards #turned as the tool's limits allow, all joints by one share. */
  #bisectTurn(q: Float64Array): void {
    let good = 0;
    let bad = 1;
    for (let k = 0; k < BISECTIONS; k++) {
      const middle = (good + bad) / 2;
      this.#blend(middle);
      if (this.#holds(q, this.#candidate, MADE)) good = middle;
      else bad = middle;
    }
    this.#blend(good);
  }

  #blend(share: number): void {
    for (let i = 0; i < this.#candidate.length; i++) {
      const braked = at(this.#braked, i);
      this.#candidate[i] = share === 0 ? braked : braked + share * (at(this.#turned, i) - braked);
    }
  }

  #isStop(wanted: Float64Array): boolean {
    for (let i = 0; i < wanted.length; i++) {
      const next = this.#stops.brake(i, at(this.velocity, i), at(this.acceleration, i));
      if (Math.abs(at(wanted, i) - next) > at(this.#stops.v, i) * MADE) return false;
    }
    return true;
  }

  /** The next velocities of the stop in #braked; shortened beyond acceleration where a jump of the measured joints left no room. */
  #safeBrake(q: Float64Array): number {
    const stops = this.#stops;
    let emergency = 0;
    for (let i = 0; i < this.#braked.length; i++) {
      let v = stops.brake(i, at(this.velocity, i), at(this.acceleration, i));
      if (v !== 0 && !this.#jointHolds(i, q, v, TRUSTED)) {
        v = this.#shortened(i, at(q, i), v);
        emergency = FLAG.emergency;
      }
      this.#braked[i] = v;
    }
    if (this.#tcp === null || this.#tcp.holds(q, this.velocity, this.#braked, TRUSTED)) return emergency;
    for (const share of SHARES) {
      this.#turned.set(this.#braked);
      for (let i = 0; i < this.#turned.length; i++) this.#turned[i] = share * at(this.#turned, i);
      if (!this.#tcp.holds(q, this.velocity, this.#turned, TRUSTED)) continue;
      this.#braked.set(this.#turned);
      return FLAG.emergency;
    }
    this.#braked.fill(0);
    return FLAG.emergency;
  }

  /** The most speed towards a bound from which the joint can still be stopped before it by acceleration alone. */
  #shortened(i: number, q: number, v: number): number {
    const stops = this.#stops;
    const up = v > 0;
    const room = Math.max(0, up ? at(stops.upper, i) - q : q - at(stops.lower, i));
    const speed = Math.min(Math.abs(v), stopSpeed(room, at(stops.dv, i), stops.h));
    const end = up ? q + speed * stops.h : q - speed * stops.h;
    const slow = Math.min(speed, stops.ceiling(i, end, up));
    return up ? slow : -slow;
  }
}
