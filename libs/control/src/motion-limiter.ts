import { FLAG } from './flags.js';
import { stopDistance, stopSpeed } from './stopping.js';
import { distance, dot, loadVec, norm, saveVec, Vec3 } from './vec3.js';
import type { TcpEnvelope } from './volumes.js';

/**
 * How much rounding a limit forgives, relative: a step made here keeps it nearly exactly, so that it passes as legal when it is
 * asked for again; a stop verified a tick ago is trusted further still, since its positions are summed anew.
 */
const MADE = 1e-12;
const LEGAL = 1e-10;
const TRUSTED = 1e-9;
/** Positions forgive this many metres of it: 1e-12 m for a legal one. */
const METRES = 0.01;
/** Beyond what is forgiven to steps: a limit was not kept. */
const BROKEN = 5e-10;
/** How near the fastest stop that still fits is looked for, of the speed limit: a thousandth of a millimetre in 10 ms at 1 m/s. */
const NEARLY = 1e-4;
const BEND_BISECTIONS = 12;
/** Back from outside the envelope, nothing moves faster (m/s): the reduced speed of ISO 10218-1. */
export const RECOVERY_V = 0.25;
const OUTSIDE = 1e-9;

export interface MotionLimits {
  /** Speed, its change a second, and the change of that a second; all as norms. */
  readonly v: number;
  readonly a: number;
  readonly j: number;
}

export interface ClampBits {
  readonly velocity: number;
  readonly acceleration: number;
  readonly jerk: number;
}

/** Numbers that MotionLimiter.save writes. */
export const MOTION_ROW = 9;

/**
 * Keeps one 3-vector motion (translation, or rotation) inside its envelope, one control period at a time.
 *
 * The invariant that everything rests on: after every step a *stop* exists, by `#brake` alone, that keeps speed,
 * acceleration, jerk and envelope, on the whole way. A step is taken only if a stop from its end has been verified; where none
 * better is found, the step is the first of the stop verified before. So no state is ever entered from which a limit must
 * break (K4). Only a measured pose that jumps can break that: then position outranks acceleration.
 * Order of what a proposed step meets: passed bit for bit if legal (K8); scaled along its own direction (K7); bent towards it
 * as far as acceleration allows; braking.
 */
export class MotionLimiter {
  readonly velocity = new Vec3();
  readonly acceleration = new Vec3();
  /**
   * The acceleration to go on from: the present one, but none after an emergency. Ramping one down that no limit held would
   * itself take the speed anywhere.
   */
  readonly planned = new Vec3();
  /** How far (m) from its bounds new motion has to be able to stop; what moves already, and what is nearer, may use all. */
  margin = 0;
  readonly #h: number;
  readonly #v: number;
  readonly #a: number;
  /** Largest change of velocity in a step, and of acceleration; the second is Infinity where jerk cannot bind. */
  readonly #dv: number;
  readonly #da: number;
  /** The jerk limit, whether it binds or not. */
  readonly #daLimit: number;
  readonly #envelope: TcpEnvelope | null;
  readonly #bits: ClampBits;
  readonly #longestStop: number;
  /** The speed that may be asked for: less than the limit outside the envelope. */
  #most: number;
  /** Why the last stop that was tried is none: a flag. */
  #blocked = 0;
  readonly #step = new Vec3();
  readonly #wanted = new Vec3();
  readonly #unit = new Vec3();
  readonly #candidate = new Vec3();
  readonly #braked = new Vec3();
  readonly #center = new Vec3();
  readonly #simX = new Vec3();
  readonly #simFrom = new Vec3();
  readonly #simV = new Vec3();
  readonly #simA = new Vec3();

  constructor(limits: MotionLimits, periodS: number, envelope: TcpEnvelope | null, bits: ClampBits) {
    this.#h = periodS;
    this.#v = limits.v;
    this.#most = limits.v;
    this.#a = limits.a;
    this.#dv = limits.a * periodS;
    this.#daLimit = limits.j * periodS;
    this.#da = this.#daLimit < 2 * limits.a ? this.#daLimit : Infinity;
    this.#envelope = envelope;
    this.#bits = bits;
    this.#longestStop = 32 + 2 * Math.ceil(limits.v / this.#dv + (4 * limits.a) / this.#da);
  }

  /** At rest, whatever it did before. */
  rest(): void {
    this.velocity.set(0, 0, 0);
    this.acceleration.set(0, 0, 0);
    this.planned.set(0, 0, 0);
  }

  save(row: Float64Array, offset: number): void {
    saveVec(this.velocity, row, offset);
    saveVec(this.acceleration, row, offset + 3);
    saveVec(this.planned, row, offset + 6);
  }

  load(row: Float64Array, offset: number): void {
    loadVec(this.velocity, row, offset);
    loadVec(this.acceleration, row, offset + 3);
    loadVec(this.planned, row, offset + 6);
  }

  get resting(): boolean {
    return this.velocity.isZero();
  }

  /**
   * Takes one step from `position` as near to `delta` as the limits allow; `out` is the step taken. `targetSpeed` (a second)
   * is how fast the thing followed moves by itself: one that stands is arrived at, not overshot.
   * Returns clamp flags, none iff out equals delta bit for bit; and FLAG.emergency where acceleration or jerk were not kept.
   */
  follow(position: Vec3, delta: Vec3, targetSpeed: number, out: Vec3): number {
    this.#begin(position);
    let flags = this.#envelope?.project(position, delta, this.#step, this.margin) ?? 0;
    if (this.#envelope === null) this.#step.copy(delta);
    const wanted = this.#wanted.scaled(this.#step, 1 / this.#h);
    const speed = norm(wanted);
    const slack = 1 + LEGAL;
    if (
      speed <= this.#most * slack &&
      speed <= this.#arriving(speed, targetSpeed) * slack &&
      this.#reachable(wanted, LEGAL) &&
      this.#stops(position, wanted, LEGAL)
    ) {
      out.copy(this.#step);
      return flags | this.#commit(wanted);
    }
    // The stop was verified when it became the way out: asked for it, there is nothing to change.
    const verified = this.#safeBrake(position);
    const same = LEGAL * Math.min(this.#dv, this.#da * this.#h);
    if (verified && distance(wanted, this.#braked) <= same && this.#stops(position, wanted, TRUSTED)) {
      out.copy(this.#step);
      return flags | this.#commit(wanted);
    }
    flags |= this.#clamp(position, speed, targetSpeed, verified);
    out.scaled(this.#candidate, this.#h);
    return flags | this.#commit(this.#candidate);
  }

  /** One step of the stop. Returns FLAG.emergency where the envelope outranked acceleration, else 0. */
  brake(position: Vec3, out: Vec3): number {
    this.#begin(position);
    this.#safeBrake(position);
    out.scaled(this.#braked, this.#h);
    return this.#commit(this.#braked);
  }

  /** A step was taken at this velocity, whoever saw to its limits. */
  took(velocity: Vec3): void {
    this.#commit(velocity);
  }

  #begin(position: Vec3): void {
    const capped = this.#v > RECOVERY_V && this.#envelope !== null && !this.#envelope.inside(position, OUTSIDE);
    this.#most = capped ? RECOVERY_V : this.#v;
  }

  /** Takes the velocity as the present one; FLAG.emergency if the way there broke acceleration or jerk. */
  #commit(velocity: Vec3): number {
    const a = this.#center.addScaled(velocity, this.velocity, -1);
    a.scaled(a, 1 / this.#h);
    const kept = this.#within(a, this.acceleration);
    if (this.#within(a, this.planned)) this.planned.copy(a);
    else this.planned.set(0, 0, 0);
    this.acceleration.copy(a);
    this.velocity.copy(velocity);
    return kept ? 0 : FLAG.emergency;
  }

  #within(a: Vec3, before: Vec3): boolean {
    const slack = 1 + BROKEN;
    return norm(a) <= this.#a * slack && distance(a, before) <= this.#daLimit * slack;
  }

  /** Within one step's acceleration and jerk of the present velocity. */
  #reachable(velocity: Vec3, tolerance: number): boolean {
    if (distance(velocity, this.velocity) > this.#dv * (1 + tolerance)) return false;
    if (this.#da === Infinity) return true;
    this.#center.addScaled(this.velocity, this.planned, this.#h);
    return distance(velocity, this.#center) <= this.#da * this.#h * (1 + tolerance);
  }

  /**
   * The most speed towards a target `wantedSpeed` · h ahead that can still be braked down to the target's own. A target that
   * moves as fast as it is followed limits nothing, so a legal trajectory passes (K8); one that stands is not overshot.
   */
  #arriving(wantedSpeed: number, targetSpeed: number): number {
    if (wantedSpeed <= targetSpeed) return Number.POSITIVE_INFINITY;
    const beyond = stopDistance(Math.min(Math.max(targetSpeed, 0), this.#v), this.#dv, this.#h);
    return stopSpeed(wantedSpeed * this.#h + beyond, this.#dv, this.#h);
  }

  /** Leaves the velocity to take in #candidate; #braked holds the next of the stop. */
  #clamp(position: Vec3, speed: number, targetSpeed: number, verified: boolean): number {
    const bits = this.#bits;
    if (speed > 0) {
      const flags = this.#alongWanted(position, speed, targetSpeed);
      if (flags !== 0) return flags;
    }
    let flags = bits.acceleration;
    if (speed > this.#most) {
      this.#wanted.scaled(this.#wanted, this.#most / speed);
      flags |= bits.velocity;
    }
    // No speed in that direction can be had at once: turn towards it.
    const candidate = this.#candidate.addScaled(this.#wanted, this.velocity, -1);
    const change = norm(candidate);
    candidate.addScaled(this.velocity, candidate, change > this.#dv ? this.#dv / change : 1);
    if (this.#reachable(candidate, MADE) && this.#stops(position, candidate, MADE)) return flags;
    if (this.#da !== Infinity) flags |= bits.jerk;
    flags |= this.#blocked;
    if (!verified || !this.#bend(position)) this.#candidate.copy(this.#braked);
    return flags;
  }

  /** The fastest legal speed in the wanted direction (K7); 0 if there is none, else why it is not the wanted one. */
  #alongWanted(position: Vec3, speed: number, targetSpeed: number): number {
    const bits = this.#bits;
    const unit = this.#unit.scaled(this.#wanted, 1 / speed);
    let s = speed;
    let flags = 0;
    if (s > this.#most) {
      s = this.#most;
      flags |= bits.velocity;
    }
    const arriving = this.#arriving(speed, targetSpeed);
    if (s > arriving) {
      s = arriving;
      flags |= bits.acceleration;
    }
    // Reachable speeds in that direction: where its line meets the ball of reachable velocities.
    const along = dot(unit, this.velocity);
    const half = chord(unit, along, this.velocity, this.#dv);
    let least = Math.max(0, along - half);
    let most = along + half;
    if (half < 0 || most < 0) return 0;
    if (s > most) flags |= bits.acceleration;
    if (this.#da !== Infinity) {
      const center = this.#center.addScaled(this.velocity, this.planned, this.#h);
      const alongJerk = dot(unit, center);
      const halfJerk = chord(unit, alongJerk, center, this.#da * this.#h);
      if (halfJerk < 0) return 0;
      least = Math.max(least, alongJerk - halfJerk);
      if (Math.min(s, most) > alongJerk + halfJerk) flags |= bits.jerk;
      most = Math.min(most, alongJerk + halfJerk);
    }
    if (least > Math.min(most, this.#most, speed)) return 0;
    if (s < least) {
      // Slowing down to what would arrive takes longer than a step.
      flags |= bits.acceleration;
      s = least;
    }
    s = Math.min(s, most);
    this.#candidate.scaled(unit, s);
    if (this.#stops(position, this.#candidate, MADE)) return flags === 0 ? bits.acceleration : flags;
    const fitting = this.#bisectSpeed(position, least, s);
    if (fitting < 0) return 0;
    this.#candidate.scaled(unit, fitting);
    return flags | this.#blocked;
  }

  /** The largest speed in [least, most] along #unit with a verified stop; negative if not even the least has one. */
  #bisectSpeed(position: Vec3, least: number, most: number): number {
    let good = least;
    let bad = most;
    if (!this.#stops(position, this.#candidate.scaled(this.#unit, good), MADE)) return -1;
    const enough = NEARLY * this.#v;
    while (bad - good > enough) {
      const middle = (good + bad) / 2;
      if (this.#stops(position, this.#candidate.scaled(this.#unit, middle), MADE)) good = middle;
      else bad = middle;
    }
    return good;
  }

  /** From braking as far towards #wanted as a stop still fits; reachable velocities are convex, so all between are. */
  #bend(position: Vec3): boolean {
    let good = 0;
    let bad = 1;
    for (let i = 0; i < BEND_BISECTIONS; i++) {
      const middle = (good + bad) / 2;
      this.#mix(middle);
      if (this.#reachable(this.#candidate, MADE) && this.#stops(position, this.#candidate, MADE)) good = middle;
      else bad = middle;
    }
    this.#mix(good);
    return good > 0;
  }

  #mix(share: number): void {
    this.#candidate.addScaled(this.#wanted, this.#braked, -1);
    this.#candidate.addScaled(this.#braked, this.#candidate, share);
  }

  /** The next velocity of the stop in #braked; false if it is none, and shortened beyond acceleration where there is no room. */
  #safeBrake(position: Vec3): boolean {
    this.#brakeFrom(this.velocity, this.planned, this.#braked);
    const envelope = this.#envelope;
    if (envelope === null || this.#stops(position, this.#braked, TRUSTED)) return true;
    const speed = norm(this.#braked);
    if (speed === 0) return true;
    // Of the straight stop, what is allowed: along a wall the motion goes on, only its part into the wall ends at once.
    const k = stopDistance(speed, this.#dv, this.#h) / speed;
    if (envelope.project(position, this.#simX.scaled(this.#braked, k), this.#simFrom) !== 0) {
      this.#braked.scaled(this.#simFrom, 1 / k);
    }
    return false;
  }

  /**
   * One step of braking: the acceleration along −v that ramps down to zero together with the speed (`stopSpeed` of the
   * speed), or as near to it as jerk allows.
   */
  #brakeFrom(velocity: Vec3, acceleration: Vec3, out: Vec3): void {
    const speed = norm(velocity);
    if (this.#da === Infinity) {
      if (speed <= this.#dv) out.set(0, 0, 0);
      else out.scaled(velocity, 1 - this.#dv / speed);
      return;
    }
    const h = this.#h;
    const ideal = speed === 0 ? 0 : Math.min(this.#a, stopSpeed(speed, this.#da, h));
    const k = speed === 0 ? 0 : -ideal / speed;
    const cx = k * velocity.x - acceleration.x;
    const cy = k * velocity.y - acceleration.y;
    const cz = k * velocity.z - acceleration.z;
    const change = Math.sqrt(cx * cx + cy * cy + cz * cz);
    const share = change > this.#da ? this.#da / change : 1;
    out.set(
      velocity.x + h * (acceleration.x + share * cx),
      velocity.y + h * (acceleration.y + share * cy),
      velocity.z + h * (acceleration.z + share * cz),
    );
    // What is left of a speed that was braked away whole is rounding, and so is a speed of that size.
    if (share === 1 && norm(out) <= Math.max(speed * 1e-12, this.#v * 1e-14)) out.set(0, 0, 0);
  }

  /** Whether a step at `velocity` from `position` and the stop after it keep the envelope, and the speed limit. */
  #stops(position: Vec3, velocity: Vec3, tolerance: number): boolean {
    const envelope = this.#envelope;
    const metres = METRES * tolerance - (tolerance === TRUSTED ? 0 : this.margin);
    if (this.#da === Infinity) {
      if (envelope === null) return true;
      const speed = norm(velocity);
      if (speed === 0) return true;
      // All of the stop is on one straight line.
      const k = stopDistance(speed, this.#dv, this.#h) / speed;
      return this.#clear(envelope, position, this.#simX.addScaled(position, velocity, k), metres);
    }
    const from = this.#simFrom.copy(position);
    const x = this.#simX.addScaled(position, velocity, this.#h);
    const v = this.#simV.copy(velocity);
    const a = this.#simA.addScaled(velocity, this.velocity, -1);
    a.scaled(a, 1 / this.#h);
    // What moves already may have to pass through more speed than may be asked for here.
    const top = (tolerance === TRUSTED ? this.#v : this.#most) * (1 + tolerance);
    const rest = this.#da * (1 + tolerance);
    for (let i = 0; i < this.#longestStop; i++) {
      if (envelope !== null && !this.#clear(envelope, from, x, metres)) return false;
      if (norm(v) > top) break;
      if (v.isZero() && norm(a) <= rest) return true;
      const next = this.#center;
      this.#brakeFrom(v, a, next);
      a.addScaled(next, v, -1);
      a.scaled(a, 1 / this.#h);
      v.copy(next);
      from.copy(x);
      x.addScaled(x, v, this.#h);
    }
    this.#blocked = this.#bits.jerk;
    return false;
  }

  #clear(envelope: TcpEnvelope, from: Vec3, to: Vec3, metres: number): boolean {
    if (envelope.allows(from, to, metres)) return true;
    this.#blocked = envelope.clears(from, to, metres) ? FLAG.workspace : FLAG.keep_out;
    return false;
  }
}

/**
 * Half the length that a ball of radius r round `center` cuts from the line of `unit`, with along = unit·center; negative: it
 * misses. By the perpendicular, not by |center|² − along²: far from the origin that difference is all rounding.
 */
function chord(unit: Vec3, along: number, center: Vec3, r: number): number {
  const x = center.x - along * unit.x;
  const y = center.y - along * unit.y;
  const z = center.z - along * unit.z;
  const square = r * r - (x * x + y * y + z * z);
  return square < 0 ? -1 : Math.sqrt(square);
}
