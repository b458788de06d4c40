import type { ModelDescription } from '@sinew/protocol';
import { findRobot } from '@sinew/robots';

/**
 * The command that asks for no motion: zero for deltas and velocities, the position itself for positions; the gripper as it is.
 * @param last the last command, null before the first.
 * @param state the last measured state, null before the first.
 * @returns null while the gripper (or the position) is not known: nothing was ever moved then.
 */
export function restAction(
  model: ModelDescription,
  robotType: string,
  last: Float64Array | null,
  state: Float64Array | null,
): Float64Array | null {
  const { action_dim: dim, action_space: space } = model;
  if (space === 'joint_position') return last === null ? null : Float64Array.from(last);
  const rest = new Float64Array(dim);
  const gripper = gripperIndex(model, robotType);
  if (gripper === null) return rest;
  const pose = model.action.pose;
  const value = last?.[gripper] ?? (pose === null ? undefined : state?.[pose.gripper]);
  if (value === undefined || !Number.isFinite(value)) return null;
  // a state may measure it in other units or beyond its ends; a command may not
  rest[gripper] = Math.min(1, Math.max(0, value));
  return rest;
}

/** `ee_delta` ends with the gripper; joint spaces do where they have one entry more than the robot has joints. */
function gripperIndex({ action_space, action_dim }: ModelDescription, robotType: string): number | null {
  if (action_space === 'ee_delta') return action_dim - 1;
  const joints = findRobot(robotType)?.joints.length;
  return joints !== undefined && action_dim > joints ? action_dim - 1 : null;
}
