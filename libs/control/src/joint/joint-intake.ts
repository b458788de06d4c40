import { type ActionSpace, LEAST_SAFETY_SCORE } from '@sinew/protocol';
import { at, type Chunk } from '../chunk.js';
import type { Verdict } from '../control-io.js';
import type { ControlSpec } from '../control-spec.js';
import { FLAG } from '../flags.js';
import type { JointLimits } from '../joint-limits.js';
import { IMPLAUSIBLE_FACTOR } from '../plausibility.js';
import { unwrap } from '../rotation.js';
import { JointJudge } from './joint-score.js';
import { jointEntries, plausiblePosition } from './joint-state.js';
import type { TcpPosition } from './tcp-guard.js';

/** U2: speeds that a mode or session takes off say nothing about its policy: it is judged by no less than what joints of arms do (rad/s). */
const JUDGED_V = 3.5;

/**
 * Turns a policy's chunk into way-points [H, dof + 1], joint positions and gripper (0 where the policy commands none), each step
 * scored by itself. Positions are taken as they are; deltas and velocities are summed up from the joints in the observation
 * (L3). Continuous joints are taken the short way round.
 */
export class JointIntake {
  /** Which entries of the state are the joints; and the gripper, −1 where none is commanded. */
  readonly joints: readonly number[];
  readonly gripper: number;
  readonly #spec: ControlSpec;
  readonly #limits: readonly JointLimits[];
  readonly #space: ActionSpace;
  readonly #minScore: number;
  readonly #judge: JointJudge;
  readonly #q: Float64Array;
  readonly #step: Float64Array;
  readonly #verdict = { score: 1, checksPassed: 4, flags: 0 };

  constructor(spec: ControlSpec, limits: readonly JointLimits[], kinematics: TcpPosition | null) {
    const dof = limits.length;
    const { joints, gripper } = jointEntries(spec);
    this.joints = joints;
    this.gripper = gripper;
    this.#spec = spec;
    this.#limits = limits;
    this.#space = spec.actionSpace;
    this.#minScore = spec.minSafetyScore ?? LEAST_SAFETY_SCORE;
    this.#judge = new JointJudge(spec.limits, kinematics);
    this.#q = new Float64Array(dof);
    this.#step = new Float64Array(dof);
  }

  /** N1, U2: right length, every number usable, and none that must be in another unit; or the whole chunk is refused. */
  wellFormed(actions: Float32Array, state: Float64Array): 'ok' | 'wrong_length' | 'not_finite' | 'implausible' {
    const { chunkSize, dim } = this.#spec;
    if (actions.length !== chunkSize * dim) return 'wrong_length';
    for (let i = 0; i < actions.length; i++) if (!Number.isFinite(at(actions, i))) return 'not_finite';
    if (!this.readJoints(state, this.#q)) return state.every(Number.isFinite) ? 'implausible' : 'not_finite';
    for (let k = 0; k < chunkSize; k++) {
      for (let i = 0; i < this.#q.length; i++) {
        if (!this.#plausible(i, at(actions, k * dim + i))) return 'implausible';
      }
    }
    return 'ok';
  }

  #plausible(i: number, value: number): boolean {
    const joint = this.#limits[i] as JointLimits;
    if (this.#space === 'joint_position') return plausiblePosition(joint, value);
    const fastest = IMPLAUSIBLE_FACTOR * Math.max(joint.v.value, JUDGED_V);
    const most = this.#space === 'joint_velocity' ? fastest : Math.min(Math.PI, fastest / this.#spec.hz);
    return Math.abs(value) <= most;
  }

  /** The joints in a state vector; false where one is missing, not finite, or not in radians. */
  readJoints(state: Float64Array, out: Float64Array): boolean {
    for (let i = 0; i < out.length; i++) {
      const value = state[at2(this.joints, i)];
      if (value === undefined || !plausiblePosition(this.#limits[i] as JointLimits, value)) return false;
      out[i] = value;
    }
    return true;
  }

  /** Continuous joints by whole turns to where they are nearest to `near`: a turn more or less is the same place. */
  unwrap(q: Float64Array, near: Float64Array): void {
    for (let i = 0; i < q.length; i++) {
      if ((this.#limits[i] as JointLimits).continuous) q[i] = unwrap(at(q, i), at(near, i));
    }
  }

  /**
   * Fills `chunk` from well-formed actions [H, D] predicted in `state`; `near`: where the joints were told to be then. Entries
   * before `chunk.from` are made too (they lead to the later ones) but not judged.
   */
  fill(chunk: Chunk, actions: Float32Array, state: Float64Array, near: Float64Array | null): Verdict {
    const { chunkSize, dim } = this.#spec;
    const dof = this.#q.length;
    const q = this.#q;
    this.readJoints(state, q);
    if (near !== null) this.unwrap(q, near);
    this.#judge.begin(q);
    const verdict = this.#verdict;
    verdict.score = 1;
    verdict.checksPassed = 4;
    verdict.flags = 0;
    for (let k = 0; k < chunkSize; k++) {
      this.#advance(actions, k * dim);
      for (let i = 0; i < dof; i++) {
        chunk.way[k * (dof + 1) + i] = at(q, i);
        chunk.step[k * dof + i] = at(this.#step, i);
      }
      chunk.way[k * (dof + 1) + dof] = dim > dof ? at(actions, k * dim + dof) : 0;
      const step = this.#judge.step(this.#step, q);
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

  /** The next way-point in #q, and the step that leads there. */
  #advance(actions: Float32Array, row: number): void {
    const { hz } = this.#spec;
    for (let i = 0; i < this.#q.length; i++) {
      const value = at(actions, row + i);
      const now = at(this.#q, i);
      if (this.#space === 'joint_position') {
        const next = (this.#limits[i] as JointLimits).continuous ? unwrap(value, now) : value;
        this.#step[i] = next - now;
        this.#q[i] = next;
      } else {
        const step = this.#space === 'joint_velocity' ? value / hz : value;
        this.#step[i] = step;
        this.#q[i] = now + step;
      }
    }
  }
}

function at2(array: readonly number[], index: number): number {
  return array[index] as number;
}
