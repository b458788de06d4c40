import { findRobot, ROBOTS, type RobotGeometry } from '@sinew/robots';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Pose } from '../target.js';
import { Vec3 } from '../vec3.js';
import { Kinematics, kinematicsOf } from './kinematics.js';

const WITH_GEOMETRY = ROBOTS.flatMap((robot) => {
  const kinematics = kinematicsOf(robot);
  return kinematics === null ? [] : [{ id: robot.id, robot, kinematics }];
});

const NONE = { xyz: [0, 0, 0], rpy: [0, 0, 0] } as const;
const NAMES = {
  base_frame: 'base',
  mount: 'foot',
  base: NONE,
  flange: NONE,
  tool: null,
  tcp: 'tip',
  source: ['mathematics'],
} as const;

/** Two links of length 1 and 0.5 in the plane. */
const PLANAR: RobotGeometry = {
  convention: 'dh',
  rows: [
    { a: 1, d: 0, alpha: 0, theta_offset: 0 },
    { a: 0.5, d: 0, alpha: 0, theta_offset: 0 },
  ],
  ...NAMES,
};

function joints(dof: number): fc.Arbitrary<Float64Array> {
  return fc
    .array(fc.double({ min: -7, max: 7, noNaN: true }), { minLength: dof, maxLength: dof })
    .map((values) => Float64Array.from(values));
}

describe('forward kinematics', () => {
  it('adds the links of a planar arm', () => {
    const arm = new Kinematics(PLANAR);
    const p = arm.position(Float64Array.of(Math.PI / 2, -Math.PI / 2), new Vec3());
    expect(p.x).toBeCloseTo(0.5, 15);
    expect(p.y).toBeCloseTo(1, 15);
    expect(p.z).toBe(0);
  });

  it('[Q1] says the same of one arm in each of the three conventions', () => {
    const q = Float64Array.of(0.3, -0.8);
    const offset = 0.2;
    const tool = { xyz: [0.1, 0.2, 0.3], rpy: [0.4, -0.5, 0.6] } as const;
    const common = { ...NAMES, base: { xyz: [1, 2, 3], rpy: [0.1, 0.2, 0.3] } as const };
    const alpha = 0.7;
    const dh = new Kinematics({
      ...common,
      convention: 'dh',
      rows: [
        { a: 1, d: 0.25, alpha, theta_offset: offset },
        { a: 0, d: 0, alpha: 0, theta_offset: 0 },
      ],
      tool,
    });
    const mdh = new Kinematics({
      ...common,
      convention: 'mdh',
      rows: [
        { a: 0, d: 0.25, alpha: 0, theta_offset: offset },
        { a: 1, d: 0, alpha, theta_offset: 0 },
      ],
      flange: tool,
    });
    // The same with its second joint's frame turned by half a turn about x, so that it turns about −z.
    const origins = new Kinematics({
      ...common,
      convention: 'origins',
      rows: [
        { xyz: [0, 0, 0.25], rpy: [0, 0, offset], axis: [0, 0, 1] },
        { xyz: [1, 0, 0], rpy: [alpha + Math.PI, 0, 0], axis: [0, 0, -1] },
      ],
      flange: { xyz: [0, 0, 0], rpy: [Math.PI, 0, 0] },
      tool,
    });
    const expected = dh.pose(q, new Pose());
    for (const other of [mdh, origins]) {
      const pose = other.pose(q, new Pose());
      for (const axis of ['x', 'y', 'z'] as const) {
        expect(pose.position[axis]).toBeCloseTo(expected.position[axis], 14);
        expect(pose.euler[axis]).toBeCloseTo(expected.euler[axis], 14);
      }
    }
  });

  it.each(WITH_GEOMETRY)('[Q1] $id: position is the position of pose', ({ kinematics }) => {
    fc.assert(
      fc.property(joints(kinematics.dof), (q) => {
        const p = kinematics.position(q, new Vec3());
        const pose = kinematics.pose(q, new Pose());
        expect(Math.abs(p.x - pose.position.x)).toBeLessThan(1e-13);
        expect(Math.abs(p.y - pose.position.y)).toBeLessThan(1e-13);
        expect(Math.abs(p.z - pose.position.z)).toBeLessThan(1e-13);
        expect(Math.hypot(pose.quat.w, pose.quat.x, pose.quat.y, pose.quat.z)).toBeCloseTo(1, 14);
      }),
      { numRuns: 50 },
    );
  });

  it('[Q1] carries what is not finite, and a joint that is missing, to the result', () => {
    const arm = new Kinematics(PLANAR);
    expect(arm.position(Float64Array.of(0, NaN), new Vec3()).x).toBeNaN();
    expect(arm.position(Float64Array.of(0), new Vec3()).x).toBeNaN();
    expect(arm.conditioning(Float64Array.of(Infinity, 0))).toBeNaN();
  });

  it('has none for a robot without geometry', () => {
    const panda = findRobot('franka_panda')!;
    expect(kinematicsOf({ ...panda, geometry: null })).toBeNull();
  });
});

describe('the Jacobian', () => {
  it.each(WITH_GEOMETRY)('[Q2] $id: is the derivative of the pose', ({ kinematics }) => {
    const n = kinematics.dof;
    const h = 1e-6;
    const before = new Pose();
    const after = new Pose();
    fc.assert(
      fc.property(joints(n), (q) => {
        const jacobian = kinematics.jacobian(q, new Float64Array(6 * n));
        for (let i = 0; i < n; i++) {
          const back = q.slice();
          const forth = q.slice();
          back[i]! -= h;
          forth[i]! += h;
          kinematics.pose(back, before);
          kinematics.pose(forth, after);
          for (const [row, axis] of (['x', 'y', 'z'] as const).entries()) {
            const slope = (after.position[axis] - before.position[axis]) / (2 * h);
            expect(Math.abs(jacobian[row * n + i]! - slope)).toBeLessThan(1e-7);
          }
          // ω = 2·vec(q̇ ⊗ q*): here with the difference of the two quaternions, on the same half of the sphere.
          const a = before.quat;
          const b = after.quat;
          const sign = a.w * b.w + a.x * b.x + a.y * b.y + a.z * b.z < 0 ? -1 : 1;
          const w = [
            b.x * a.w - b.w * a.x - b.y * a.z + b.z * a.y,
            b.y * a.w - b.w * a.y - b.z * a.x + b.x * a.z,
            b.z * a.w - b.w * a.z - b.x * a.y + b.y * a.x,
          ];
          for (let row = 0; row < 3; row++) {
            expect(Math.abs(jacobian[(3 + row) * n + i]! - (sign * w[row]!) / h)).toBeLessThan(1e-7);
          }
        }
      }),
      { numRuns: 10 },
    );
  });
});

describe('conditioning', () => {
  it('[Q3] is the ratio of singular values worked out by hand for the planar arm', () => {
    // JᵀJ = [[a, b], [b, c]] with both joints about z, links 1 and 0.5 at right angles: the tip is at (1, 0.5).
    const a = 1 + 0.25 + 1;
    const b = 0.25 + 1;
    const c = 0.25 + 1;
    const mean = (a + c) / 2;
    const spread = Math.sqrt(((a - c) / 2) ** 2 + b * b);
    const arm = new Kinematics(PLANAR);
    expect(arm.conditioning(Float64Array.of(0, Math.PI / 2))).toBeCloseTo(
      Math.sqrt((mean + spread) / (mean - spread)),
      10,
    );
  });

  it('[Q3] grows without bound towards a stretched arm and a wrist whose axes align', () => {
    const ur5e = kinematicsOf(findRobot('ur5e')!)!;
    const good = ur5e.conditioning(Float64Array.of(0, -1.2, 1.5, -1.8, -1.57, 0));
    expect(good).toBeLessThan(17);
    const elbow = [0.1, 0.01, 0.001].map((bend) => ur5e.conditioning(Float64Array.of(0, -1.2, bend, -1.8, -1.57, 0)));
    expect(elbow[0]).toBeGreaterThan(30);
    expect(elbow[1]! / elbow[0]!).toBeGreaterThan(5);
    expect(elbow[2]! / elbow[1]!).toBeGreaterThan(9);
    expect(ur5e.conditioning(Float64Array.of(0, -1.2, 1.5, -1.8, 0, 0))).toBeGreaterThan(1e12);
  });

  it.each(WITH_GEOMETRY)('[Q3] $id: is what the eigenvalues of the Gram matrix say', ({ kinematics, robot }) => {
    const n = kinematics.dof;
    const size = Math.min(6, n);
    const q = Float64Array.from(robot.joints, (joint) => joint.lower + 0.37 * (joint.upper - joint.lower));
    const j = kinematics.jacobian(q, new Float64Array(6 * n));
    const entry = (r: number, k: number): number => (n >= 6 ? j[r * n + k]! : j[k * n + r]!);
    const gram = Array.from({ length: size }, (_, r) =>
      Array.from({ length: size }, (_, c) => {
        let sum = 0;
        for (let k = 0; k < Math.max(6, n); k++) sum += entry(r, k) * entry(c, k);
        return sum;
      }),
    );
    const largest = dominantEigenvalue(gram);
    const smallest = 1 / dominantEigenvalue(inverse(gram));
    const kappa = kinematics.conditioning(q);
    expect(kappa).toBeGreaterThan(1);
    expect(Math.abs(kappa / Math.sqrt(largest / smallest) - 1)).toBeLessThan(1e-6);
  });
});

function dominantEigenvalue(a: readonly (readonly number[])[]): number {
  let v = a.map((_, i) => 1 / (i + 1));
  let value = 0;
  for (let i = 0; i < 5000; i++) {
    const next = a.map((row) => row.reduce((sum, x, k) => sum + x * v[k]!, 0));
    value = Math.hypot(...next);
    v = next.map((x) => x / value);
  }
  return value;
}

/** Gauss-Jordan with pivots. */
function inverse(a: readonly (readonly number[])[]): number[][] {
  const n = a.length;
  const m = a.map((row, r) => [...row, ...row.map((_, c) => (c === r ? 1 : 0))]);
  for (let c = 0; c < n; c++) {
    let pivot = c;
    for (let r = c + 1; r < n; r++) if (Math.abs(m[r]![c]!) > Math.abs(m[pivot]![c]!)) pivot = r;
    [m[c], m[pivot]] = [m[pivot]!, m[c]!];
    const scale = m[c]![c]!;
    for (let k = 0; k < 2 * n; k++) m[c]![k]! /= scale;
    for (let r = 0; r < n; r++) {
      if (r === c) continue;
      const factor = m[r]![c]!;
      for (let k = 0; k < 2 * n; k++) m[r]![k]! -= factor * m[c]![k]!;
    }
  }
  return m.map((row) => row.slice(n));
}
