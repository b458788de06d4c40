import { resolveLimits } from '@sinew/control';
import { findRobot } from '@sinew/robots';
import { expect, test } from 'vitest';
import { MotionAudit } from './motion-audit.js';

const robot = findRobot('franka_panda');
const resolved = robot && resolveLimits({ robot, actionSpace: 'ee_delta', mode: 'reduced', hz: 50 });
if (!resolved?.ok) throw new Error('no limits');
const { limits } = resolved;
const play = (...rows: number[][]) => {
  const audit = new MotionAudit(limits, [0.3, 0, 0.3]);
  for (const [n, values] of rows.entries()) audit.tick(n, values);
};
const x = (dx: number, gripper = 1) => [dx, 0, 0, 0, 0, 0, gripper];

test('the audit lets legal motion pass and finds each breach', () => {
  expect(() => play(x(0.001), x(0.003), x(0.001), x(0))).not.toThrow();
  expect(() => play(x(0.003), x(0.006))).toThrow(/translation speed/);
  expect(() => play(x(0.004), x(-0.004))).toThrow(/translation acceleration/);
  expect(() => play([0, 0, 0, 0.3, 0, 0, 1])).toThrow(/rotation/);
  expect(() => play(x(Number.NaN))).toThrow(/not finite/);
  expect(() => play(x(0, 1.1))).toThrow(/gripper/);
  expect(() => play([0, 0])).toThrow(/2 numbers/);
  expect(() => play(...Array.from({ length: 200 }, (_, i) => x(Math.min(0.005, 0.001 * i))))).toThrow(
    /outside the box/,
  );
});
