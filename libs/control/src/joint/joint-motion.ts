import { findRobot } from '@sinew/robots';
import { at, type Chunk } from '../chunk.js';
import type { NewChunk, Verdict } from '../control-io.js';
import { type ControlSpec, ControlSpecError } from '../control-spec.js';
import { CLAMP_FLAGS, FLAG } from '../flags.js';
import { GovernorFault } from '../governor.js';
import type { JointLimits } from '../joint-limits.js';
import { kinematicsOf } from '../kinematics/kinematics.js';
import { IGNORED, type Motion } from '../motion.js';
import { unwrap } from '../rotation.js';
import { VectorFilter } from '../smoothing/vector-filter.js';
import { TcpEnvelope } from '../volumes.js';
import { JointGovernor } from './joint-governor.js';
import { JointIntake } from './joint-intake.js';
import { JointOdometer } from './joint-odometer.js';
import type { TcpPosition } from './tcp-guard.js';

/** Further than this (rad) from where it was left, a robot found standing is taken from where it stands. */
const MOVED_BY_HAND = 0.01;
/** A robot told to stand for so long (s) has come to rest there, whatever it lags behind in motion. */
const SETTLED_S = 0.25;
/** Noise of ±n jumps by up to 2n from one observation to the next: as much is kept free at bounds, and forgotten slowly. */
const SURPRISE_FACTOR = 1.5;
const SURPRISE_FADES = 0.9;
const MOST_MARGIN = 0.01;

/**
 * `joint_position`, `joint_delta`, `joint_velocity`: way-points are joint positions. Inside all three are the same; they differ in
 * what is sent, and in what a measurement means. Deltas and velocities are steps from wherever the robot is: every
 * observation re-anchors (L3). Positions are places: what was sent is what was commanded, and nothing measured may make the
 * emitted position jump. So there a robot that is not where it was told to be (D1) is led back only, or stands; where it
 * stands and should, after an e-stop, a resume or into a new episode, motion starts from where it is found.
 */
export class JointMotion implements Motion {
  readonly wayStride: number;
  readonly stepStride: number;
  readonly row: number;
  readonly #spec: ControlSpec;
  readonly #limits: readonly JointLimits[];
  readonly #dof: number;
  readonly #absolute: boolean;
  /** What a step becomes when it is sent: as it is, or a second's worth of it. */
  readonly #unit: number;
  readonly #intake: JointIntake;
  readonly #filter: VectorFilter;
  readonly #governor: JointGovernor;
  readonly #odometer: JointOdometer;

  #gripper = Number.NaN;
  #measuredGripper = 0;
  /** Positions only. Whether it was ever measured; may be found elsewhere than it was left; is where it was told to be. */
  #known = false;
  #open = true;
  #ready = false;
  #drifting = false;
  #movedAt = Number.NEGATIVE_INFINITY;
  /** rad */
  #surprise = 0;

  /** rad: commanded now, wanted, their difference, the policy's own step; commanded less measured. */
  readonly #q: Float64Array;
  readonly #target: Float64Array;
  readonly #delta: Float64Array;
  readonly #own: Float64Array;
  readonly #gap: Float64Array;
  readonly #measured: Float64Array;
  readonly #near: Float64Array;
  readonly #step: Float64Array;
  /** In the action space's terms. */
  readonly #sent: Float64Array;
  readonly #proposed: Float64Array;
  #sentGripper = 0;
  #proposedGripper = 0;

  /** `history`: ticks that observations and plans may reach back. `kinematics`: of the record, where not given (tests). */
  constructor(spec: ControlSpec, history: number, kinematics: TcpPosition | null = kinematicsFor(spec)) {
    const limits = spec.limits.joints;
    if (limits === undefined)
      throw new ControlSpecError({ field: 'limits', reason: 'were resolved for another space' });
    const dof = limits.length;
    const zeros = () => new Float64Array(dof);
    this.#spec = spec;
    this.#limits = limits;
    this.#dof = dof;
    this.#absolute = spec.actionSpace === 'joint_position';
    this.#unit = spec.actionSpace === 'joint_velocity' ? spec.hz : 1;
    this.wayStride = dof + 1;
    this.stepStride = dof;
    this.#intake = new JointIntake(spec, limits, kinematics);
    this.#filter = new VectorFilter(spec.smoothing, 1 / spec.hz, dof, {
      velocity: limits.map(({ v }) => v.value),
      acceleration: limits.map(({ a }) => a.value),
      jerk: limits.map(({ j }) => j.value),
    });
    const { workspace, keep_out, cartesian } = spec.limits;
    const tcp =
      kinematics === null ? null : { kinematics, envelope: new TcpEnvelope(workspace, keep_out), v: cartesian.v.value };
    this.#governor = new JointGovernor(limits, spec.hz, tcp);
    this.#odometer = new JointOdometer(history, dof, this.#absolute);
    this.row = this.#governor.row + this.#filter.row + 1;
    this.#q = zeros();
    this.#target = zeros();
    this.#delta = zeros();
    this.#own = zeros();
    this.#gap = zeros();
    this.#measured = zeros();
    this.#near = zeros();
    this.#step = zeros();
    this.#sent = zeros();
    this.#proposed = zeros();
  }

  get ready(): boolean {
    return this.#absolute ? this.#ready : this.#odometer.anchored;
  }

  get knowsRest(): boolean {
    return !this.#absolute || this.#known;
  }

  get resting(): boolean {
    return this.#governor.resting;
  }

  observe(state: Float64Array, baseTick: number): number {
    const { gripper } = this.#intake;
    const grip = gripper < 0 ? 0 : (state[gripper] ?? Number.NaN);
    const measured = this.#measured;
    if (!Number.isFinite(grip) || !this.#intake.readJoints(state, measured)) return IGNORED;
    if (this.#absolute ? this.#known : this.#odometer.anchored) {
      this.#intake.unwrap(measured, this.#odometer.commandedBefore(baseTick, this.#near));
    }
    if (!this.#odometer.measure(baseTick, measured, this.#gap)) return IGNORED;
    this.#measuredGripper = Math.min(1, Math.max(0, grip));
    if (this.#absolute) return this.#place(baseTick);
    const off = largest(this.#gap);
    this.#surprise = Math.min(MOST_MARGIN, Math.max(SURPRISE_FACTOR * off, SURPRISE_FADES * this.#surprise));
    this.#governor.margin = this.#surprise;
    return off > this.#spec.limits.leash.rotation.value ? FLAG.drift : 0;
  }

  /** Where positions are sent: whether the robot is where it was told to be, or is to be taken from where it is. */
  #place(tick: number): number {
    const off = this.#known ? largest(this.#gap) : Number.POSITIVE_INFINITY;
    const standing = tick - 1 - this.#movedAt >= SETTLED_S * this.#spec.hz;
    let flags = 0;
    if (!this.#known || (this.#open && standing && this.resting && off > MOVED_BY_HAND)) {
      if (this.#known) flags = FLAG.relocated;
      this.#odometer.move(tick, this.#measured);
      this.#known = true;
      this.#gap.fill(0);
    }
    this.#drifting = largest(this.#gap) > this.#spec.limits.leash.rotation.value;
    this.#ready ||= !this.#drifting;
    return flags;
  }

  wellFormed(actions: Float32Array, state: Float64Array): 'ok' | 'wrong_length' | 'not_finite' | 'implausible' {
    return this.#intake.wellFormed(actions, state);
  }

  fill(draft: Chunk, { actions, state, baseTick }: NewChunk): Verdict {
    const known = this.#absolute ? this.#known : this.#odometer.anchored;
    const near = known ? this.#odometer.commandedBefore(baseTick, this.#near) : null;
    return this.#intake.fill(draft, actions, state, near);
  }

  // ---- way-points ------------------------------------------------------------------------------------------------

  aim(chunk: Chunk, k: number): void {
    for (let i = 0; i < this.#dof; i++) this.#target[i] = at(chunk.way, k * this.wayStride + i);
    this.#intake.unwrap(this.#target, this.#q);
  }

  mix(chunk: Chunk, k: number, share: number): void {
    for (let i = 0; i < this.#dof; i++) {
      const now = at(this.#target, i);
      let other = at(chunk.way, k * this.wayStride + i);
      if ((this.#limits[i] as JointLimits).continuous) other = unwrap(other, now);
      this.#target[i] = now + share * (other - now);
    }
  }

  own(chunk: Chunk, k: number): void {
    for (let i = 0; i < this.#dof; i++) this.#own[i] = at(chunk.step, k * this.#dof + i);
  }

  distance(a: Chunk, i: number, b: Chunk, j: number): number {
    let square = 0;
    for (let d = 0; d < this.#dof; d++) {
      square += (at(a.way, i * this.wayStride + d) - at(b.way, j * this.wayStride + d)) ** 2;
    }
    return Math.sqrt(square);
  }

  // ---- one tick --------------------------------------------------------------------------------------------------

  begin(): number {
    this.#odometer.commanded(this.#q);
    for (let i = 0; i < this.#dof; i++) this.#proposed[i] = this.#absolute ? at(this.#q, i) : 0;
    this.#proposedGripper = this.#heldGripper();
    return this.#drifting ? FLAG.drift : 0;
  }

  filter(): void {
    this.#filter.apply(this.#target, this.#q);
  }

  propose(gripper: number): boolean {
    let outward = 0;
    for (let i = 0; i < this.#dof; i++) {
      const target = at(this.#target, i);
      const delta = target - at(this.#q, i);
      this.#delta[i] = delta;
      this.#proposed[i] = this.#absolute ? target : delta * this.#unit;
      outward += delta * at(this.#gap, i);
    }
    this.#proposedGripper = gripper;
    return !(this.#drifting && outward > 0);
  }

  move(): number {
    const flags = this.#governor.follow(this.#q, this.#delta, this.#own, this.#step);
    let same = true;
    for (let i = 0; i < this.#dof; i++) {
      const step = at(this.#step, i);
      const proposed = at(this.#proposed, i);
      const made = this.#absolute ? at(this.#q, i) + step : step * this.#unit;
      const value = (flags & CLAMP_FLAGS) === 0 ? proposed : made;
      this.#sent[i] = value;
      same &&= Object.is(value, proposed);
    }
    this.#assert();
    this.#open = false;
    const gripper = this.#grip();
    this.#gripper = this.#sentGripper;
    return (same ? flags & ~CLAMP_FLAGS : flags) | gripper;
  }

  #grip(): number {
    if (this.#intake.gripper < 0) return 0;
    const wanted = this.#proposedGripper;
    const legal = wanted >= 0 && wanted <= 1;
    this.#sentGripper = legal ? wanted : wanted < 0 ? 0 : 1;
    return legal ? 0 : FLAG.gripper;
  }

  brake(): number {
    this.#filter.reset();
    const flags = this.#governor.brake(this.#q, this.#step);
    for (let i = 0; i < this.#dof; i++) {
      const step = at(this.#step, i);
      this.#sent[i] = this.#absolute ? at(this.#q, i) + step : step * this.#unit;
    }
    this.#sentGripper = this.#heldGripper();
    this.#assert();
    return flags;
  }

  /** Asked of every step, by other code than made it. Throws GovernorFault: nothing is sent, and the robot's side holds. */
  #assert(): void {
    const slack = 1 + 1e-6;
    for (let i = 0; i < this.#dof; i++) {
      const { continuous, lower, upper, v } = this.#limits[i] as JointLimits;
      const step = at(this.#step, i);
      const fast = !(Math.abs(step) * this.#spec.hz <= v.value * slack);
      const from = at(this.#q, i);
      const inside =
        from + step <= Math.max(upper.value, from) + 1e-6 && from + step >= Math.min(lower.value, from) - 1e-6;
      if (fast || !(continuous || inside)) {
        throw new GovernorFault(`a step of joint ${i} outside its limits was about to be sent`);
      }
    }
  }

  #heldGripper(): number {
    return Number.isNaN(this.#gripper) ? this.#measuredGripper : this.#gripper;
  }

  write(sent: Float64Array, proposed: Float64Array): void {
    this.#put(this.#sent, this.#sentGripper, sent);
    this.#put(this.#proposed, this.#proposedGripper, proposed);
  }

  writeStill(sent: Float64Array, proposed: Float64Array): void {
    this.#put(this.#proposed, this.#proposedGripper, sent);
    this.#put(this.#proposed, this.#proposedGripper, proposed);
  }

  #put(joints: Float64Array, gripper: number, out: Float64Array): void {
    for (let i = 0; i < this.#dof; i++) out[i] = at(joints, i);
    if (out.length > this.#dof) out[this.#dof] = gripper;
  }

  sent(n: number): void {
    if (!this.resting) this.#movedAt = n;
    this.#odometer.add(n, this.#absolute ? this.#sent : this.#step);
  }

  // ---- beginnings ------------------------------------------------------------------------------------------------

  rest(): void {
    this.#governor.rest();
    this.#filter.reset();
  }

  restart(): void {
    this.#filter.reset();
    this.#open = true;
  }

  forget(): void {
    this.restart();
    this.#odometer.reset();
    this.#ready = false;
    this.#drifting = false;
    this.#gap.fill(0);
    this.#surprise = 0;
    this.#governor.margin = 0;
  }

  reset(): void {
    this.forget();
    this.#governor.rest();
    this.#known = false;
    this.#movedAt = Number.NEGATIVE_INFINITY;
    this.#gripper = Number.NaN;
  }

  // ---- plans -----------------------------------------------------------------------------------------------------

  start(): Float64Array | null {
    if (!this.ready) return null;
    const out = new Float64Array(this.#spec.dim);
    this.#put(this.#odometer.commanded(this.#q), this.#heldGripper(), out);
    return out;
  }

  rewind(tick: number): boolean {
    return this.#odometer.rewind(tick);
  }

  save(rows: Float64Array, offset: number): void {
    rows[offset] = this.#gripper;
    this.#governor.save(rows, offset + 1);
    this.#filter.save(rows, offset + 1 + this.#governor.row);
  }

  restore(rows: Float64Array, offset: number): void {
    this.#gripper = at(rows, offset);
    this.#governor.load(rows, offset + 1);
    this.#filter.load(rows, offset + 1 + this.#governor.row);
  }
}

function kinematicsFor({ limits }: ControlSpec): TcpPosition | null {
  const robot = findRobot(limits.robot_type);
  return limits.tcp !== 'kinematics' || robot === undefined ? null : kinematicsOf(robot);
}

function largest(values: Float64Array): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(at(values, i)));
  return most;
}
