import { ACTION_SPACES } from '@sinew/protocol';
import { findRobot, ROBOTS } from '@sinew/robots';
import { describe, expect, it } from 'vitest';
import { resolveLimits } from './limits.js';
import { CHECKS, robotProfile } from './robot-profile.js';

describe('the profile of a robot', () => {
  it('says where each limit is from, in each safety mode', () => {
    const { limits } = robotProfile(findRobot('franka_panda')!);
    expect(limits.reduced.cartesian?.v).toEqual({ value: 0.25, origin: 'mode' });
    expect(limits.full.cartesian?.v).toEqual({ value: 1.7, origin: 'record' });
    expect(limits.full.joints?.[0]).toMatchObject({
      name: 'panda_joint1',
      v: { value: 2.175, origin: 'record' },
      a: { value: 15, origin: 'record' },
    });
  });

  it('marks what no source gives as derived, by the rule', () => {
    const ur5 = findRobot('ur5')!;
    const speed = ur5.joints[0]!.velocity!;
    const { limits } = robotProfile(ur5);
    expect(limits.full.cartesian).toEqual({
      v: { value: 0.25, origin: 'derived' },
      w: { value: 1.5, origin: 'derived' },
      a: { value: 2, origin: 'derived' },
      dw: { value: 7.5, origin: 'derived' },
      j: { value: 50, origin: 'derived' },
      ddw: { value: 187.5, origin: 'derived' },
    });
    const [pan] = limits.full.joints ?? [];
    expect(pan?.v).toEqual({ value: speed, origin: 'record' });
    expect(pan?.a.origin).toBe('derived');
    expect(pan?.a.value).toBeCloseTo(5 * speed, 12);
    expect(pan?.j.value).toBeCloseTo(125 * speed, 12);
  });

  it('tells which checks apply to whom, and why not', () => {
    const panda = robotProfile(findRobot('franka_panda')!).action_spaces;
    expect(panda.ee_delta.checks.tcp_box.applies).toBe(true);
    expect(panda.ee_delta.checks.joint_limits.applies).toBe(false);
    expect(panda.joint_position.checks.joint_limits.applies).toBe(true);
    expect(panda.joint_position.checks.tcp_box).toMatchObject({ applies: true });
    expect(panda.joint_position.checks.tcp_box.why).toContain('Franka Hand');
    expect(panda.joint_position.checks.singularity.applies).toBe(false);
    expect(panda.ee_delta.checks.singularity).toMatchObject({ applies: true });
    const google = robotProfile(findRobot('google_robot_rt1')!).action_spaces;
    expect(google.joint_position.checks.tcp_box).toMatchObject({ applies: false });
    expect(google.joint_position.checks.tcp_speed).toMatchObject({ applies: true });

    const blind = robotProfile({ ...findRobot('ur5e')!, geometry: null }).action_spaces;
    for (const check of ['tcp_box', 'tcp_speed', 'keep_outs', 'reach'] as const) {
      expect(blind.joint_delta.checks[check].applies, check).toBe(false);
      expect(blind.joint_delta.checks[check].why).toContain('no geometry');
    }
    expect(blind.joint_delta.checks.joint_velocity).toMatchObject({ applies: true });
    expect(blind.joint_delta.checks.joint_velocity.why).toContain('reduced');
  });

  it('names the action spaces that a record is too poor for', () => {
    const cr5 = robotProfile(findRobot('dobot_cr5')!);
    expect(cr5.action_spaces.joint_position.refused).toContain('no known speed limit');
    expect(cr5.action_spaces.ee_delta.refused).toBeNull();
    expect(cr5.limits.full.joints).toBeNull();
    expect(robotProfile(findRobot('so101')!).action_spaces.ee_delta.needs_workspace).toBe(true);
  });

  it.each(ROBOTS.map((robot) => ({ id: robot.id, robot })))('[Q5] $id: claims what a session gets', ({ robot }) => {
    const profile = robotProfile(robot);
    for (const actionSpace of ACTION_SPACES) {
      const { refused, needs_workspace: needs, checks } = profile.action_spaces[actionSpace];
      const bare = resolveLimits({ robot, actionSpace, mode: 'reduced', hz: 10 });
      expect(bare.ok).toBe(refused === null && !needs);
      expect(Object.keys(checks)).toEqual([...CHECKS]);
      for (const { why } of Object.values(checks)) expect(why.length).toBeGreaterThan(0);
      if (!bare.ok) continue;
      expect(checks.joint_limits.applies).toBe(bare.limits.joints !== undefined);
      expect(checks.tcp_box.applies).toBe(bare.limits.workspace !== null);
      expect(checks.reach.applies).toBe(bare.limits.reach.checked);
    }
    expect(JSON.parse(JSON.stringify(profile))).toEqual(profile);
  });
});
