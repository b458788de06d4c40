import { findRobot, ROBOTS, type RobotRecord } from '@sinew/robots';
import { describe, expect, it } from 'vitest';
import { type LimitsRequest, resolveLimits } from './limits.js';

/** rad/s */
const UR_V = findRobot('ur5e')!.joints[0]!.velocity!;

const blind = (id: string): RobotRecord => ({ ...findRobot(id)!, geometry: null });
const ask = (robot: RobotRecord, more: Partial<LimitsRequest> = {}) =>
  resolveLimits({ robot, actionSpace: 'joint_position', mode: 'reduced', hz: 20, ...more });

function jointsOf(robot: RobotRecord, more: Partial<LimitsRequest> = {}) {
  const result = ask(robot, more);
  if (!result.ok) throw new Error(`${result.field}: ${result.reason}`);
  return result.limits.joints!;
}

function refused(robot: RobotRecord, more: Partial<LimitsRequest> = {}): string {
  const result = ask(robot, more);
  return result.ok ? '' : result.field;
}

describe('joint limits in force', () => {
  it('[J6] the record’s, else A = 5·V and J = 25·A, each with its origin', () => {
    expect(jointsOf(findRobot('franka_fr3')!)[0]).toEqual({
      name: 'fr3_joint1',
      lower: { value: -2.7437, origin: 'record' },
      upper: { value: 2.7437, origin: 'record' },
      continuous: false,
      v: { value: 2.62, origin: 'record' },
      a: { value: 10, origin: 'record' },
      j: { value: 5000, origin: 'record' },
      position_based_velocity: { velocity_offset: 0.6599, deceleration_limit: 6, q_min: -2.9007, q_max: 2.9007 },
      jerk_binds: false,
    });
    const [pan] = jointsOf(findRobot('ur5e')!);
    expect(pan).toMatchObject({ v: { value: UR_V }, a: { origin: 'derived' }, j: { origin: 'derived' } });
    expect(pan!.a.value).toBeCloseTo(5 * UR_V, 9);
    expect(pan!.j.value).toBeCloseTo(125 * UR_V, 9);
    expect(pan!.jerk_binds).toBe(true);
    expect(jointsOf(findRobot('ur3e')!)[5]!.continuous).toBe(true);
  });

  it('[J6] reduced holds the tool to 0.25 m/s where its way is known, else the joints to 0.3 of their speed and 1 rad/s', () => {
    const known = ask(findRobot('ur5e')!);
    expect(known.ok && [known.limits.tcp, known.limits.cartesian.v]).toEqual([
      'kinematics',
      { value: 0.25, origin: expect.anything() },
    ]);
    const unknown = ask(blind('ur5e'));
    expect(unknown.ok && [unknown.limits.tcp, unknown.limits.workspace]).toEqual(['unknown', null]);
    expect(jointsOf(blind('ur5e'))[0]!.v).toEqual({ value: 0.3 * UR_V, origin: 'mode' });
    expect(jointsOf(blind('unitree_g1_left_arm'))[0]!.v).toEqual({ value: 1, origin: 'mode' });
    expect(jointsOf(blind('ur5e'), { mode: 'full' })[0]!.v).toEqual({ value: UR_V, origin: 'record' });
  });

  it('[J6] a session tightens by joint_scale, never loosens, and what cannot be held is refused by its field', () => {
    const panda = findRobot('franka_panda')!;
    expect(jointsOf(panda, { tighten: { joint_scale: 0.5 } })[0]!.v).toEqual({ value: 2.175 / 2, origin: 'session' });
    expect(jointsOf(panda, { tighten: { joint_scale: 0.5 } })[0]!.a).toEqual({ value: 15, origin: 'record' });
    for (const joint_scale of [0, -1, 1.01, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(refused(panda, { tighten: { joint_scale } })).toBe('limits.joint_scale');
    }
    expect(refused(panda, { tighten: { v: 0.1 } })).toBe('');
    for (const name of ['a', 'j', 'w', 'dw', 'ddw'] as const)
      expect(refused(panda, { tighten: { [name]: 0.1 } })).toBe(`limits.${name}`);
    expect(refused(blind('franka_panda'), { tighten: { v: 0.1 } })).toBe('limits.v');
    expect(refused(blind('franka_panda'), { workspace: { min: [0, 0, 0], max: [0.2, 0.2, 0.2] } })).toBe(
      'environment.workspace',
    );
    expect(refused(blind('franka_panda'), { keepOut: [{ center: [0, 0, 0], radius: 0.1 }] })).toBe('keep_out');
  });

  it('[J6] [SAFE-N4] no known speed, no joint actions: never infinity, never a guess', () => {
    expect(refused(findRobot('dobot_cr5')!)).toBe('action_space');
    expect(refused(findRobot('dobot_cr5')!, { actionSpace: 'ee_delta' })).toBe('');
    const panda = findRobot('franka_panda')!;
    const broken = (change: object) => ({
      ...panda,
      joints: panda.joints.map((joint, i) => (i === 2 ? { ...joint, ...change } : joint)),
    });
    for (const change of [
      { velocity: 0 },
      { velocity: Number.NaN },
      { acceleration: -1 },
      { jerk: Number.POSITIVE_INFINITY },
      { lower: 3, upper: -3 },
    ]) {
      expect(refused(broken(change))).toBe('robot_type');
    }
  });

  it('[J6] every robot stops within two seconds from the speeds in force, in every mode', () => {
    for (const robot of ROBOTS) {
      for (const mode of ['reduced', 'full'] as const) {
        const result = ask(robot, { mode });
        if (!result.ok) continue;
        for (const { v, a, j } of result.limits.joints!) {
          expect(v.value / a.value + a.value / j.value).toBeLessThanOrEqual(2 + 1e-9);
          expect(v.value).toBeGreaterThan(0);
        }
      }
    }
    expect(jointsOf(findRobot('kinova_gen3_lite')!, { mode: 'full' })[2]!.v.origin).toBe('derived');
  });
});
