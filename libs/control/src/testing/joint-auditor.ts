import type { ActionSpace } from '@sinew/protocol';
import type { RobotRecord } from '@sinew/robots';
import { at } from '../chunk.js';
import type { JointLimits } from '../joint-limits.js';
import type { LimitsInForce } from '../limits.js';
import { Vec3 } from '../vec3.js';
import { type AuditVolume, deepest, depth } from './safety-auditor.js';

/** The registry's forward kinematics: the one thing that auditor and governor share. */
export interface Forward {
  position(q: Float64Array, out: Vec3): Vec3;
}

export interface AuditedJointTick {
  readonly values: Float64Array;
  readonly kind: 'action' | 'hold';
  readonly reason: string | null;
  readonly emergency: boolean;
}

/** Relative, of speeds and their changes; rad and metres, of positions. */
const RELATIVE = 1e-9;
const GRAIN = 2e-9;
const LONGEST_STOP_S = 2.2;

/**
 * Watches a joint session from outside: everything is recomputed from the numbers that were sent and measured, with nothing of the
 * governor's own code. Limits are finite differences a tick, joint by joint; the tool moves in a straight line between ticks.
 */
export class JointAuditor {
  readonly violations: string[] = [];
  readonly worst = { v: 0, a: 0, j: 0, beyond: 0, tcp: 0, box: 0, keepOut: 0 };
  ticks = 0;
  moving = 0;
  emergencies = 0;
  readonly #limits: LimitsInForce;
  readonly #space: ActionSpace;
  readonly #dof: number;
  readonly #joints: readonly JointLimits[];
  readonly #forward: Forward | null;
  readonly #here = new Vec3();
  readonly #there = new Vec3();
  /** Where the robot was told to be, as far as it is known. */
  #q: Float64Array | null = null;
  readonly #v: Float64Array;
  readonly #a: Float64Array;
  readonly #steps = new Map<number, Float64Array>();
  #anchorTick = Number.NEGATIVE_INFINITY;
  #last = Number.NEGATIVE_INFINITY;
  #holding = 0;
  #estopTick = Number.NEGATIVE_INFINITY;
  #fresh = true;
  #rested = true;
  #excused = false;

  constructor(limits: LimitsInForce, robot: RobotRecord, forward: Forward | null) {
    this.#limits = limits;
    this.#joints = limits.joints ?? [];
    this.#space = limits.action_space;
    this.#dof = robot.dof;
    this.#forward = forward;
    this.#v = new Float64Array(robot.dof);
    this.#a = new Float64Array(robot.dof);
  }

  /** A measurement that the loop must have taken, made just before `tick`. Positions once sent stay what was commanded. */
  measured(q: Float64Array, tick: number): void {
    if (tick < this.#anchorTick) return;
    this.#anchorTick = tick;
    if (this.#space === 'joint_position') {
      this.#q ??= q.slice();
      return;
    }
    const now = q.slice();
    for (const [t, step] of this.#steps) {
      if (t < tick) this.#steps.delete(t);
      else for (let i = 0; i < this.#dof; i++) now[i] = at(now, i) + at(step, i);
    }
    this.#q = now;
  }

  /** Positions: where the robot stood when motion was declared to start from there. */
  found(q: Float64Array): void {
    this.#q = q.slice();
    this.#v.fill(0);
    this.#a.fill(0);
  }

  adopted(baseTick: number): void {
    if (baseTick > this.#estopTick) this.#fresh = true;
  }

  estopped(tick: number): void {
    this.#estopTick = tick;
    this.#fresh = false;
    this.#rested = false;
  }

  tick(n: number, { values, kind, reason, emergency }: AuditedJointTick): void {
    this.ticks++;
    const hz = this.#limits.control_hz;
    if (n !== this.#last + 1) {
      this.#v.fill(0);
      this.#a.fill(0);
      this.#rested = true;
    }
    this.#last = n;
    if (emergency) this.emergencies++;
    this.#excused = emergency;
    if (!values.every(Number.isFinite)) this.#violate(n, 'N3', `values ${values}`);
    const gripper = values.length > this.#dof ? at(values, this.#dof) : 0;
    if (!(gripper >= 0 && gripper <= 1)) this.#violate(n, 'G1', `gripper ${gripper}`);
    const from = this.#q;
    const step = new Float64Array(this.#dof);
    for (let i = 0; i < this.#dof; i++) {
      if (this.#space === 'joint_position') step[i] = from === null ? 0 : at(values, i) - at(from, i);
      else step[i] = this.#space === 'joint_velocity' ? at(values, i) / hz : at(values, i);
    }
    if (from === null && step.some((x) => x !== 0)) this.#violate(n, 'T6', 'motion before anything was measured');
    let moving = false;
    for (let i = 0; i < this.#dof; i++) {
      const v = this.#space === 'joint_velocity' ? at(values, i) : at(step, i) * hz;
      const to = from === null ? null : at(from, i) + at(step, i);
      this.#joint(n, i, v, from?.[i] ?? null, to);
      moving ||= v !== 0;
    }
    if (from !== null) {
      const to = from.map((x, i) => (this.#space === 'joint_position' ? at(values, i) : x + at(step, i)));
      this.#tcp(n, from, to);
      this.#q = to;
    }
    if (moving) this.moving++;
    this.#steps.set(n, step);
    this.#stops(n, kind, reason, moving);
  }

  #joint(n: number, i: number, v: number, from: number | null, to: number | null): void {
    const limit = this.#joints[i] as JointLimits;
    const hz = this.#limits.control_hz;
    const a = (v - at(this.#v, i)) * hz;
    const change = Math.abs(a - at(this.#a, i));
    this.#v[i] = v;
    this.#a[i] = a;
    const speed = Math.abs(v);
    this.worst.v = Math.max(this.worst.v, speed / limit.v.value);
    if (speed > limit.v.value * (1 + RELATIVE))
      this.#violate(n, 'B2', `joint ${i}: ${speed} rad/s of ${limit.v.value}`);
    if (!this.#excused) {
      this.worst.a = Math.max(this.worst.a, Math.abs(a) / limit.a.value);
      if (Math.abs(a) > limit.a.value * (1 + RELATIVE))
        this.#violate(n, 'B3', `joint ${i}: ${a} rad/s² of ${limit.a.value}`);
      const most = Math.max(limit.j.value / hz, limit.j.value / hz < 2 * limit.a.value ? 0 : 2 * limit.a.value);
      this.worst.j = Math.max(this.worst.j, change / most);
      if (change > most * (1 + RELATIVE) + 1e-9)
        this.#violate(n, 'B4', `joint ${i}: jerk ${change / most} of its limit`);
    }
    if (from === null || to === null) return;
    const p = limit.position_based_velocity;
    if (p && speed > 0) {
      const room = v > 0 ? p.q_max - to : to - p.q_min;
      const ceiling = room > 0 ? Math.max(0, Math.sqrt(2 * p.deceleration_limit * room) - p.velocity_offset) : 0;
      if (speed > ceiling + RELATIVE * limit.v.value)
        this.#violate(n, 'B2', `joint ${i}: ${speed} rad/s at ${to}, at most ${ceiling}`);
    }
    if (limit.continuous) return;
    const was = Math.max(limit.lower.value - from, from - limit.upper.value);
    const is = Math.max(limit.lower.value - to, to - limit.upper.value);
    const further = is - Math.max(0, was);
    this.worst.beyond = Math.max(this.worst.beyond, further);
    if (further > GRAIN) this.#violate(n, was > 0 ? 'B8' : 'B1', `joint ${i} ${further} rad further out`);
  }

  #tcp(n: number, from: Float64Array, to: Float64Array): void {
    if (this.#forward === null) return;
    const { workspace, keep_out, cartesian, control_hz: hz } = this.#limits;
    const a = this.#forward.position(from, this.#here);
    const b = this.#forward.position(to, this.#there);
    const start = [a.x, a.y, a.z];
    const end = [b.x, b.y, b.z];
    const length = Math.hypot(b.x - a.x, b.y - a.y, b.z - a.z);
    const share = (length * hz) / cartesian.v.value;
    this.worst.tcp = Math.max(this.worst.tcp, share);
    if (share > 1 + RELATIVE) this.#violate(n, 'B7', `tool at ${length * hz} m/s of ${cartesian.v.value}`);
    if (workspace !== null) {
      for (let d = 0; d < 3; d++) {
        const was = Math.max(
          (workspace.min[d] as number) - (start[d] as number),
          (start[d] as number) - (workspace.max[d] as number),
        );
        const is = Math.max(
          (workspace.min[d] as number) - (end[d] as number),
          (end[d] as number) - (workspace.max[d] as number),
        );
        const further = is - Math.max(0, was);
        this.worst.box = Math.max(this.worst.box, further);
        if (further > GRAIN) this.#violate(n, was > 0 ? 'B8' : 'B6', `tool ${further} m further out on axis ${d}`);
      }
    }
    for (const volume of keep_out as readonly AuditVolume[]) {
      const was = depth(volume, start);
      if (was + length < 0) continue;
      const deeper = deepest(volume, start, end) - Math.max(0, was);
      this.worst.keepOut = Math.max(this.worst.keepOut, deeper);
      if (deeper > GRAIN) this.#violate(n, was > 0 ? 'B8' : 'B6', `tool ${deeper} m deeper in a keep-out`);
    }
  }

  /** A hold ends at rest, an e-stop holds, and only what was seen after it moves the robot again. */
  #stops(n: number, kind: 'action' | 'hold', reason: string | null, moving: boolean): void {
    this.#holding = kind === 'hold' ? this.#holding + 1 : 0;
    if (!moving) this.#rested = true;
    if (moving && this.#holding > LONGEST_STOP_S * this.#limits.control_hz + 4)
      this.#violate(n, 'B5', 'a hold that does not end');
    if (n === this.#estopTick && (kind !== 'hold' || reason !== 'estop')) this.#violate(n, 'E1', `${kind} ${reason}`);
    if (kind === 'action' && (!this.#fresh || !this.#rested)) {
      this.#violate(n, this.#fresh ? 'E2' : 'E4', 'motion after an e-stop without rest or a fresh chunk');
    }
  }

  #violate(n: number, rule: string, what: string): void {
    if (this.violations.length < 20) this.violations.push(`tick ${n}: ${rule} ${what}`);
  }
}
