import type { SafetyMode, SessionLimits } from '@sinew/protocol';
import type { JointRecord, RobotRecord } from '@sinew/robots';
import type { Limit } from './limits.js';
import { LimitsRefusal } from './limits-refusal.js';

/** Limits of one joint, in the record's order: rad, rad/s, rad/s², rad/s³. */
export interface JointLimits {
  readonly name: string;
  readonly lower: Limit;
  readonly upper: Limit;
  /** Turns without end: `lower` and `upper` do not hold it. */
  readonly continuous: boolean;
  readonly v: Limit;
  readonly a: Limit;
  readonly j: Limit;
  /** The vendor's ceiling near the ends of the range, beside `v`; null where there is none. */
  readonly position_based_velocity: JointRecord['position_based_velocity'] | null;
  /** Whether the jerk limit can bind at this rate: not where j·dt ≥ 2a. */
  readonly jerk_binds: boolean;
}

/**
 * `reduced` where the speed of the tool centre point cannot be known: this share of the record's joint speed, and no more than
 * this many rad/s. Both are ours: a convention among robot set-ups is 0.1 to 0.3 of the hardware's ceiling.
 */
const REDUCED_SHARE = 0.3;
const REDUCED_RAD_S = 1;
const DERIVED_A = 5;
const DERIVED_J = 25;
const LONGEST_STOP_S = 2;

/**
 * Joint limits in force: the record's, else derived (A = 5·V, J = 25·A), with `reduced` and without kinematics slower speeds, then
 * the session's `joint_scale`, which scales speeds. A speed from which no stop ends within two seconds is lowered, as derived.
 * Throws LimitsRefusal; `tcpKnown`: the robot's kinematics hold the speed of its tool centre point.
 */
export function jointLimits(
  robot: RobotRecord,
  mode: SafetyMode,
  session: SessionLimits,
  tcpKnown: boolean,
  hz: number,
): readonly JointLimits[] {
  const scale = session.joint_scale ?? 1;
  if (!(scale > 0 && scale <= 1)) throw new LimitsRefusal('limits.joint_scale', 'must be above 0, at most 1');
  const held = ['a', 'j', 'w', 'dw', 'ddw', ...(tcpKnown ? [] : (['v'] as const))] as const;
  for (const name of held) {
    if (session[name] === undefined) continue;
    const why = name === 'v' ? `${robot.id} has no kinematics` : 'joint spaces hold only the speed of the tool';
    throw new LimitsRefusal(`limits.${name}`, `cannot be held: ${why}; use joint_scale`);
  }
  return robot.joints.map((joint, i): JointLimits => {
    if (joint.velocity === null) {
      throw new LimitsRefusal('action_space', `joint ${i} of ${robot.id} has no known speed limit; use ee_delta`);
    }
    const v0 = slowed({ value: joint.velocity, origin: 'record' }, mode, tcpKnown);
    const a: Limit = given(joint.acceleration) ?? { value: DERIVED_A * v0.value, origin: 'derived' };
    const j: Limit = given(joint.jerk) ?? { value: DERIVED_J * a.value, origin: 'derived' };
    const stoppable = (LONGEST_STOP_S - a.value / j.value) * a.value;
    if (!(stoppable > 0)) throw new LimitsRefusal('robot_type', `joint ${i} of ${robot.id} takes too long to brake`);
    const v1: Limit = v0.value > stoppable ? { value: stoppable, origin: 'derived' } : v0;
    return {
      name: joint.name,
      lower: { value: joint.lower, origin: 'record' },
      upper: { value: joint.upper, origin: 'record' },
      continuous: joint.continuous === true,
      v: scale === 1 ? v1 : { value: scale * v1.value, origin: 'session' },
      a,
      j,
      position_based_velocity: joint.position_based_velocity ?? null,
      jerk_binds: j.value < 2 * a.value * hz,
    };
  });
}

function given(value: number | null): Limit | null {
  return value === null ? null : { value, origin: 'record' };
}

function slowed(v: Limit, mode: SafetyMode, tcpKnown: boolean): Limit {
  if (mode === 'full' || tcpKnown) return v;
  return { value: Math.min(REDUCED_SHARE * v.value, REDUCED_RAD_S), origin: 'mode' };
}
