import { type ActionConvention, LEAST_SAFETY_SCORE } from '@sinew/protocol';
import { at, type Chunk } from './chunk.js';
import type { Verdict } from './control-io.js';
import { FLAG } from './flags.js';
import type { LimitsInForce } from './limits.js';
import { implausibleState, implausibleSteps } from './plausibility.js';
import { Quat, unwrap } from './rotation.js';
import { StepJudge } from './score.js';
import { Pose } from './target.js';
import { Vec3 } from './vec3.js';

/** Way-point: x y z, then roll pitch yaw or quaternion w x y z, then gripper. */
export const WAY = 8;
/** Own step: dx dy dz rx ry rz. */
export const STEP = 6;

/** Beyond this (metres, radians) a number is as useless as infinity, and its square no longer safe to add up. */
const ABSURD = 1e6;

export interface IntakeSpec {
  readonly limits: LimitsInForce;
  readonly action: ActionConvention;
  readonly chunkSize: number;
  readonly dim: number;
  readonly minSafetyScore?: number;
}

/**
 * Turns a policy's chunk into way-points: the pose in its observation plus the sum of its steps (L3), each step scored by
 * itself. Without a pose the way-points stay at zero and only the steps count (deltas by age).
 */
export class ChunkIntake {
  readonly #spec: IntakeSpec;
  readonly #minScore: number;
  readonly #pose = new Pose();
  readonly #translation = new Vec3();
  readonly #rotation = new Vec3();
  readonly #turn = new Quat();
  readonly #scratch = new Quat();
  readonly #judge: StepJudge;
  /** The last state that held a pose. */
  #seen: Float64Array | null = null;
  readonly #verdict = { score: 1, checksPassed: 4, flags: 0 };

  constructor(spec: IntakeSpec) {
    this.#spec = spec;
    this.#judge = new StepJudge(spec.limits);
    this.#minScore = spec.minSafetyScore ?? LEAST_SAFETY_SCORE;
  }

  /** N1, U2: right length, every number usable and every step one that a robot could mean; or the whole chunk is refused. */
  wellFormed(actions: Float32Array, state: Float64Array): 'ok' | 'wrong_length' | 'not_finite' | 'implausible' {
    const { action, chunkSize, dim, limits } = this.#spec;
    if (actions.length !== chunkSize * dim) return 'wrong_length';
    for (let i = 0; i < actions.length; i++) {
      if (!(Math.abs(at(actions, i)) < ABSURD)) return 'not_finite';
    }
    if (action.pose !== null && !this.readPose(state, this.#pose)) {
      return state.every(Number.isFinite) ? 'implausible' : 'not_finite';
    }
    return implausibleSteps(limits, actions, dim) === null ? 'ok' : 'implausible';
  }

  /** The pose in a state vector; false where it is missing, not finite, or not in metres and radians. */
  readPose(state: Float64Array, out: Pose): boolean {
    const indices = this.#spec.action.pose;
    if (indices === null) return false;
    const { position, rotation } = indices;
    const x = at(state, position[0]);
    const y = at(state, position[1]);
    const z = at(state, position[2]);
    const roll = at(state, rotation[0]);
    const pitch = at(state, rotation[1]);
    const yaw = at(state, rotation[2]);
    if (implausibleState(this.#spec.action, state, this.#seen) !== null) return false;
    if (this.#seen?.length === state.length) this.#seen.set(state);
    else this.#seen = state.slice();
    out.position.set(x, y, z);
    out.euler.set(roll, pitch, yaw);
    out.quat.fromEuler(roll, pitch, yaw);
    return true;
  }

  /**
   * Fills `chunk` from actions [H, D] predicted in `state`; `near` is the commanded pose, whose turns Euler way-points keep.
   * Call `wellFormed` first. Entries before `chunk.from` are made too (they lead to the later ones) but not judged.
   */
  fill(chunk: Chunk, actions: Float32Array, state: Float64Array, near: Pose | null): Verdict {
    const { action, chunkSize, dim } = this.#spec;
    const pose = this.#pose;
    const posed = this.readPose(state, pose);
    if (posed && near !== null) {
      const e = pose.euler;
      e.set(unwrap(e.x, near.euler.x), unwrap(e.y, near.euler.y), unwrap(e.z, near.euler.z));
    }
    const verdict = this.#verdict;
    verdict.score = 1;
    verdict.checksPassed = 4;
    verdict.flags = 0;
    this.#judge.begin(action.pose === null ? null : pose.position);
    for (let k = 0; k < chunkSize; k++) {
      const a = k * dim;
      const translation = this.#translation.set(at(actions, a), at(actions, a + 1), at(actions, a + 2));
      const rotation = this.#rotation.set(at(actions, a + 3), at(actions, a + 4), at(actions, a + 5));
      if (posed) this.#advance(translation, rotation);
      this.#write(chunk, k, at(actions, a + 6));
      const step = this.#judge.step(translation, rotation, pose.position);
      const rejected = step.forbidden || (step.score < this.#minScore && !step.onlyDynamics);
      chunk.score[k] = step.score;
      chunk.checks[k] = step.checksPassed;
      chunk.flags[k] = step.flags | (rejected ? FLAG.rejected : 0);
      chunk.rejected[k] = rejected ? 1 : 0;
      if (chunk.baseTick + k >= chunk.from) {
        verdict.score = Math.min(verdict.score, step.score);
        verdict.checksPassed = Math.min(verdict.checksPassed, step.checksPassed);
        verdict.flags |= at(chunk.flags, k);
      }
    }
    return verdict;
  }

  #advance(translation: Vec3, rotation: Vec3): void {
    const pose = this.#pose;
    pose.position.addScaled(pose.position, translation, 1);
    if (this.#spec.action.rotation === 'euler_xyz') pose.euler.addScaled(pose.euler, rotation, 1);
    else pose.quat.product(this.#turn.exp(rotation), this.#scratch.copy(pose.quat)).normalize();
  }

  #write(chunk: Chunk, k: number, gripper: number): void {
    const w = k * WAY;
    const s = k * STEP;
    const { position, euler, quat } = this.#pose;
    const turned = this.#spec.action.rotation === 'rotvec';
    chunk.way[w] = position.x;
    chunk.way[w + 1] = position.y;
    chunk.way[w + 2] = position.z;
    chunk.way[w + 3] = turned ? quat.w : euler.x;
    chunk.way[w + 4] = turned ? quat.x : euler.y;
    chunk.way[w + 5] = turned ? quat.y : euler.z;
    chunk.way[w + 6] = quat.z;
    chunk.way[w + 7] = gripper;
    chunk.step[s] = this.#translation.x;
    chunk.step[s + 1] = this.#translation.y;
    chunk.step[s + 2] = this.#translation.z;
    chunk.step[s + 3] = this.#rotation.x;
    chunk.step[s + 4] = this.#rotation.y;
    chunk.step[s + 5] = this.#rotation.z;
  }
}
