import type { ControlSpec } from '../control-spec.js';
import type { JointLimits } from '../joint-limits.js';

/** U2: no joint that turns without end has turned as often (rad). */
const MOST_TURNED = 2 * Math.PI * 50;

/** Which entries of the state are the joints; and the gripper, −1 where none is commanded. */
export interface JointEntries {
  readonly joints: readonly number[];
  readonly gripper: number;
}

export function jointEntries({ action, dim, limits }: ControlSpec): JointEntries {
  const dof = limits.joints?.length ?? 0;
  const named = action.joints;
  return {
    joints: named === undefined ? Array.from({ length: dof }, (_, i) => i) : named.slice(0, dof),
    gripper: dim > dof ? (named?.[dof] ?? action.pose?.gripper ?? dof) : -1,
  };
}

/** U2: a joint is never a whole range beyond its bounds; what looks so is in degrees. */
export function plausiblePosition(joint: JointLimits, value: number): boolean {
  if (joint.continuous) return Math.abs(value) <= MOST_TURNED;
  const range = joint.upper.value - joint.lower.value;
  return value >= joint.lower.value - range && value <= joint.upper.value + range;
}

/** Why a state vector cannot be this robot's, in radians, its gripper included where that is commanded; or null. */
export function implausibleJoints(
  entries: JointEntries,
  limits: readonly JointLimits[],
  state: Float64Array,
): string | null {
  const gripper = entries.gripper < 0 ? 0 : state[entries.gripper];
  if (gripper === undefined) return `has no entry ${entries.gripper}, where the gripper is`;
  if (!Number.isFinite(gripper)) return 'not finite';
  for (const [i, joint] of limits.entries()) {
    const value = state[entries.joints[i] as number];
    if (value === undefined) return `has no entry ${entries.joints[i]}, where ${joint.name} is`;
    if (!Number.isFinite(value)) return 'not finite';
    if (plausiblePosition(joint, value)) continue;
    return `${joint.name} at ${value.toPrecision(3)} looks like degrees; radians are meant`;
  }
  return null;
}
