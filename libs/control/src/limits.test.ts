import type { KeepOut } from '@sinew/protocol';
import { findRobot, ROBOTS } from '@sinew/robots';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LimitsRequest, resolveLimits } from './limits.js';
import { pandaLimits, TABLE } from './testing/kit.js';

const panda = findRobot('franka_panda')!;
const base: LimitsRequest = { robot: panda, actionSpace: 'ee_delta', mode: 'reduced', hz: 10 };

function refused(change: Partial<LimitsRequest>): string {
  const result = resolveLimits({ ...base, ...change });
  expect(result.ok).toBe(false);
  return result.ok ? '' : result.field;
}

describe('limits in force', () => {
  it('[K9] reduced mode caps a Franka at 0.25 m/s and 2.5 rad/s and leaves the rest to its record', () => {
    expect(pandaLimits().cartesian).toEqual({
      v: { value: 0.25, origin: 'mode' },
      a: { value: 13, origin: 'record' },
      j: { value: 6500, origin: 'record' },
      w: { value: 2.5, origin: 'record' },
      dw: { value: 25, origin: 'record' },
      ddw: { value: 12500, origin: 'record' },
    });
    const full = resolveLimits({ ...base, mode: 'full' });
    expect(full.ok && full.limits.cartesian.v).toEqual({ value: 1.7, origin: 'record' });
  });

  it('[K10] a wall at −0 is one at 0: what is recorded of limits builds the same ones again', () => {
    const workspace = { min: [-0.5, -0.5, -0], max: [0.5, 0.5, 0.6] };
    const keepOut = [{ normal: [0, -0, 1], offset: -0 }] as const satisfies KeepOut[];
    const result = resolveLimits({ ...base, workspace, keepOut });
    if (!result.ok) throw new Error(result.reason);
    expect(result.limits.workspace?.min[2]).toBe(0);
    expect(result.limits.keep_out[0]).toEqual({ normal: [0, 0, 1], offset: 0 });
  });

  it('[K9] what a record lacks is derived and says so', () => {
    const result = resolveLimits({ ...base, robot: findRobot('so101')!, workspace: TABLE });
    expect(result.ok && result.limits.cartesian).toEqual({
      v: { value: 0.25, origin: 'derived' },
      a: { value: 2, origin: 'derived' },
      j: { value: 50, origin: 'derived' },
      w: { value: 1.5, origin: 'derived' },
      dw: { value: 7.5, origin: 'derived' },
      ddw: { value: 187.5, origin: 'derived' },
    });
  });

  it('[K9] a session tightens any limit and loosens none, whatever the robot', () => {
    const names = ['v', 'a', 'j', 'w', 'dw', 'ddw'] as const;
    fc.assert(
      fc.property(
        fc.constantFrom(...ROBOTS),
        fc.constantFrom('reduced' as const, 'full' as const),
        fc.constantFrom(...names),
        fc.double({ min: 0.5, max: 2, noNaN: true }),
        (robot, mode, name, factor) => {
          const request = { ...base, robot, mode, workspace: { min: [0, 0, 0], max: [0.2, 0.2, 0.2] } };
          const plain = resolveLimits(request);
          if (!plain.ok) throw new Error(plain.reason);
          const value = plain.limits.cartesian[name].value * factor;
          const result = resolveLimits({ ...request, tighten: { [name]: value } });
          if (factor > 1) expect(result).toMatchObject({ ok: false, field: `limits.${name}` });
          else if (result.ok) {
            expect(result.limits.cartesian[name].value).toBe(value);
            for (const other of names) {
              const limit = result.limits.cartesian[other].value;
              expect(limit).toBeLessThanOrEqual(plain.limits.cartesian[other].value);
            }
          }
        },
      ),
    );
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, 0, -1])('[K9] a limit of %d is refused, naming the field', (value) => {
    for (const name of ['v', 'a', 'j', 'w', 'dw', 'ddw', 'joint_scale']) {
      expect(refused({ tighten: { [name]: value } })).toBe(`limits.${name}`);
    }
  });

  it('[K9] a session that asks for reduced gets it whatever its key may do', () => {
    const result = resolveLimits({ ...base, mode: 'full', tighten: { mode: 'reduced' } });
    expect(result.ok && result.limits.mode).toBe('reduced');
  });

  it('[K9] limits that contradict each other are refused: a stop must end within two seconds', () => {
    expect(refused({ tighten: { a: 0.01 } })).toBe('limits.a');
    expect(refused({ tighten: { j: 0.01 } })).toBe('limits.j');
    expect(refused({ tighten: { ddw: 1e-9 } })).toBe('limits.ddw');
  });

  it('[K2] the default box is the reach cube above the table; one of the session replaces it and the reach check', () => {
    const plain = resolveLimits(base);
    expect(plain.ok && plain.limits.workspace).toEqual({
      min: [-0.855, -0.855, -0.05],
      max: [0.855, 0.855, 0.855],
      origin: 'default',
    });
    expect(plain.ok && plain.limits.reach).toEqual({ value: 0.855, checked: true });
    expect(pandaLimits().workspace).toEqual({ ...TABLE, origin: 'session' });
    expect(pandaLimits().reach.checked).toBe(false);
  });

  it('[K2] an unknown reach needs a workspace, and a workspace must make sense', () => {
    expect(refused({ robot: findRobot('so101')! })).toBe('environment.workspace');
    expect(refused({ workspace: { min: [0, 0, 0], max: [0.1, 0, 0.1] } })).toBe('environment.workspace');
    expect(refused({ workspace: { min: [-500, 0, 0], max: [500, 1, 1] } })).toBe('environment.workspace');
    expect(refused({ workspace: { min: [0, Number.NaN, 0], max: [1, 1, 1] } })).toBe('environment.workspace.min');
    expect(refused({ workspace: { min: [0, 0, 0], max: [1, 1] } })).toBe('environment.workspace.max');
  });

  it('[K5] what is not governed is refused: other action spaces, odd rates, broken records', () => {
    expect(refused({ actionSpace: 'teleport' as never })).toBe('action_space');
    for (const hz of [0, 0.5, 101, Number.NaN]) expect(refused({ hz })).toBe('control_hz');
    const joints = panda.joints.map((joint, i) => (i === 0 ? { ...joint, lower: joint.upper } : joint));
    expect(refused({ robot: { ...panda, joints } })).toBe('robot_type');
    expect(refused({ robot: { ...panda, cartesian: { v: Number.NaN, a: 1, j: 1 } } })).toBe('robot_type');
  });

  it('[K2] keep-outs are told as they are enforced, normals of length 1', () => {
    const result = resolveLimits({
      ...base,
      keepOut: [
        { min: [0.1, 0, 0], max: [0.2, 0.1, 0.1] },
        { center: [0, 0.3, 0.2], radius: 0.1 },
        { normal: [0, 0, 4], offset: 0.08 },
      ],
    });
    expect(result.ok && result.limits.keep_out).toEqual([
      { min: [0.1, 0, 0], max: [0.2, 0.1, 0.1] },
      { center: [0, 0.3, 0.2], radius: 0.1 },
      { normal: [0, 0, 1], offset: 0.02 },
    ]);
  });

  it.each<[string, unknown[], string]>([
    ['not finite', [{ min: [0, 0, Number.NaN], max: [1, 1, 1] }], 'keep_out.0.min'],
    ['too short', [{ min: [0, 0, 0], max: [1, 1] }], 'keep_out.0.max'],
    ['upside down', [{ min: [0, 0, 0.2], max: [0.1, 0.1, 0.1] }], 'keep_out.0'],
    ['flat', [{ min: [0, 0, 0], max: [0, 1, 1] }], 'keep_out.0'],
    ['a ball of no size', [{ center: [0, 0, 0], radius: 0 }], 'keep_out.0.radius'],
    ['a ball without end', [{ center: [0, 0, 0], radius: Number.POSITIVE_INFINITY }], 'keep_out.0.radius'],
    ['a normal of no direction', [{ normal: [0, 0, 0], offset: 0 }], 'keep_out.0.normal'],
    ['an offset that is not finite', [{ normal: [0, 0, 1], offset: Number.NaN }], 'keep_out.0.offset'],
    ['no shape', [{ radius: 1 }], 'keep_out.0.min'],
    ['no object', [{ center: [0, 0, 0.1], radius: 0.1 }, 7], 'keep_out.1'],
    ['a box round the whole workspace', [{ min: [-2, -2, -2], max: [2, 2, 2] }], 'keep_out.0'],
    ['a ball round it', [{ center: [0, 0, 0], radius: 2 }], 'keep_out.0'],
    ['a half-space of it', [{ normal: [1, 1, 1], offset: 3 }], 'keep_out.0'],
    [
      'two half-spaces that meet',
      [
        { normal: [0, 0, 1], offset: 0.3 },
        { normal: [0, 0, -1], offset: -0.2 },
      ],
      'keep_out.1',
    ],
    [
      'a table and a ceiling of boxes',
      [
        { min: [-1, -1, -1], max: [1, 1, 0.4] },
        { center: [0, 0, 0], radius: 0.1 },
        { min: [-1, -1, 0.3], max: [1, 1, 1] },
      ],
      'keep_out.2',
    ],
  ])('[SAFE-N4] a keep-out that makes no sense is refused by its field: %s', (_name, keepOut, field) => {
    expect(refused({ keepOut: keepOut as KeepOut[] })).toBe(field);
  });

  it('[SAFE-N4] keep-outs that leave something are taken', () => {
    const some: KeepOut[][] = [
      [{ min: [-2, -2, -2], max: [0.8, 2, 2] }],
      [{ center: [0, 0, 0], radius: 0.85 }],
      [{ normal: [1, 1, 1], offset: 1 }],
      [
        { normal: [0, 0, 1], offset: 0.2 },
        { normal: [0, 0, -1], offset: -0.3 },
      ],
    ];
    for (const keepOut of some) expect(resolveLimits({ ...base, keepOut })).toMatchObject({ ok: true });
  });

  it('[SAFE-N4] a record that contradicts itself is refused, and a mode that is none', () => {
    const with0 = (change: object) => panda.joints.map((joint, i) => (i === 0 ? { ...joint, ...change } : joint));
    for (const change of [
      { lower: 1, upper: 1 },
      { lower: 2, upper: 1 },
      { lower: Number.NaN },
      { upper: Number.POSITIVE_INFINITY },
      { velocity: 0 },
      { acceleration: -1 },
      { jerk: Number.NaN },
    ]) {
      expect(refused({ robot: { ...panda, joints: with0(change) } })).toBe('robot_type');
    }
    expect(refused({ robot: { ...panda, reach_m: Number.NaN } })).toBe('robot_type');
    expect(refused({ mode: 'turbo' as 'full' })).toBe('limits.mode');
    expect(refused({ tighten: { mode: 'turbo' as 'full' } })).toBe('limits.mode');
  });

  it('[K2] arms on a torso, whose hands hang below its frame, have no floor at it when joints are commanded', () => {
    const floor = (id: string, actionSpace: 'ee_delta' | 'joint_position'): number | undefined => {
      const result = resolveLimits({ ...base, robot: findRobot(id)!, actionSpace });
      return result.ok ? result.limits.workspace?.min[2] : undefined;
    };
    expect(floor('franka_panda', 'joint_position')).toBe(-0.05);
    expect(floor('pr2_left_arm', 'joint_position')).toBe(-0.881);
    expect(floor('pr2_left_arm', 'ee_delta')).toBe(-0.05);
  });

  it('[K3] says whether jerk can bind at this rate', () => {
    expect(pandaLimits(10).jerk_binds).toEqual({ translation: false, rotation: false });
    const slow = resolveLimits({ ...base, robot: findRobot('ur5e')!, hz: 50 });
    expect(slow.ok && slow.limits.jerk_binds).toEqual({ translation: true, rotation: true });
  });
});
