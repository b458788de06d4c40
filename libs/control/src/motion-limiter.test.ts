import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FLAG } from './flags.js';
import { MotionLimiter } from './motion-limiter.js';
import { stopDistance, stopSpeed } from './stopping.js';
import { Auditor, anyMotionLimits, logarithmic, mulberry32 } from './testing/kit.js';
import { norm, Vec3 } from './vec3.js';
import { TcpEnvelope } from './volumes.js';

const BITS = { velocity: FLAG.velocity, acceleration: FLAG.acceleration, jerk: FLAG.jerk };
const EPSILON = 1 + 1e-9;

const scenario = fc.record({
  limits: anyMotionLimits,
  hz: logarithmic(1, 100),
  half: fc.option(logarithmic(0.01, 2), { nil: null }),
  seed: fc.integer(),
});

function setUp({ limits, hz, half }: { limits: { v: number; a: number; j: number }; hz: number; half: number | null }) {
  const box: { min: [number, number, number]; max: [number, number, number] } | null =
    half === null ? null : { min: [-half, -half, -half], max: [half, half, half] };
  return new MotionLimiter(limits, 1 / hz, new TcpEnvelope(box, []), BITS);
}

const list = (v: Vec3): [number, number, number] => [v.x, v.y, v.z];

/** Wild steps, straight runs, far targets, denormals, holds: what a broken policy could ask for. */
function wildStep(random: () => number, mood: number, aim: Vec3, x: Vec3, perTick: number, out: Vec3): void {
  const centered = () => 2 * random() - 1;
  const size = perTick * 10 ** (3 * random() - 2);
  if (mood === 1) out.set(centered() * size, centered() * size, centered() * size);
  else if (mood === 2) out.scaled(aim, perTick);
  else if (mood === 3) out.scaled(aim, perTick * 100);
  else if (mood === 4) out.set(random() < 0.5 ? 1e30 : -1e-300, 0, 5e-324);
  else out.addScaled(aim, x, -1);
}

describe('one motion and its envelope', () => {
  it('[K3] speed, acceleration and jerk stay within limits whatever is asked, holds included', () => {
    fc.assert(
      fc.property(scenario, ({ limits, hz, half, seed }) => {
        const limiter = setUp({ limits, hz, half });
        const random = mulberry32(seed);
        const auditor = new Auditor(hz, limits);
        const x = new Vec3();
        const step = new Vec3();
        const out = new Vec3();
        const aim = new Vec3();
        let mood = 1;
        for (let n = 0; n < 400; n++) {
          if (random() < 0.05) {
            mood = Math.floor(random() * 6);
            aim.set(2 * random() - 1, 2 * random() - 1, 2 * random() - 1);
          }
          if (mood === 0) limiter.brake(x, out);
          else {
            wildStep(random, mood, aim, x, limits.v / hz, step);
            limiter.follow(x, step, random() < 0.5 ? 0 : limits.v, out);
          }
          auditor.step(n, list(out));
          x.addScaled(x, out, 1);
          if (half !== null) expect(Math.max(...list(x).map(Math.abs))).toBeLessThanOrEqual(half + 2e-12);
        }
        expect(auditor.worst.v).toBeLessThanOrEqual(EPSILON);
        expect(auditor.worst.a).toBeLessThanOrEqual(EPSILON);
        expect(auditor.worst.j).toBeLessThanOrEqual(EPSILON);
      }),
      { numRuns: 60 },
    );
  });

  it('[K4] from every state reached, braking ends at rest inside box and limits', () => {
    fc.assert(
      fc.property(scenario, fc.integer({ min: 1, max: 60 }), ({ limits, hz, half, seed }, ticks) => {
        const limiter = setUp({ limits, hz, half });
        const random = mulberry32(seed);
        const auditor = new Auditor(hz, limits);
        const aim = new Vec3().set(random() - 0.5, random() - 0.5, random() - 0.5);
        const x = new Vec3();
        const step = new Vec3();
        const out = new Vec3();
        for (let n = 0; n < ticks; n++) {
          wildStep(random, 1 + Math.floor(random() * 3), aim, x, limits.v / hz, step);
          limiter.follow(x, step, limits.v, out);
          auditor.step(n, list(out));
          x.addScaled(x, out, 1);
        }
        let n = ticks;
        for (; n < ticks + 12 * hz + 12 && !limiter.resting; n++) {
          expect(limiter.brake(x, out)).toBe(0);
          auditor.step(n, list(out));
          x.addScaled(x, out, 1);
          if (half !== null) expect(Math.max(...list(x).map(Math.abs))).toBeLessThanOrEqual(half + 2e-12);
        }
        expect(limiter.resting).toBe(true);
        // One more tick: acceleration falls to zero within the jerk limit too.
        limiter.brake(x, out);
        auditor.step(n, list(out));
        expect(Math.max(auditor.worst.v, auditor.worst.a, auditor.worst.j)).toBeLessThanOrEqual(EPSILON);
      }),
      { numRuns: 60 },
    );
  });

  it('[K7] what is too fast from rest is slowed down in its own direction', () => {
    const component = fc.double({ min: -1e3, max: 1e3, noNaN: true });
    fc.assert(
      fc.property(anyMotionLimits, logarithmic(1, 100), component, component, component, (limits, hz, x, y, z) => {
        const delta = new Vec3().set(x, y, z);
        fc.pre(norm(delta) > 1e-6);
        const out = new Vec3();
        setUp({ limits, hz, half: null }).follow(new Vec3(), delta, limits.v, out);
        const k = norm(out) / norm(delta);
        expect(k).toBeGreaterThan(0);
        expect(k).toBeLessThanOrEqual(1);
        for (const [got, want] of list(out).map((value, i) => [value, k * (list(delta)[i] as number)] as const)) {
          expect(Math.abs(got - want)).toBeLessThanOrEqual(1e-12 * norm(out));
        }
      }),
    );
  });

  it('[K8] a legal step passes bit for bit, and what was clamped is legal', () => {
    fc.assert(
      fc.property(scenario, ({ limits, hz, half, seed }) => {
        const once = setUp({ limits, hz, half });
        const twice = setUp({ limits, hz, half });
        const random = mulberry32(seed);
        const x = new Vec3();
        const step = new Vec3();
        const out = new Vec3();
        const again = new Vec3();
        const aim = new Vec3().set(random() - 0.5, random() - 0.5, random() - 0.5);
        for (let n = 0; n < 100; n++) {
          wildStep(random, 1 + Math.floor(random() * 3), aim, x, limits.v / hz, step);
          const flags = once.follow(x, step, limits.v, out);
          if (flags === 0) expect(list(out)).toEqual(list(step));
          expect(twice.follow(x, out, limits.v, again)).toBe(0);
          expect(list(again)).toEqual(list(out));
          x.addScaled(x, out, 1);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('[K2] a target behind a wall is approached along the wall, and outside only inward motion is left', () => {
    const limiter = setUp({ limits: { v: 1, a: 50, j: 1e5 }, hz: 10, half: 0.1 });
    const out = new Vec3();
    expect(limiter.follow(new Vec3().set(0.1, 0, 0), new Vec3().set(0.05, 0.02, 0), 0, out)).toBe(FLAG.workspace);
    expect(list(out)).toEqual([0, 0.02, 0]);
    limiter.rest();
    const outside = new Vec3().set(0.13, 0, 0);
    limiter.follow(outside, new Vec3().set(0.05, 0, 0), 0, out);
    expect(list(out)).toEqual([0, 0, 0]);
    expect(limiter.follow(outside, new Vec3().set(-0.01, 0, 0), 0, out)).toBe(0);
    expect(list(out)).toEqual([-0.01, 0, 0]);
  });

  it('[K2] where the pose jumps towards a wall, position outranks acceleration and says so', () => {
    const limiter = setUp({ limits: { v: 1, a: 2, j: 1e5 }, hz: 100, half: 1 });
    const x = new Vec3();
    const out = new Vec3();
    for (let n = 0; n < 60; n++) {
      limiter.follow(x, new Vec3().set(0.01, 0, 0), 1, out);
      x.addScaled(x, out, 1);
    }
    x.x = 0.99;
    let flags = 0;
    for (let n = 0; n < 100; n++) {
      flags |= limiter.brake(x, out);
      x.addScaled(x, out, 1);
      expect(x.x).toBeLessThanOrEqual(1 + 1e-9);
    }
    expect(flags).toBe(FLAG.emergency);
    expect(limiter.resting).toBe(true);
  });

  it('[K3] a target that stands is reached and not overshot, however hard acceleration binds', () => {
    fc.assert(
      fc.property(
        logarithmic(0.02, 3),
        logarithmic(0.1, 30),
        logarithmic(5, 100),
        logarithmic(0.001, 2),
        (v, a, hz, goal) => {
          fc.pre(v / a < 2);
          const limiter = setUp({ limits: { v, a, j: 1e9 }, hz, half: null });
          const x = new Vec3();
          const out = new Vec3();
          const left = new Vec3();
          for (let n = 0; n < hz * (goal / v + (2 * v) / a + 2 * Math.sqrt(goal / a) + 1) + 10; n++) {
            limiter.follow(x, left.set(goal - x.x, 0, 0), 0, out);
            x.addScaled(x, out, 1);
            expect(x.x).toBeLessThanOrEqual(goal * (1 + 1e-9));
          }
          expect(Math.abs(x.x - goal)).toBeLessThanOrEqual(goal * 1e-6);
        },
      ),
    );
  });

  it('[K4] stopping distance and stopping speed are inverse to each other', () => {
    fc.assert(
      fc.property(logarithmic(1e-6, 10), logarithmic(1e-4, 10), logarithmic(0.001, 1), (s, d, h) => {
        expect(stopSpeed(stopDistance(s, d, h), d, h) / s).toBeCloseTo(1, 6);
        // Step by step, as the robot would.
        let length = 0;
        for (let speed = s, i = 0; speed > 0 && i < 1e6; speed -= d, i++) length += speed * h;
        fc.pre(s / d < 1e4);
        expect(stopDistance(s, d, h) / length).toBeCloseTo(1, 6);
      }),
    );
    expect(stopSpeed(-1, 1, 1)).toBe(0);
    expect(stopSpeed(Number.NaN, 1, 1)).toBe(0);
  });
});
