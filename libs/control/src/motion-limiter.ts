import { FLAG } from './flags.js';
import { stopDistance, stopSpeed } from './stopping.js';
import { distance, dot, norm, Vec3 } from './vec3.js';

/**
 * How much rounding (relative, or metres) a limit forgives: a step made here keeps it nearly exactly, so that it passes as legal
 * when it is asked for again; a stop verified a tick ago is trusted further still, since its positions are summed anew.
 */
const MADE = 1e-12;
const LEGAL = 1e-10;
const TRUSTED = 1e-9;
const BISECTIONS = 26;

export interface MotionLimits {
  /** Speed, its change a second, and the change of that a second; all as norms. */
  readonly v: number;
  readonly a: number;
  readonly j: number;
}

export interface LimitBox {
  readonly min: readonly [number, number, number];
  readonly max: readonly [number, number, number];
}

export interface ClampBits {
  readonly velocity: number;
  readonly acceleration: number;
  readonly jerk: number;
}

/**
 * Keeps one 3-vector motion (translation, or rotation) inside its envelope, one control period at a time.
 *
 * The invariant that everything rests on: after every step a *stop* exists, by `#brake` alone, that keeps speed,
 * acceleration, jerk and box. A step is taken only if a stop from its end has been verified; where none better is found, the
 * step is the first of the stop verified before. So no state is ever entered from which a limit must break (K4).
 * Order of what a proposed step meets: passed bit for bit if legal (K8); scaled along its own direction (K7); bent towards it
 * as far as acceleration allows; braking.
 */
export class MotionLimiter {
  readonly velocity = new Vec3();
  readonly acceleration = new Vec3();
  readonly #h: number;
  readonly #v: number;
  readonly #a: number;
  /** Largest change of velocity in a step, and of acceleration; the second is Infinity where jerk cannot bind. */
  readonly #dv: number;
  readonly #da: number;
  readonly #boxed: boolean;
  readonly #bits: ClampBits;
  readonly #longestStop: number;
  readonly #lo = new Vec3();
  readonly #hi = new Vec3();
  /** Where the step starts. Outside the box on some axis, only inward motion is left on it (B8). */
  readonly #from = new Vec3();
  readonly #step = new Vec3();
  readonly #wanted = new Vec3();
  readonly #unit = new Vec3();
  readonly #candidate = new Vec3();
  readonly #braked = new Vec3();
  readonly #center = new Vec3();
  readonly #simX = new Vec3();
  readonly #simV = new Vec3();
  readonly #simA = new Vec3();

  constructor(limits: MotionLimits, periodS: number, box: LimitBox | null, bits: ClampBits) {
    this.#h = periodS;
    this.#v = limits.v;
    this.#a = limits.a;
    this.#dv = limits.a * periodS;
    this.#da = limits.j * periodS < 2 * limits.a ? limits.j * periodS : Infinity;
    this.#boxed = box !== null;
    if (box !== null) {
      this.#lo.set(box.min[0], box.min[1], box.min[2]);
      this.#hi.set(box.max[0], box.max[1], box.max[2]);
    }
    this.#bits = bits;
    this.#longestStop = 32 + 2 * Math.ceil(limits.v / this.#dv + (4 * limits.a) / this.#da);
  }

  /** At rest, whatever it did before. */
  rest(): void {
    this.velocity.set(0, 0, 0);
    this.acceleration.set(0, 0, 0);
  }

  get resting(): boolean {
    return this.velocity.isZero();
  }

  /**
   * Takes one step from `position` as near to `delta` as the limits allow; `out` is the step taken. `targetSpeed` (a second)
   * is how fast the thing followed moves by itself: one that stands is arrived at, not overshot.
   * Returns clamp flags, 0 iff out equals delta bit for bit.
   */
  follow(position: Vec3, delta: Vec3, targetSpeed: number, out: Vec3): number {
    let flags = this.#project(position, delta);
    const wanted = this.#wanted.scaled(this.#step, 1 / this.#h);
    const speed = norm(wanted);
    const slack = 1 + LEGAL;
    if (
      speed <= this.#v * slack &&
      speed <= this.#arriving(speed, targetSpeed) * slack &&
      this.#reachable(wanted, LEGAL) &&
      this.#stops(position, wanted, LEGAL)
    ) {
      this.#commit(wanted);
      out.copy(this.#step);
      return flags;
    }
    // The stop was verified when it became the way out: asked for it, there is nothing to change.
    const emergency = this.#safeBrake(position);
    if (emergency === 0 && distance(wanted, this.#braked) <= this.#v * MADE) {
      this.#commit(wanted);
      out.copy(this.#step);
      return flags;
    }
    flags |= this.#clamp(position, speed, targetSpeed, emergency);
    this.#commit(this.#candidate);
    out.scaled(this.#candidate, this.#h);
    return flags;
  }

  /** One step of the stop. Returns FLAG.emergency where the box outranked acceleration, else 0. */
  brake(position: Vec3, out: Vec3): number {
    this.#from.copy(position);
    const flags = this.#safeBrake(position);
    this.#commit(this.#braked);
    out.scaled(this.#braked, this.#h);
    return flags;
  }

  #commit(velocity: Vec3): void {
    const a = this.acceleration.addScaled(velocity, this.velocity, -1);
    a.scaled(a, 1 / this.#h);
    const size = norm(a);
    // After an emergency stop the acceleration asked for is beyond what counts as state.
    if (size > this.#a) a.scaled(a, this.#a / size);
    this.velocity.copy(velocity);
  }

  /** The step with its end moved into the box: along a wall the rest of the motion goes on. */
  #project(position: Vec3, delta: Vec3): number {
    const step = this.#step.copy(delta);
    if (!this.#boxed) return 0;
    this.#from.copy(position);
    step.x = inside(position.x, delta.x, this.#lo.x, this.#hi.x);
    step.y = inside(position.y, delta.y, this.#lo.y, this.#hi.y);
    step.z = inside(position.z, delta.z, this.#lo.z, this.#hi.z);
    return step.x === delta.x && step.y === delta.y && step.z === delta.z ? 0 : FLAG.workspace;
  }

  /** Within one step's acceleration and jerk of the present velocity. */
  #reachable(velocity: Vec3, tolerance: number): boolean {
    if (distance(velocity, this.velocity) > this.#dv * (1 + tolerance)) return false;
    if (this.#da === Infinity) return true;
    this.#center.addScaled(this.velocity, this.acceleration, this.#h);
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
  #clamp(position: Vec3, speed: number, targetSpeed: number, emergency: number): number {
    const bits = this.#bits;
    if (speed > 0) {
      const flags = this.#alongWanted(position, speed, targetSpeed);
      if (flags !== 0) return flags;
    }
    let flags = bits.acceleration;
    if (speed > this.#v) {
      this.#wanted.scaled(this.#wanted, this.#v / speed);
      flags |= bits.velocity;
    }
    // No speed in that direction can be had at once: turn towards it.
    const candidate = this.#candidate.addScaled(this.#wanted, this.velocity, -1);
    const change = norm(candidate);
    candidate.addScaled(this.velocity, candidate, change > this.#dv ? this.#dv / change : 1);
    if (this.#reachable(candidate, MADE) && this.#stops(position, candidate, MADE)) return flags;
    if (this.#da !== Infinity) flags |= bits.jerk;
    if (this.#boxed) flags |= FLAG.workspace;
    if (emergency !== 0 || !this.#bend(position)) this.#candidate.copy(this.#braked);
    return flags | emergency;
  }

  /** The fastest legal speed in the wanted direction (K7); 0 if there is none, else why it is not the wanted one. */
  #alongWanted(position: Vec3, speed: number, targetSpeed: number): number {
    const bits = this.#bits;
    const unit = this.#unit.scaled(this.#wanted, 1 / speed);
    let s = speed;
    let flags = 0;
    if (s > this.#v) {
      s = this.#v;
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
      const center = this.#center.addScaled(this.velocity, this.acceleration, this.#h);
      const alongJerk = dot(unit, center);
      const halfJerk = chord(unit, alongJerk, center, this.#da * this.#h);
      if (halfJerk < 0) return 0;
      least = Math.max(least, alongJerk - halfJerk);
      if (Math.min(s, most) > alongJerk + halfJerk) flags |= bits.jerk;
      most = Math.min(most, alongJerk + halfJerk);
    }
    if (least > Math.min(most, this.#v, speed)) return 0;
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
    return flags | (this.#boxed ? FLAG.workspace : bits.jerk);
  }

  /** The largest speed in [least, most] along #unit with a verified stop; negative if not even the least has one. */
  #bisectSpeed(position: Vec3, least: number, most: number): number {
    let good = least;
    let bad = most;
    if (!this.#stops(position, this.#candidate.scaled(this.#unit, good), MADE)) return -1;
    for (let i = 0; i < BISECTIONS; i++) {
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
    for (let i = 0; i < BISECTIONS; i++) {
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

  /** The next velocity of the stop in #braked; shortened beyond its limits where the box leaves no room. */
  #safeBrake(position: Vec3): number {
    this.#brakeFrom(this.velocity, this.acceleration, this.#braked);
    if (!this.#boxed || this.#stops(position, this.#braked, TRUSTED)) return 0;
    const speed = norm(this.#braked);
    if (speed === 0) return 0;
    this.#unit.scaled(this.#braked, 1 / speed);
    const room = this.#room(position, this.#unit);
    this.#braked.scaled(this.#unit, Math.min(speed, stopSpeed(room, this.#dv, this.#h)));
    return FLAG.emergency;
  }

  /** Distance from `position` to the wall along `unit`. */
  #room(position: Vec3, unit: Vec3): number {
    let room = Infinity;
    if (unit.x !== 0) room = ((unit.x > 0 ? this.#hi.x : this.#lo.x) - position.x) / unit.x;
    if (unit.y !== 0) room = Math.min(room, ((unit.y > 0 ? this.#hi.y : this.#lo.y) - position.y) / unit.y);
    if (unit.z !== 0) room = Math.min(room, ((unit.z > 0 ? this.#hi.z : this.#lo.z) - position.z) / unit.z);
    return Math.max(0, room);
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
    // What is left of a speed that was braked away whole is rounding.
    if (share === 1 && norm(out) <= speed * 1e-12) out.set(0, 0, 0);
  }

  /** Whether the stop that follows a step at `velocity` from `position` keeps the box, and with it the speed limit. */
  #stops(position: Vec3, velocity: Vec3, tolerance: number): boolean {
    const boxed = this.#boxed;
    if (this.#da === Infinity) {
      if (!boxed) return true;
      const speed = norm(velocity);
      if (speed === 0) return true;
      // A straight line into a convex box: its end decides.
      const k = stopDistance(speed, this.#dv, this.#h) / speed;
      return this.#holds(this.#simX.addScaled(position, velocity, k), tolerance);
    }
    const x = this.#simX.addScaled(position, velocity, this.#h);
    const v = this.#simV.copy(velocity);
    const a = this.#simA.addScaled(velocity, this.velocity, -1);
    a.scaled(a, 1 / this.#h);
    const slack = 1 + tolerance;
    for (let i = 0; i < this.#longestStop; i++) {
      if (boxed && !this.#holds(x, tolerance)) return false;
      if (norm(v) > this.#v * slack) return false;
      if (v.isZero() && norm(a) <= this.#da * slack) return true;
      const next = this.#center;
      this.#brakeFrom(v, a, next);
      a.addScaled(next, v, -1);
      a.scaled(a, 1 / this.#h);
      v.copy(next);
      x.addScaled(x, v, this.#h);
    }
    return false;
  }

  #holds(x: Vec3, tolerance: number): boolean {
    const lo = this.#lo;
    const hi = this.#hi;
    const from = this.#from;
    return (
      x.x >= Math.min(lo.x - tolerance, from.x) &&
      x.x <= Math.max(hi.x + tolerance, from.x) &&
      x.y >= Math.min(lo.y - tolerance, from.y) &&
      x.y <= Math.max(hi.y + tolerance, from.y) &&
      x.z >= Math.min(lo.z - tolerance, from.z) &&
      x.z <= Math.max(hi.z + tolerance, from.z)
    );
  }
}

/** `delta` itself where position + delta is inside, else what is left up to the bound; from outside, nothing outward. */
function inside(position: number, delta: number, lo: number, hi: number): number {
  const end = position + delta;
  if (end > Math.max(hi + LEGAL, position)) return Math.max(0, hi - position);
  if (end < Math.min(lo - LEGAL, position)) return Math.min(0, lo - position);
  return delta;
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
