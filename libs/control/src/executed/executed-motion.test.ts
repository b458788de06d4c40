import type { ActionSpace } from '@sinew/protocol';
import { findRobot } from '@sinew/robots';
import { describe, expect, it } from 'vitest';
import { resolveLimits } from '../limits.js';
import { ExecutedMotion } from './executed-motion.js';

const HOME = [0, -0.6, 0, -2.2, 0, 1.6, 0.8];

function made(actionSpace: ActionSpace, hz = 10) {
  const robot = findRobot('franka_panda');
  if (robot === undefined) throw new Error('unknown');
  const tighten = actionSpace === 'ee_delta' ? { a: 1 } : {};
  const resolved = resolveLimits({ robot, actionSpace, mode: 'reduced', hz, tighten });
  if (!resolved.ok) throw new Error(resolved.reason);
  const dim = actionSpace === 'ee_delta' ? 7 : 8;
  const motion = new ExecutedMotion(resolved.limits, dim);
  const out = new Float64Array(dim);
  const serve = (seq: number, values: ArrayLike<number>, hold = false) => {
    const same = motion.serve(seq, hold, Float64Array.from(values), out);
    return { same, out: [...out] };
  };
  const brake = () => {
    motion.brake(out);
    return [...out];
  };
  return { motion, serve, brake, limits: resolved.limits };
}

const x = (step: number, y = 0, gripper = 1) => [step, y, 0, 0, 0, 0, gripper];

describe('ExecutedMotion', () => {
  it('[X1] passes ticks in turn bit for bit, also where place outranked acceleration', () => {
    const { serve } = made('ee_delta');
    for (const [seq, step] of [0.01, 0.02, 0.025, -0.02, 0.025].entries())
      expect(serve(seq, x(step))).toEqual({ same: true, out: x(step) });
  });

  it('[X1] turns as one vector, the gripper as told', () => {
    const { serve } = made('ee_delta');
    serve(0, x(0));
    const { same, out } = serve(5, x(0.012, 0.016, 0));
    expect(same).toBe(false);
    expect(out.slice(0, 2).map((each) => each.toFixed(9))).toEqual(['0.006000000', '0.008000000']);
    expect(out[6]).toBe(0);
  });

  it('[X1] a command that is no number is a hold', () => {
    for (const space of ['ee_delta', 'joint_delta'] as const) {
      const { serve } = made(space);
      serve(0, new Array(space === 'ee_delta' ? 7 : 8).fill(0.001));
      const { same, out } = serve(1, new Array(space === 'ee_delta' ? 7 : 8).fill(Number.NaN));
      expect(same).toBe(false);
      expect(out.slice(0, 6).every(Number.isFinite)).toBe(true);
    }
  });

  it('[X1] brakes a speed of the joints down, and not to nothing at once', () => {
    const { brake, limits, motion, serve } = made('joint_velocity', 50);
    const a = limits.joints?.[0]?.a.value ?? Number.NaN;
    const speeds = [0];
    for (let seq = 0; seq < 3; seq++) {
      speeds.push(Math.min(0.6, (speeds.at(-1) ?? 0) + (0.9 * a) / 50));
      expect(serve(seq, [speeds.at(-1) ?? 0, 0, 0, 0, 0, 0, 0, 1]).same).toBe(true);
    }
    while (!motion.resting) speeds.push(brake()[0] ?? Number.NaN);
    expect(speeds.length).toBeGreaterThan(5);
    for (let i = 1; i < speeds.length; i++)
      expect(Math.abs((speeds[i] ?? 0) - (speeds[i - 1] ?? 0)) * 50).toBeLessThanOrEqual(a * (1 + 1e-9));
    expect(speeds.at(-1)).toBe(0);
  });

  it('[X1] positions: goes on from what was executed, or from where the arm is found', () => {
    const { brake, motion, serve } = made('joint_position');
    motion.found(Float64Array.from([...HOME, 1]));
    expect(brake().slice(0, 7)).toEqual(HOME);
    const far = [0.5, ...HOME.slice(1), 1];
    const { same, out } = serve(4, far);
    expect(same).toBe(false);
    expect(out[0]).toBeGreaterThan(0);
    expect(out[0]).toBeLessThan(0.1);
    // within a hundredth it is where it was left
    motion.found(Float64Array.from([(out[0] ?? 0) + 0.005, ...HOME.slice(1), 1]));
    expect(brake()[0]).toBe(out[0]);
    motion.found(Float64Array.from(far));
    expect(brake().slice(0, 7)).toEqual(far.slice(0, 7));
    expect(serve(9, far)).toEqual({ same: true, out: far });
  });
});
