import { findRobot } from '@sinew/robots';
import { at } from '../chunk.js';
import { ControlSpecError } from '../control-spec.js';
import { JointGovernor } from '../joint/joint-governor.js';
import { kinematicsOf } from '../kinematics/kinematics.js';
import type { LimitsInForce } from '../limits.js';
import { TcpEnvelope } from '../volumes.js';
import type { Executed } from './executed-motion.js';

/** Further than this (rad) from where it was left, a robot found standing is taken from where it stands; as the server does (J4). */
const MOVED_BY_HAND = 0.01;

/**
 * The three spaces of joints. Positions are places: the way back to the server's leads from the last one that was executed, within
 * ranges and, where the geometry is known, with the tool within its own limits. Steps and speeds keep those of each joint.
 */
export class ExecutedJoints implements Executed {
  readonly #absolute: boolean;
  /** What a step (rad) is when it is sent. */
  readonly #unit: number;
  readonly #hz: number;
  readonly #governor: JointGovernor;
  readonly #entries: readonly number[] | undefined;
  /** Positions: what was executed last. */
  readonly #q: Float64Array;
  #known = false;
  readonly #delta: Float64Array;
  readonly #own: Float64Array;
  readonly #step: Float64Array;

  constructor(limits: LimitsInForce, entries: readonly number[] | undefined) {
    const joints = limits.joints;
    if (joints === undefined) throw new ControlSpecError({ field: 'limits.joints', reason: 'are not told' });
    const { action_space: space, control_hz: hz } = limits;
    this.#absolute = space === 'joint_position';
    this.#unit = space === 'joint_velocity' ? hz : 1;
    this.#hz = hz;
    this.#entries = entries;
    // Where steps are sent, ranges are the server's: it knows where the joints are.
    const held = this.#absolute
      ? joints
      : joints.map((joint) => ({ ...joint, continuous: true, position_based_velocity: null }));
    this.#governor = new JointGovernor(held, hz, this.#absolute ? tool(limits) : null);
    this.#q = new Float64Array(joints.length);
    this.#delta = new Float64Array(joints.length);
    this.#own = new Float64Array(joints.length);
    this.#step = new Float64Array(joints.length);
  }

  get resting(): boolean {
    return this.#governor.resting;
  }

  pass(values: Float64Array): void {
    for (let i = 0; i < this.#q.length; i++) {
      const value = at(values, i);
      this.#delta[i] = this.#absolute ? (value - at(this.#q, i)) * this.#hz : (value / this.#unit) * this.#hz;
      if (this.#absolute) this.#q[i] = value;
    }
    this.#governor.took(this.#delta);
  }

  follow(values: Float64Array, before: Float64Array | null, out: Float64Array): boolean {
    // The first position of all: the server begins where it found the robot.
    if (this.#absolute && !this.#known) this.standAt(values);
    for (let i = 0; i < this.#q.length; i++) {
      const value = at(values, i);
      const step = this.#absolute ? value - at(this.#q, i) : value / this.#unit;
      this.#delta[i] = step;
      // Steps lead nowhere in particular; a position moves as fast as the server's did.
      this.#own[i] = !this.#absolute ? step : before === null ? 0 : value - at(before, i);
    }
    const same = this.#governor.follow(this.#q, this.#delta, this.#own, this.#step) === 0;
    if (same) for (let i = 0; i < this.#q.length; i++) this.#execute(i, at(values, i), out);
    else this.#stepped(out);
    return same;
  }

  brake(out: Float64Array): void {
    this.#governor.brake(this.#q, this.#step);
    // Nobody knows where it is: the caller's own rest is all there is.
    if (this.#absolute && !this.#known) return;
    this.#stepped(out);
  }

  #stepped(out: Float64Array): void {
    for (let i = 0; i < this.#q.length; i++) {
      const step = at(this.#step, i);
      this.#execute(i, this.#absolute ? at(this.#q, i) + step : step * this.#unit, out);
    }
  }

  #execute(i: number, value: number, out: Float64Array): void {
    out[i] = value;
    if (this.#absolute) this.#q[i] = value;
  }

  rest(): void {
    this.#governor.rest();
  }

  standAt(values: Float64Array): void {
    if (!this.#absolute) return;
    for (let i = 0; i < this.#q.length; i++) this.#q[i] = at(values, i);
    this.#known = true;
  }

  found(state: Float64Array): void {
    if (!this.#absolute) return;
    let off = this.#known ? 0 : Number.POSITIVE_INFINITY;
    for (let i = 0; i < this.#q.length; i++) {
      const measured = state[this.#entries?.[i] ?? i];
      if (measured === undefined || !Number.isFinite(measured)) return;
      this.#step[i] = measured;
      off = Math.max(off, Math.abs(measured - at(this.#q, i)));
    }
    if (off > MOVED_BY_HAND) this.standAt(this.#step);
  }
}

function tool(limits: LimitsInForce) {
  const robot = limits.tcp === 'kinematics' ? findRobot(limits.robot_type) : undefined;
  const kinematics = robot === undefined ? null : kinematicsOf(robot);
  if (kinematics === null) return null;
  const { workspace, keep_out: keepOut, cartesian } = limits;
  return { kinematics, envelope: new TcpEnvelope(workspace, keepOut), v: cartesian.v.value };
}
