import { findRobot, ROBOTS } from '@sinew/robots';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FLAG } from '../flags.js';
import { type LimitsInForce, resolveLimits } from '../limits.js';
import { mulberry32 } from '../testing/kit.js';
import { Vec3 } from '../vec3.js';
import { TcpEnvelope, type Volume } from '../volumes.js';
import { JointGovernor } from './joint-governor.js';
import { JointStops } from './joint-stops.js';
import type { TcpLimits } from './tcp-guard.js';

const WITH_SPEEDS = ROBOTS.filter((robot) => robot.joints.every(({ velocity }) => velocity !== null));
const RATES = [5, 10, 20, 50, 100];

const anyCase = fc.record({
  robot: fc.constantFrom(...WITH_SPEEDS),
  hz: fc.constantFrom(...RATES),
  mode: fc.constantFrom('reduced' as const, 'full' as const),
  seed: fc.integer(),
});
type Case = typeof anyCase extends fc.Arbitrary<infer T> ? T : never;

function limitsOf({ robot, hz, mode }: Omit<Case, 'seed'>): NonNullable<LimitsInForce['joints']> {
  const result = resolveLimits({ robot, actionSpace: 'joint_delta', mode, hz });
  if (!result.ok) throw new Error(`${result.field}: ${result.reason}`);
  return result.limits.joints!;
}

/** A place with a tenth of each range to spare. */
function within(limits: NonNullable<LimitsInForce['joints']>, random: () => number, margin = 0.1): Float64Array {
  return Float64Array.from(limits, ({ lower, upper }) => {
    const range = upper.value - lower.value;
    return lower.value + (margin + (1 - 2 * margin) * random()) * range;
  });
}

/** From rest to rest with a bell of speed, a tick a row: legal by a margin, whatever the limits. */
function legalWay(
  limits: NonNullable<LimitsInForce['joints']>,
  hz: number,
  from: Float64Array,
  to: Float64Array,
): Float64Array[] {
  let seconds = 0;
  for (const [i, { v, a, j }] of limits.entries()) {
    const d = Math.abs(to[i]! - from[i]!);
    seconds = Math.max(seconds, (2.5 * d) / v.value, Math.sqrt((9 * d) / a.value), Math.cbrt((130 * d) / j.value));
  }
  const ticks = Math.ceil(seconds * hz) + 2;
  return Array.from({ length: ticks }, (_, k) => {
    const s = (k + 1) / ticks;
    const share = s ** 3 * (10 - 15 * s + 6 * s * s);
    return from.map((x, i) => x + share * (to[i]! - x));
  });
}

describe('the stop of a joint', () => {
  it('[J1] what the bound without ticks lets through, the stop tick by tick keeps', () => {
    let easy = 0;
    fc.assert(
      fc.property(anyCase, (c) => {
        const limits = limitsOf(c);
        const stops = new JointStops(limits, c.hz);
        const random = mulberry32(c.seed);
        for (let k = 0; k < 200; k++) {
          const i = Math.floor(random() * limits.length);
          if (stops.da[i] === Infinity) continue;
          const [lo, hi] = [stops.lower[i]!, stops.upper[i]!].map((x) => Math.max(-50, Math.min(50, x))) as [
            number,
            number,
          ];
          let q = lo + random() * (hi - lo);
          let v = (2 * random() - 1) * stops.v[i]!;
          let a = (2 * random() - 1) * stops.a[i]!;
          if (!stops.easily(i, q, v, a, lo, hi)) continue;
          easy++;
          for (let n = 0; n < 3 * c.hz && (v !== 0 || a !== 0); n++) {
            const next = stops.brake(i, v, a);
            a = (next - v) * c.hz;
            v = next;
            q += v / c.hz;
            expect(q).toBeGreaterThanOrEqual(lo);
            expect(q).toBeLessThanOrEqual(hi);
            expect(Math.abs(v)).toBeLessThanOrEqual(stops.ceiling(i, q, v > 0) + 1e-12);
          }
          expect(v).toBe(0);
        }
      }),
      { numRuns: 60 },
    );
    expect(easy).toBeGreaterThan(1000);
  });

  it('[SAFE-B2] the FR3 is slower towards the ends of its ranges, and its range ends where it may not move at all', () => {
    const robot = findRobot('franka_fr3')!;
    const stops = new JointStops(limitsOf({ robot, hz: 50, mode: 'full' }), 50);
    const p = robot.joints[0]!.position_based_velocity!;
    expect(stops.ceiling(0, 0, true)).toBe(2.62);
    const near = p.q_max - 0.2;
    expect(stops.ceiling(0, near, true)).toBeCloseTo(Math.sqrt(2 * p.deceleration_limit * 0.2) - p.velocity_offset, 12);
    expect(stops.ceiling(0, near, false)).toBe(2.62);
    expect(stops.ceiling(0, p.q_max, true)).toBe(0);
    expect(stops.upper[0]).toBe(robot.joints[0]!.upper);
    expect(stops.ceiling(2, stops.upper[2]! + 1e-9, true)).toBeCloseTo(0, 6);
    expect(stops.upper[2]).toBeLessThan(robot.joints[2]!.upper);
  });
});

describe('joints governed', () => {
  it('[SAFE-C1] a trajectory that is legal already passes bit for bit', () => {
    fc.assert(
      fc.property(anyCase, (c) => {
        const limits = limitsOf(c);
        const random = mulberry32(c.seed);
        const governor = new JointGovernor(limits, c.hz, null);
        const q = within(limits, random);
        const [delta, own, out] = [q.slice(), q.slice(), q.slice()];
        for (let leg = 0; leg < 3; leg++) {
          for (const target of legalWay(limits, c.hz, q.slice(), within(limits, random))) {
            for (let i = 0; i < q.length; i++) delta[i] = target[i]! - q[i]!;
            own.set(delta);
            expect(governor.follow(q, delta, own, out)).toBe(0);
            expect([...out]).toEqual([...delta]);
            for (let i = 0; i < q.length; i++) q[i]! += out[i]!;
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  it('[SAFE-C2] what was made legal is legal: governing it again changes nothing', () => {
    fc.assert(
      fc.property(anyCase, (c) => {
        const limits = limitsOf(c);
        const random = mulberry32(c.seed);
        const once = new JointGovernor(limits, c.hz, null);
        const twice = new JointGovernor(limits, c.hz, null);
        const q = within(limits, random, 0);
        const [delta, out, again] = [q.slice(), q.slice(), q.slice()];
        const rows = new Float64Array(once.row);
        let aim: Float64Array = q.slice();
        for (let n = 0; n < 120; n++) {
          if (n % 15 === 0) aim = within(limits, random, -0.2);
          for (let i = 0; i < q.length; i++) delta[i] = aim[i]! - q[i]!;
          once.save(rows, 0);
          twice.load(rows, 0);
          once.follow(q, delta, delta, out);
          expect(twice.follow(q, out, out, again)).toBe(0);
          expect([...again]).toEqual([...out]);
          for (let i = 0; i < q.length; i++) q[i]! += out[i]!;
        }
      }),
      { numRuns: 40 },
    );
  });

  it('[SAFE-C4] [J2] what is too fast is slowed down, all joints by one share', () => {
    fc.assert(
      fc.property(anyCase, (c) => {
        const limits = limitsOf(c);
        const random = mulberry32(c.seed);
        const governor = new JointGovernor(limits, c.hz, null);
        const q = within(limits, random);
        const aim = within(limits, random);
        const whole = aim.map((x, i) => x - q[i]!);
        const [delta, still, out] = [q.slice(), new Float64Array(q.length), q.slice()];
        // What is left of acceleration on the last tenth of a millirad is each joint's own.
        for (let n = 0; n < 3 * c.hz && Math.hypot(...q.map((x, i) => aim[i]! - x)) > 1e-4; n++) {
          for (let i = 0; i < q.length; i++) delta[i] = aim[i]! - q[i]!;
          governor.follow(q, delta, still, out);
          const size = Math.hypot(...out);
          const along = out.reduce((sum, x, i) => sum + x * whole[i]!, 0) / Math.hypot(...whole);
          expect(Math.abs(size - along)).toBeLessThan(1e-9);
          for (let i = 0; i < q.length; i++) q[i]! += out[i]!;
        }
      }),
      { numRuns: 40 },
    );
  });

  it('[SAFE-C5] a target that stands is reached, and not passed', () => {
    fc.assert(
      fc.property(anyCase, (c) => {
        const limits = limitsOf(c);
        const random = mulberry32(c.seed);
        const governor = new JointGovernor(limits, c.hz, null);
        const q = within(limits, random);
        const aim = within(limits, random);
        const start = q.slice();
        const [delta, still, out] = [q.slice(), new Float64Array(q.length), q.slice()];
        let ticks = 0;
        for (; ticks < 120 * c.hz && q.some((x, i) => Math.abs(x - aim[i]!) > 1e-9); ticks++) {
          for (let i = 0; i < q.length; i++) delta[i] = aim[i]! - q[i]!;
          governor.follow(q, delta, still, out);
          for (let i = 0; i < q.length; i++) {
            q[i]! += out[i]!;
            const passed = (q[i]! - aim[i]!) * Math.sign(aim[i]! - start[i]!);
            expect(passed).toBeLessThanOrEqual(1e-9);
          }
        }
        expect(ticks).toBeLessThan(120 * c.hz);
      }),
      { numRuns: 25 },
    );
  });

  it('[SAFE-B1] a target beyond a range is moved to its end, the others going on; from outside only inward', () => {
    const limits = limitsOf({ robot: findRobot('ur5e')!, hz: 20, mode: 'full' });
    const governor = new JointGovernor(limits, 20, null);
    const q = Float64Array.of(0, 0, 3.1, 0, 6.4, 0);
    const out = q.slice();
    for (let n = 0; n < 100; n++) {
      const delta = Float64Array.of(1, 0, 5, 0, 0.3, 0).map((x, i) => (i === 0 ? x - q[0]! : x));
      const flags = governor.follow(q, delta, new Float64Array(6), out);
      expect(flags & FLAG.joint_limit).not.toBe(0);
      for (let i = 0; i < 6; i++) q[i]! += out[i]!;
    }
    expect(q[0]).toBeCloseTo(1, 9);
    expect(q[2]).toBeCloseTo(limits[2]!.upper.value, 9);
    expect(q[2]).toBeLessThanOrEqual(limits[2]!.upper.value + 1e-12);
    expect(q[4]).toBe(6.4);
    governor.follow(q, Float64Array.of(0, 0, 0, 0, -1, 0), new Float64Array(6), out);
    expect(out[4]).toBeLessThan(0);
  });
});

/** Two links of 0.5 m and 0.4 m in the plane. */
const PLANAR = {
  position(q: Float64Array, out: Vec3): Vec3 {
    const [a, b] = [q[0]!, q[0]! + q[1]!];
    return out.set(0.5 * Math.cos(a) + 0.4 * Math.cos(b), 0.5 * Math.sin(a) + 0.4 * Math.sin(b), 0);
  },
};

function planar(hz: number, v: number, box: [number, number] | null, keepOuts: Volume[]): [JointGovernor, TcpLimits] {
  const limit = (value: number) => ({ value, origin: 'default' as const });
  const joint = (name: string) => ({
    name,
    lower: limit(-3),
    upper: limit(3),
    continuous: false,
    v: limit(2),
    a: limit(10),
    j: limit(250),
    position_based_velocity: null,
    jerk_binds: 250 < 20 * hz,
  });
  const wall = box === null ? null : { min: [box[0], -1, -1] as const, max: [box[1], 1, 1] as const };
  const tcp = { kinematics: PLANAR, envelope: new TcpEnvelope(wall, keepOuts), v };
  return [new JointGovernor([joint('a'), joint('b')], hz, tcp), tcp];
}

describe('the tool on the joints', () => {
  it('[SAFE-B6] [SAFE-B7] [J3] stays in its box, out of keep-outs and within its speed, also while it stops', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.constantFrom(...RATES),
        fc.double({ min: 0.05, max: 1, noNaN: true }),
        (seed, hz, v) => {
          const random = mulberry32(seed);
          const keepOut: Volume = { center: [0.2, 0.75, 0], radius: 0.1 };
          const [governor] = planar(hz, v, [-0.3, 0.7], [keepOut]);
          const q = Float64Array.of(0.5, 0.6);
          const [delta, out] = [q.slice(), q.slice()];
          let aim = q.slice();
          const [from, to] = [new Vec3(), new Vec3()];
          for (let n = 0; n < 300; n++) {
            if (n % 20 === 0) aim = Float64Array.of(random() * 4 - 1, random() * 5 - 2.5);
            PLANAR.position(q, from);
            if (random() < 0.2) expect(governor.brake(q, out)).toBe(0);
            else {
              for (let i = 0; i < 2; i++) delta[i] = aim[i]! - q[i]!;
              expect(governor.follow(q, delta, new Float64Array(2), out) & FLAG.emergency).toBe(0);
            }
            for (let i = 0; i < 2; i++) q[i]! += out[i]!;
            PLANAR.position(q, to);
            expect(Math.hypot(to.x - from.x, to.y - from.y) * hz).toBeLessThanOrEqual(v * (1 + 1e-9));
            expect(to.x).toBeGreaterThanOrEqual(-0.3 - 1e-9);
            expect(to.x).toBeLessThanOrEqual(0.7 + 1e-9);
            expect(Math.hypot(to.x - 0.2, to.y - 0.75)).toBeGreaterThanOrEqual(0.1 - 1e-9);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('[SAFE-B7] too fast a tool slows all joints by one share, to its speed exactly', () => {
    const [governor] = planar(10, 0.25, null, []);
    const q = Float64Array.of(0.3, 0.6);
    const out = q.slice();
    const delta = Float64Array.of(0.1, 0.04);
    for (let n = 0; n < 6; n++) {
      const flags = governor.follow(q, delta, delta, out);
      const [a, b] = [PLANAR.position(q, new Vec3()), new Vec3()];
      for (let i = 0; i < 2; i++) q[i]! += out[i]!;
      PLANAR.position(q, b);
      if (n < 3) continue;
      expect(flags & FLAG.velocity).not.toBe(0);
      expect(out[1]! / out[0]!).toBeCloseTo(0.4, 9);
      expect(Math.hypot(b.x - a.x, b.y - a.y) * 10).toBeCloseTo(0.25, 7);
    }
  });

  it('[SAFE-B8] found outside, it is led inward only', () => {
    const [governor] = planar(20, 0.25, [-1, 0.6], []);
    const q = Float64Array.of(0.1, 0.2);
    const out = q.slice();
    let x = PLANAR.position(q, new Vec3()).x;
    for (let n = 0; n < 30; n++) {
      governor.follow(q, Float64Array.of(-0.05, -0.05), new Float64Array(2), out);
      for (let i = 0; i < 2; i++) q[i]! += out[i]!;
    }
    expect(PLANAR.position(q, new Vec3()).x).toBeLessThanOrEqual(x);
    for (let n = 0; n < 60; n++) {
      governor.follow(q, Float64Array.of(0.1, 0.1), new Float64Array(2), out);
      for (let i = 0; i < 2; i++) q[i]! += out[i]!;
      const now = PLANAR.position(q, new Vec3()).x;
      expect(now).toBeLessThanOrEqual(Math.max(x, 0.6) + 1e-12);
      x = now;
    }
    expect(x).toBeLessThan(0.6);
  });
});
