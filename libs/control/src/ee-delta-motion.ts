import { findRobot } from '@sinew/robots';
import { at, type Chunk } from './chunk.js';
import { ChunkIntake, STEP, WAY } from './chunk-intake.js';
import type { NewChunk, Verdict } from './control-io.js';
import type { ControlSpec } from './control-spec.js';
import { FLAG } from './flags.js';
import { DeltaAction, GOVERNOR_ROW, Governor } from './governor.js';
import { kinematicsOf } from './kinematics/kinematics.js';
import { IGNORED, type Motion } from './motion.js';
import { Odometer } from './odometer.js';
import { logRotation, Quat, rotationOf, toEuler } from './rotation.js';
import { SingularityGuard } from './singularity.js';
import { PoseFilter } from './smoothing.js';
import { Pose } from './target.js';
import { norm, Vec3 } from './vec3.js';

/** `ee_delta`: way-points are poses of the tool centre point, what is sent are steps between them. */
export class EeDeltaMotion implements Motion {
  readonly wayStride = WAY;
  readonly stepStride = STEP;
  /** A step of zero is no motion wherever the robot is. */
  readonly knowsRest = true;
  readonly row: number;
  readonly #spec: ControlSpec;
  readonly #turned: boolean;
  readonly #posed: boolean;
  readonly #intake: ChunkIntake;
  readonly #filter: PoseFilter;
  readonly #governor: Governor;
  readonly #odometer: Odometer;
  readonly #singularity: SingularityGuard | null;
  #gripper = Number.NaN;
  #measuredGripper = 0;

  /** The target, and the policy's own step at it: metres and radians a tick. */
  readonly #target = new Pose();
  readonly #ownTranslation = new Vec3();
  readonly #ownRotation = new Vec3();
  readonly #commanded = new Pose();
  readonly #measured = new Pose();
  readonly #proposed = new DeltaAction();
  readonly #sent = new DeltaAction();
  readonly #wish = new DeltaAction();
  readonly #spin = new Vec3();
  readonly #turn = new Quat();
  readonly #inverse = new Quat();
  readonly #blend = new Quat();
  readonly #other = new Quat();
  readonly #euler = new Vec3();
  readonly #offset = { position: 0, rotation: 0 };

  /** `history`: ticks that observations and plans may reach back. */
  constructor(spec: ControlSpec, history: number) {
    const rotation = spec.action.rotation;
    this.#spec = spec;
    this.#turned = rotation === 'rotvec';
    this.#posed = spec.action.pose !== null;
    this.#intake = new ChunkIntake(spec);
    this.#filter = new PoseFilter(spec.smoothing, 1 / spec.hz, rotation, spec.limits.cartesian);
    this.row = GOVERNOR_ROW + this.#filter.row + 1;
    this.#governor = new Governor(spec.limits, this.#posed);
    this.#odometer = new Odometer(history, rotation);
    this.#singularity = guardOf(spec);
  }

  get ready(): boolean {
    return !this.#posed || this.#odometer.anchored;
  }

  get resting(): boolean {
    return this.#governor.resting;
  }

  /** Re-anchors the commanded pose: measured + the steps sent since (L3). */
  observe(state: Float64Array, baseTick: number): number {
    this.#singularity?.observe(state);
    const pose = this.#spec.action.pose;
    if (pose === null) return 0;
    if (!this.#intake.readPose(state, this.#measured)) return IGNORED;
    if (!this.#odometer.anchor(baseTick, this.#measured, this.#offset)) return IGNORED;
    this.#governor.surprised(this.#offset.position);
    const gripper = state[pose.gripper];
    if (gripper !== undefined && Number.isFinite(gripper)) this.#measuredGripper = Math.min(1, Math.max(0, gripper));
    const { position, rotation } = this.#spec.limits.leash;
    return this.#offset.position > position.value || this.#offset.rotation > rotation.value ? FLAG.drift : 0;
  }

  wellFormed(actions: Float32Array, state: Float64Array): 'ok' | 'wrong_length' | 'not_finite' | 'implausible' {
    return this.#intake.wellFormed(actions, state);
  }

  fill(draft: Chunk, { actions, state, baseTick }: NewChunk): Verdict {
    // Of the observation's tick: a plan already leads on from there, perhaps by more than half a turn.
    const near = this.#odometer.anchored ? this.#odometer.commandedBefore(baseTick, this.#commanded) : null;
    return this.#intake.fill(draft, actions, state, near);
  }

  // ---- way-points ------------------------------------------------------------------------------------------------

  aim(chunk: Chunk, k: number): void {
    const w = chunk.way;
    const i = k * WAY;
    this.#target.position.set(at(w, i), at(w, i + 1), at(w, i + 2));
    if (this.#turned) this.#target.quat.set(at(w, i + 3), at(w, i + 4), at(w, i + 5), at(w, i + 6));
    else this.#target.euler.set(at(w, i + 3), at(w, i + 4), at(w, i + 5));
  }

  /** Quaternions by their normalised sum on one hemisphere. */
  mix(chunk: Chunk, k: number, share: number): void {
    const w = chunk.way;
    const i = k * WAY;
    const p = this.#target.position;
    p.x += share * (at(w, i) - p.x);
    p.y += share * (at(w, i + 1) - p.y);
    p.z += share * (at(w, i + 2) - p.z);
    if (!this.#turned) {
      const e = this.#target.euler;
      e.x += share * (at(w, i + 3) - e.x);
      e.y += share * (at(w, i + 4) - e.y);
      e.z += share * (at(w, i + 5) - e.z);
      return;
    }
    const q = this.#blend.copy(this.#target.quat);
    const r = this.#other.set(at(w, i + 3), at(w, i + 4), at(w, i + 5), at(w, i + 6));
    const sign = q.w * r.w + q.x * r.x + q.y * r.y + q.z * r.z < 0 ? -share : share;
    this.#target.quat
      .set(
        (1 - share) * q.w + sign * r.w,
        (1 - share) * q.x + sign * r.x,
        (1 - share) * q.y + sign * r.y,
        (1 - share) * q.z + sign * r.z,
      )
      .normalize();
  }

  own(chunk: Chunk, k: number): void {
    const s = chunk.step;
    const i = k * STEP;
    this.#ownTranslation.set(at(s, i), at(s, i + 1), at(s, i + 2));
    this.#ownRotation.set(at(s, i + 3), at(s, i + 4), at(s, i + 5));
  }

  distance(a: Chunk, i: number, b: Chunk, j: number): number {
    if (!this.#posed) return 0;
    return Math.hypot(
      at(a.way, i * WAY) - at(b.way, j * WAY),
      at(a.way, i * WAY + 1) - at(b.way, j * WAY + 1),
      at(a.way, i * WAY + 2) - at(b.way, j * WAY + 2),
    );
  }

  // ---- one tick --------------------------------------------------------------------------------------------------

  begin(): number {
    this.#proposed.translation.set(0, 0, 0);
    this.#proposed.rotation.set(0, 0, 0);
    this.#proposed.gripper = this.#heldGripper();
    if (this.#posed && this.#odometer.anchored) this.#odometer.commanded(this.#commanded);
    return 0;
  }

  filter(): void {
    if (this.#posed) this.#filter.apply(this.#target, this.#commanded);
  }

  /** Target − commanded pose: the step that leads there in one tick. */
  propose(gripper: number): boolean {
    const { translation, rotation } = this.#proposed;
    this.#proposed.gripper = gripper;
    if (!this.#posed) {
      translation.copy(this.#ownTranslation);
      rotation.copy(this.#ownRotation);
      return true;
    }
    const commanded = this.#commanded;
    const target = this.#target;
    translation.addScaled(target.position, commanded.position, -1);
    if (!this.#turned) rotation.addScaled(target.euler, commanded.euler, -1);
    else logRotation(this.#turn.product(target.quat, this.#inverse.inverse(commanded.quat)), rotation);
    return true;
  }

  move(): number {
    const wish = this.#slowed();
    const flags = this.#governor.govern(
      wish,
      this.#commanded.position,
      this.#ownTranslation,
      this.#ownRotation,
      this.#sent,
    );
    this.#gripper = this.#sent.gripper;
    return wish === this.#proposed ? flags : flags | FLAG.singularity;
  }

  /** The proposal, or near a singularity of the arm as much of it as speed there allows, as a whole. */
  #slowed(): DeltaAction {
    const { translation, rotation, gripper } = this.#proposed;
    if (this.#singularity === null) return this.#proposed;
    const turn = this.#turned ? rotation : rotationOf(rotation, this.#commanded.euler, this.#spin);
    const share = this.#singularity.share(translation, turn);
    const { v, w } = this.#spec.limits.cartesian;
    const part = Math.min(
      within((share * v.value) / this.#spec.hz, norm(translation)),
      within((share * w.value) / this.#spec.hz, norm(turn)),
    );
    if (share === 1 || part === 1) return this.#proposed;
    this.#wish.translation.scaled(translation, part);
    this.#wish.rotation.scaled(rotation, part);
    this.#wish.gripper = gripper;
    return this.#wish;
  }

  brake(): number {
    this.#filter.reset();
    const flags = this.#governor.brake(this.#commanded.position, this.#sent);
    this.#sent.gripper = this.#heldGripper();
    return flags;
  }

  #heldGripper(): number {
    return Number.isNaN(this.#gripper) ? this.#measuredGripper : this.#gripper;
  }

  write(sent: Float64Array, proposed: Float64Array): void {
    writeAction(this.#sent, sent);
    writeAction(this.#proposed, proposed);
  }

  writeStill(sent: Float64Array, proposed: Float64Array): void {
    writeAction(this.#proposed, sent);
    writeAction(this.#proposed, proposed);
  }

  sent(n: number): void {
    this.#odometer.add(n, this.#sent.translation, this.#sent.rotation);
  }

  // ---- beginnings ------------------------------------------------------------------------------------------------

  rest(): void {
    this.#governor.rest();
    this.#filter.reset();
  }

  /** Steps start from wherever the robot is: every observation re-anchors. */
  restart(): void {
    this.#filter.reset();
  }

  forget(): void {
    this.#filter.reset();
    this.#odometer.reset();
    this.#singularity?.forget();
    this.#governor.forget();
  }

  reset(): void {
    this.rest();
    this.forget();
    this.#gripper = Number.NaN;
  }

  // ---- plans -----------------------------------------------------------------------------------------------------

  start(): Float64Array | null {
    if (!this.#posed || !this.#odometer.anchored) return null;
    const pose = this.#odometer.commanded(this.#commanded);
    const e = this.#turned ? toEuler(pose.quat, this.#euler) : pose.euler;
    const { x, y, z } = pose.position;
    return Float64Array.of(x, y, z, e.x, e.y, e.z, this.#heldGripper());
  }

  rewind(tick: number): boolean {
    return this.#odometer.rewind(tick);
  }

  save(rows: Float64Array, offset: number): void {
    rows[offset] = this.#gripper;
    this.#governor.save(rows, offset + 1);
    this.#filter.save(rows, offset + 1 + GOVERNOR_ROW);
  }

  restore(rows: Float64Array, offset: number): void {
    this.#gripper = rows[offset] as number;
    this.#governor.load(rows, offset + 1);
    this.#filter.load(rows, offset + 1 + GOVERNOR_ROW);
  }
}

function writeAction(action: DeltaAction, out: Float64Array): void {
  out[0] = action.translation.x;
  out[1] = action.translation.y;
  out[2] = action.translation.z;
  out[3] = action.rotation.x;
  out[4] = action.rotation.y;
  out[5] = action.rotation.z;
  out[6] = action.gripper;
}

/** The share of `size` that `most` leaves. */
function within(most: number, size: number): number {
  return size > most ? most / size : 1;
}

/** Robots whose policy reports joints, and whose geometry is known. */
function guardOf({ action, limits }: ControlSpec): SingularityGuard | null {
  const robot = findRobot(limits.robot_type);
  const kinematics = action.joints === undefined || robot === undefined ? null : kinematicsOf(robot);
  return kinematics === null ? null : new SingularityGuard(kinematics, action.joints ?? []);
}
