const EE_DELTA = ['x', 'y', 'z', 'rx', 'ry', 'rz', 'gripper'] as const;

/** Names of an action's entries, and what they are counted in a tick. */
export function axesOf(actionSpace: string, dim: number, dof: number | null): { name: string; unit: string }[] {
  const joint = { joint_position: 'rad', joint_delta: 'rad/tick', joint_velocity: 'rad/s' }[actionSpace] ?? '';
  return Array.from({ length: dim }, (_, i) => {
    if (actionSpace === 'ee_delta') {
      return { name: EE_DELTA[i] ?? `${i}`, unit: i < 3 ? 'm/tick' : i < 6 ? 'rad/tick' : '0 … 1' };
    }
    // One value more than joints: the gripper's.
    return dof !== null && i >= dof ? { name: 'gripper', unit: '0 … 1' } : { name: `joint ${i + 1}`, unit: joint };
  });
}
