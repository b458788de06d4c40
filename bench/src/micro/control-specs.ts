import { type ControlSpec, type LimitsRequest, resolveLimits } from '@sinew/control';
import type { ActionSpace, Blend, Smoothing } from '@sinew/protocol';
import { findRobot } from '@sinew/robots';

export const HZ = 20;

/** Where the arm of each space stands: over the table, or in a posture away from every end of its joints. */
export const HOME = {
  ee_delta: Float64Array.of(0, 0, 0.2, 0, 0, 0, 1),
  joints: Float64Array.of(0, -0.5, 0, -2.2, 0, 1.8, 0.8),
} as const;

interface Settings {
  readonly chunkSize?: number;
  readonly execute?: number;
  readonly blend?: Blend;
  readonly smoothing?: Smoothing;
  readonly keepOut?: LimitsRequest['keepOut'];
}

/** A Panda, 7 joints, in the reduced mode: over a table, or by its joints with its geometry known. */
export function panda(actionSpace: ActionSpace, settings: Settings = {}): ControlSpec {
  const { blend = 'latest', chunkSize = 8, execute = 4, keepOut, smoothing = 'none' } = settings;
  const robot = findRobot('franka_panda');
  if (robot === undefined) throw new Error('the registry lacks franka_panda');
  const posed = actionSpace === 'ee_delta';
  const limits = resolveLimits({
    robot,
    actionSpace,
    mode: 'reduced',
    hz: HZ,
    ...(posed ? { workspace: { min: [-0.5, -0.5, 0], max: [0.5, 0.5, 0.6] } } : {}),
    ...(keepOut === undefined ? {} : { keepOut }),
  });
  if (!limits.ok) throw new Error(`${limits.field}: ${limits.reason}`);
  return {
    limits: limits.limits,
    actionSpace,
    dim: 7,
    chunkSize,
    hz: HZ,
    execute,
    blend,
    smoothing,
    action: {
      frame: 'base',
      rotation: 'euler_xyz',
      gripper: 'absolute_0_closed_1_open',
      pose: posed ? { position: [0, 1, 2], rotation: [3, 4, 5], gripper: 6 } : null,
    },
  };
}

/** [rows, 7] in the space's own units: slowly to and fro around home, or faster than allowed. */
export function wandering(actionSpace: ActionSpace, rows: number, speed: 'slow' | 'fast', phase = 0): Float32Array {
  const actions = new Float32Array(rows * 7);
  const [linear, angular] = speed === 'slow' ? [0.003, 0.004] : [0.03, 0.3];
  for (let row = 0; row < rows; row++) {
    const angle = (phase + row) / 8;
    for (let d = 0; d < 7; d++) {
      const most = (actionSpace === 'ee_delta' && d < 3 ? linear : angular) * (d % 2 === 0 ? 1 : -0.5);
      const step = most * Math.sin(angle);
      // Positions are the integral of the steps.
      if (actionSpace === 'joint_position') actions[row * 7 + d] = (HOME.joints[d] ?? 0) - 8 * most * Math.cos(angle);
      else actions[row * 7 + d] = actionSpace === 'joint_velocity' ? step * HZ : step;
    }
    if (actionSpace === 'ee_delta') actions[row * 7 + 6] = 1;
  }
  return actions;
}
