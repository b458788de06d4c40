import { ACTION_SPACES, type ActionSpace, type KeepOut, type SafetyMode, type SessionLimits } from '@sinew/protocol';
import type { RobotRecord } from '@sinew/robots';
import { type JointLimits, jointLimits } from './joint-limits.js';
import { finitePoint, keepOutsInForce } from './keep-outs.js';
import { LimitsRefusal } from './limits-refusal.js';
import type { Point, Volume } from './volumes.js';

export type { Point, Volume } from './volumes.js';

/** Where a limit in force comes from: the robot's record, the rule for what a record lacks, the safety mode, the session, or a constant. */
export type LimitOrigin = 'record' | 'derived' | 'mode' | 'session' | 'default';

export interface Limit {
  readonly value: number;
  readonly origin: LimitOrigin;
}

/** Limits of the commanded tool centre point: v m/s, a m/s², j m/s³; w rad/s, dw rad/s², ddw rad/s³; all norms. */
export interface CartesianLimits {
  readonly v: Limit;
  readonly a: Limit;
  readonly j: Limit;
  readonly w: Limit;
  readonly dw: Limit;
  readonly ddw: Limit;
}

/** Plain data: it goes as it is into `opened.robot`. */
export interface LimitsInForce {
  readonly robot_type: string;
  readonly action_space: ActionSpace;
  readonly mode: SafetyMode;
  readonly control_hz: number;
  /**
   * How the tool centre point is held to `cartesian`, `workspace` and `keep_out`: its motion is what is `commanded`; or joints are, and
   * its way is computed from them (`kinematics`: of `cartesian` then only v); or it is `unknown`, and nothing of this holds.
   */
  readonly tcp: 'commanded' | 'kinematics' | 'unknown';
  readonly cartesian: CartesianLimits;
  /** Metres, in the session's base frame; for joint spaces in the frame of the robot's geometry. Null: no box. */
  readonly workspace: { readonly min: Point; readonly max: Point; readonly origin: 'default' | 'session' } | null;
  /** What the tool centre point may not enter, in the workspace's frame; normals of length 1. */
  readonly keep_out: readonly Volume[];
  /** The reach sphere round the base; not checked with a workspace of the session's own, whose frame is unknown. */
  readonly reach: { readonly value: number | null; readonly checked: boolean };
  readonly leash: { readonly position: Limit; readonly rotation: Limit };
  /** Whether the jerk limits can bind at this rate: not where j·dt ≥ 2a. */
  readonly jerk_binds: { readonly translation: boolean; readonly rotation: boolean };
  /** In the record's order; absent for `ee_delta`. */
  readonly joints?: readonly JointLimits[];
}

export interface LimitsRequest {
  readonly robot: RobotRecord;
  readonly actionSpace: ActionSpace;
  readonly mode: SafetyMode;
  /** `limits` of `open`: every value may only tighten. */
  readonly tighten?: SessionLimits | undefined;
  readonly workspace?: { readonly min: readonly number[]; readonly max: readonly number[] } | undefined;
  /** Boxes, balls, half-spaces; a table plane is a half-space. */
  readonly keepOut?: readonly KeepOut[] | undefined;
  /** Control rate, 1-100 Hz. */
  readonly hz: number;
}

export type LimitsResult =
  | { readonly ok: true; readonly limits: LimitsInForce }
  | { readonly ok: false; readonly field: string; readonly reason: string };

const REDUCED_V = 0.25;
const REDUCED_W = 2.5;
const DERIVED_W = 1.5;
const LEASH_M = 0.05;
const LEASH_RAD = 0.3;
const FLOOR_Z = -0.05;
/** Where keep-outs that leave nothing are looked for if there is no workspace, m. */
const ANYWHERE = { min: [-10, -10, -10], max: [10, 10, 10] } as const;
/** A stop slower than this is no stop; it also bounds the work of verifying one. */
const LONGEST_STOP_S = 2;

/**
 * The limits a session runs under: record, else derived (control.md "Safety governor"), then the mode's caps, then what the
 * session tightens. A value that would loosen, or contradicts another, is refused with the field of `open` it came in.
 */
export function resolveLimits(request: LimitsRequest): LimitsResult {
  try {
    return { ok: true, limits: resolve(request) };
  } catch (error) {
    if (error instanceof LimitsRefusal) return { ok: false, field: error.field, reason: error.reason };
    throw error;
  }
}

function resolve({
  robot,
  actionSpace,
  mode,
  tighten = {},
  workspace,
  keepOut = [],
  hz,
}: LimitsRequest): LimitsInForce {
  if (!ACTION_SPACES.includes(actionSpace)) throw new LimitsRefusal('action_space', `${actionSpace} is not known`);
  if (!(hz >= 1 && hz <= 100)) throw new LimitsRefusal('control_hz', 'must be 1 to 100');
  for (const asked of [mode, tighten.mode ?? mode]) {
    if (asked !== 'reduced' && asked !== 'full') throw new LimitsRefusal('limits.mode', 'must be reduced or full');
  }
  checkRecord(robot);
  const inForce: SafetyMode = mode === 'full' && tighten.mode !== 'reduced' ? 'full' : 'reduced';
  const tcp = actionSpace === 'ee_delta' ? 'commanded' : robot.geometry === null ? 'unknown' : 'kinematics';
  const joints = actionSpace === 'ee_delta' ? null : jointLimits(robot, inForce, tighten, tcp === 'kinematics', hz);
  const cartesian = cartesianLimits(robot, inForce, tighten);
  const space = workspaceOf(tcp, robot, workspace, keepOut);
  const dt = 1 / hz;
  return {
    robot_type: robot.id,
    action_space: actionSpace,
    mode: inForce,
    control_hz: hz,
    tcp,
    cartesian,
    ...space,
    keep_out: keepOutsInForce(keepOut, space.workspace ?? ANYWHERE),
    leash: {
      position: { value: LEASH_M, origin: 'default' },
      rotation: { value: LEASH_RAD, origin: 'default' },
    },
    jerk_binds: {
      translation: cartesian.j.value * dt < 2 * cartesian.a.value,
      rotation: cartesian.ddw.value * dt < 2 * cartesian.dw.value,
    },
    ...(joints === null ? {} : { joints }),
  };
}

/** Joint ranges hold a tool as well as a box does: where its reach is unknown, none is needed; where its place is, none can be kept. */
function workspaceOf(
  tcp: LimitsInForce['tcp'],
  robot: RobotRecord,
  workspace: LimitsRequest['workspace'],
  keepOut: readonly KeepOut[],
): Pick<LimitsInForce, 'workspace' | 'reach'> {
  const boxed = tcp === 'commanded' || workspace !== undefined || robot.reach_m !== null;
  if (tcp !== 'unknown' && boxed) {
    // An arm on a torso reaches below its base frame as a matter of course: the floor is elsewhere.
    const floored = tcp === 'commanded' || robot.geometry?.mount !== 'body';
    return workspaceBox(robot, workspace, floored);
  }
  const field = workspace !== undefined ? 'environment.workspace' : keepOut.length > 0 ? 'keep_out' : null;
  if (tcp === 'unknown' && field !== null) {
    throw new LimitsRefusal(field, `cannot be held: the registry has no geometry of ${robot.id}`);
  }
  return { workspace: null, reach: { value: robot.reach_m, checked: false } };
}

/** N4: a record that contradicts itself governs nothing. */
function checkRecord(robot: RobotRecord): void {
  for (const [i, joint] of robot.joints.entries()) {
    const broken = (reason: string) => new LimitsRefusal('robot_type', `${robot.id} joint ${i}: ${reason}`);
    if (!(joint.lower < joint.upper)) throw broken('lower is not below upper');
    if (!Number.isFinite(joint.lower) || !Number.isFinite(joint.upper)) throw broken('a bound is not finite');
    for (const name of ['velocity', 'acceleration', 'jerk'] as const) {
      const value = joint[name];
      if (value !== null && !(value > 0 && Number.isFinite(value))) throw broken(`${name} is not a positive number`);
    }
  }
  const reach = robot.reach_m;
  if (reach !== null && !(reach > 0 && Number.isFinite(reach))) {
    throw new LimitsRefusal('robot_type', `${robot.id}: its reach is not a positive number`);
  }
}

function cartesianLimits(robot: RobotRecord, mode: SafetyMode, session: SessionLimits): CartesianLimits {
  const tcp = robot.cartesian;
  const reduced = mode === 'reduced';
  const v0 = capped(fromRecord(tcp?.v ?? robot.tcp_speed_m_s, REDUCED_V), reduced ? REDUCED_V : Infinity);
  const w0 = capped(fromRecord(tcp?.w, DERIVED_W), reduced ? REDUCED_W : Infinity);
  // Derived from the speed in force before the session tightens it: asking for less speed must not cost agility.
  const a0 = fromRecord(tcp?.a, Math.max(5 * v0.value, 2));
  const dw0 = fromRecord(tcp?.dw, 5 * w0.value);
  const j0 = fromRecord(tcp?.j, 25 * a0.value);
  const ddw0 = fromRecord(tcp?.ddw, 25 * dw0.value);
  for (const limit of [v0, a0, j0, w0, dw0, ddw0]) {
    if (!(limit.value > 0 && Number.isFinite(limit.value))) {
      throw new LimitsRefusal(
        'robot_type',
        `${robot.id} has a limit of its tool centre point that is not a positive number`,
      );
    }
  }
  const scale = session.joint_scale;
  if (scale !== undefined && !(scale > 0 && scale <= 1))
    throw new LimitsRefusal('limits.joint_scale', 'must be above 0, at most 1');
  const limits = {
    v: tightened('v', v0, session.v),
    a: tightened('a', a0, session.a),
    j: tightened('j', j0, session.j),
    w: tightened('w', w0, session.w),
    dw: tightened('dw', dw0, session.dw),
    ddw: tightened('ddw', ddw0, session.ddw),
  };
  requireStop('v', limits.v.value, 'a', limits.a, 'j', limits.j);
  requireStop('w', limits.w.value, 'dw', limits.dw, 'ddw', limits.ddw);
  return limits;
}

function fromRecord(value: number | null | undefined, derived: number): Limit {
  return value === null || value === undefined ? { value: derived, origin: 'derived' } : { value, origin: 'record' };
}

function capped(limit: Limit, cap: number): Limit {
  return limit.value > cap ? { value: cap, origin: 'mode' } : limit;
}

function tightened(name: string, limit: Limit, wanted: number | undefined): Limit {
  if (wanted === undefined) return limit;
  if (!(wanted > 0 && Number.isFinite(wanted))) throw new LimitsRefusal(`limits.${name}`, 'must be a positive number');
  if (wanted > limit.value) {
    throw new LimitsRefusal(
      `limits.${name}`,
      `${wanted} would loosen ${limit.value} (${limit.origin}); a session may only tighten`,
    );
  }
  return wanted === limit.value ? limit : { value: wanted, origin: 'session' };
}

/** Braking from v takes V/A + A/J where acceleration saturates, else 2·√(V/J). */
function requireStop(vName: string, v: number, aName: string, a: Limit, jName: string, j: Limit): void {
  const seconds = v * j.value >= a.value * a.value ? v / a.value + a.value / j.value : 2 * Math.sqrt(v / j.value);
  if (seconds <= LONGEST_STOP_S) return;
  const name = j.origin === 'session' ? jName : aName;
  throw new LimitsRefusal(
    `limits.${name}`,
    `a stop from ${v} (${vName}) would take ${seconds.toFixed(1)} s; at most ${LONGEST_STOP_S} s`,
  );
}

function workspaceBox(
  robot: RobotRecord,
  workspace: LimitsRequest['workspace'],
  floored: boolean,
): Pick<LimitsInForce, 'workspace' | 'reach'> {
  const reach = robot.reach_m;
  if (workspace === undefined) {
    if (reach === null) {
      throw new LimitsRefusal('environment.workspace', `the reach of ${robot.id} is unknown: give the box to stay in`);
    }
    const min: Point = [-reach, -reach, floored ? Math.max(FLOOR_Z, -reach) : -reach];
    return {
      workspace: { min, max: [reach, reach, reach], origin: 'default' },
      reach: { value: reach, checked: true },
    };
  }
  const min = finitePoint('environment.workspace.min', workspace.min);
  const max = finitePoint('environment.workspace.max', workspace.max);
  for (const axis of [0, 1, 2] as const) {
    if (!(min[axis] < max[axis]))
      throw new LimitsRefusal('environment.workspace', `min is not below max on axis ${'xyz'[axis]}`);
    // Wherever its frame is, a box wider than the robot can span is in the wrong unit.
    if (reach !== null && max[axis] - min[axis] > 2 * reach) {
      throw new LimitsRefusal(
        'environment.workspace',
        `wider than twice the reach (${reach} m) on axis ${'xyz'[axis]}`,
      );
    }
  }
  return { workspace: { min, max, origin: 'session' }, reach: { value: reach, checked: false } };
}
