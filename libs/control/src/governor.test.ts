import { findRobot } from '@sinew/robots';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CLAMP_FLAGS, FLAG } from './flags.js';
import { DeltaAction, GOVERNOR_ROW, Governor, GovernorFault } from './governor.js';
import { type LimitsInForce, resolveLimits } from './limits.js';
import { MotionLimiter } from './motion-limiter.js';
import { anyMotionLimits, freeLimits, logarithmic, mulberry32 } from './testing/kit.js';
import { depth } from './testing/safety-auditor.js';
import { distance, dot, norm, Vec3 } from './vec3.js';
import { TcpEnvelope, type Volume } from './volumes.js';

const vec = (x: number, y = 0, z = 0) => new Vec3().set(x, y, z);
const list = (v: Vec3) => [v.x, v.y, v.z];
const BITS = { velocity: FLAG.velocity, acceleration: FLAG.acceleration, jerk: FLAG.jerk };
const NONE = vec(0);

const shapes: readonly (readonly [string, Volume])[] = [
  ['a box', { min: [0.05, -0.1, -0.1], max: [0.15, 0.1, 0.1] }],
  ['a ball', { center: [0.13, 0, 0], radius: 0.08 }],
  ['a table', { normal: [0, 0, 1], offset: -0.05 }],
  ['a tilted plane', { normal: [-0.6, 0, 0.8], offset: -0.03 }],
];

function within(keep_out: readonly Volume[], hz = 20, v = 0.5, a = 4, j = 1e5): LimitsInForce {
  return { ...freeLimits(hz, v, a, j), keep_out };
}

/** Follows a target that stands, from rest; `look` sees every position. */
function chase(limits: LimitsInForce, from: Vec3, goal: Vec3, ticks: number, look?: (x: Vec3, flags: number) => void) {
  const governor = new Governor(limits, true);
  const x = new Vec3().copy(from);
  const proposed = new DeltaAction();
  const sent = new DeltaAction();
  for (let n = 0; n < ticks; n++) {
    proposed.translation.addScaled(goal, x, -1);
    const flags = governor.govern(proposed, x, NONE, NONE, sent);
    x.addScaled(x, sent.translation, 1);
    look?.(x, flags);
  }
  return { x, governor };
}

describe('keep-outs in the way', () => {
  it.each(shapes)(
    '[SAFE-B6] a target in or behind %s is approached without turning back, and never through it',
    (_n, v) => {
      const anywhere = fc.double({ min: -0.29, max: 0.29, noNaN: true });
      const start = fc.tuple(anywhere, anywhere, anywhere).filter((p) => depth(v, p) < -0.001);
      fc.assert(
        fc.property(start, fc.tuple(anywhere, anywhere, anywhere), logarithmic(5, 100), (from, to, hz) => {
          let deepest = Number.NEGATIVE_INFINITY;
          let turns = 0;
          const before = vec(...from);
          const was = new Vec3();
          const step = new Vec3();
          chase(within([v], hz), vec(...from), vec(...to), 12 * hz, (x) => {
            deepest = Math.max(deepest, depth(v, list(x)));
            step.addScaled(x, before, -1);
            // Rounding has no direction.
            if (dot(step, was) < 0 && norm(step) > 1e-9 && norm(was) > 1e-9) turns++;
            was.copy(step);
            before.copy(x);
          });
          expect(deepest).toBeLessThanOrEqual(1e-11);
          expect(turns).toBe(0);
        }),
        { numRuns: 60 },
      );
    },
  );

  it.each(shapes)('[SAFE-B6] a robot at rest that touches %s leaves it freely', (_name, v) => {
    const outward = 'radius' in v ? vec(-0.3) : 'normal' in v ? vec(...v.normal) : vec(-0.3);
    const touching =
      'radius' in v
        ? vec(0.05)
        : 'normal' in v
          ? vec(...(v.normal.map((n) => n * v.offset) as [number, number, number]))
          : vec(0.05);
    const { x } = chase(within([v]), touching, new Vec3().addScaled(touching, outward, 0.1 / norm(outward)), 60);
    expect(distance(x, touching)).toBeCloseTo(0.1, 6);
    // Along the surface, with a little of the wish pointing into it.
    const tangent = 'normal' in v ? vec(0, 0.1, 0) : vec(0, 0.05, 0.02);
    const aim = new Vec3().addScaled(touching, tangent, 1);
    aim.addScaled(aim, outward, -1e-4);
    expect(distance(chase(within([v]), touching, aim, 60).x, touching)).toBeGreaterThan(0.04);
  });

  it('[SAFE-B8] found inside, it is led out and no deeper, and in full mode no faster than the reduced speed', () => {
    const robot = findRobot('franka_panda')!;
    for (const [, v] of shapes) {
      const resolved = resolveLimits({
        robot,
        actionSpace: 'ee_delta',
        mode: 'full',
        hz: 50,
        workspace: { min: [-0.8, -0.8, -0.8], max: [0.8, 0.8, 0.8] },
        keepOut: [v] as never,
      });
      if (!resolved.ok) throw new Error(resolved.reason);
      const inside = vec(0.08, 0.01, -0.09);
      if (depth(v, list(inside)) <= 0) inside.set(0.08, 0.01, -0.2);
      if (depth(v, list(inside)) <= 0) inside.set(0.1, 0.01, 0);
      expect(depth(v, list(inside))).toBeGreaterThan(0.005);
      const out = 'normal' in v ? new Vec3().addScaled(inside, vec(...v.normal), 0.5) : vec(-0.5, 0.01, 0);
      let before = new Vec3().copy(inside);
      let fastest = 0;
      let left = false;
      chase(resolved.limits, inside, out, 200, (x) => {
        const was = depth(v, list(before));
        if (was > 1e-8) {
          expect(depth(v, list(x))).toBeLessThanOrEqual(was + 1e-12);
          fastest = Math.max(fastest, distance(x, before) * 50);
        } else left = true;
        before = new Vec3().copy(x);
      });
      expect(left).toBe(true);
      expect(fastest).toBeGreaterThan(0.1);
      expect(fastest).toBeLessThanOrEqual(0.25 * (1 + 1e-9));
      // Deeper: not at all.
      const deeper = 'normal' in v ? new Vec3().addScaled(inside, vec(...v.normal), -0.2) : vec(0.1, 0.02, 0);
      if (depth(v, list(deeper)) <= depth(v, list(inside))) continue;
      const { x } = chase(resolved.limits, inside, deeper, 50);
      expect(depth(v, list(x))).toBeLessThanOrEqual(depth(v, list(inside)) + 1e-10);
    }
  });

  it('[SAFE-B8] a pose that jumps into a keep-out stops what leads deeper at once, and says that acceleration did not count', () => {
    const governor = new Governor(within([{ center: [0.2, 0, 0], radius: 0.1 }], 50, 0.5, 2), true);
    const proposed = new DeltaAction();
    const sent = new DeltaAction();
    const x = vec(-0.2);
    proposed.translation.set(0.01, 0, 0);
    for (let n = 0; n < 20; n++) {
      governor.govern(proposed, x, proposed.translation, NONE, sent);
      x.addScaled(x, sent.translation, 1);
    }
    expect(norm(sent.translation)).toBeGreaterThan(0.005);
    x.set(0.15, 0, 0);
    const flags = governor.govern(proposed, x, proposed.translation, NONE, sent);
    expect(flags & FLAG.emergency).toBe(FLAG.emergency);
    expect(flags & CLAMP_FLAGS).not.toBe(0);
    expect(list(sent.translation).map(Math.abs)).toEqual([0, 0, 0]);
  });

  it('[SAFE-B5] wherever it is, a stop ends clear of keep-outs within limits', () => {
    fc.assert(
      fc.property(
        anyMotionLimits,
        logarithmic(5, 100),
        fc.integer(),
        fc.integer({ min: 1, max: 80 }),
        (motion, hz, seed, ticks) => {
          const keep = shapes.map(([, v]) => v);
          const limits = within(keep, hz, motion.v, motion.a, motion.j);
          const governor = new Governor(limits, true);
          const random = mulberry32(seed);
          const proposed = new DeltaAction();
          const sent = new DeltaAction();
          const x = vec(-0.2, 0, 0.2);
          const aim = vec(0.3 * random(), 0.4 * (random() - 0.5), 0.4 * (random() - 0.5));
          let deepest = Number.NEGATIVE_INFINITY;
          const watch = () => {
            x.addScaled(x, sent.translation, 1);
            for (const v of keep) deepest = Math.max(deepest, depth(v, list(x)));
          };
          for (let n = 0; n < ticks; n++) {
            proposed.translation.addScaled(aim, x, -1);
            governor.govern(proposed, x, proposed.translation, NONE, sent);
            watch();
          }
          for (let n = 0; n < 3 * hz + 12 && !governor.resting; n++) {
            expect(governor.brake(x, sent)).toBe(0);
            watch();
          }
          expect(governor.resting).toBe(true);
          expect(deepest).toBeLessThanOrEqual(1e-11);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('[SAFE-C2] what was governed is legal, keep-outs included', () => {
    fc.assert(
      fc.property(anyMotionLimits, logarithmic(5, 100), fc.integer(), (motion, hz, seed) => {
        const keep = shapes.map(([, v]) => v);
        const limits = within(keep, hz, motion.v, motion.a, motion.j);
        const once = new Governor(limits, true);
        const twice = new Governor(limits, true);
        const random = mulberry32(seed);
        const proposed = new DeltaAction();
        const sent = new DeltaAction();
        const again = new DeltaAction();
        const x = vec(-0.2, 0, 0.2);
        const aim = new Vec3();
        for (let n = 0; n < 80; n++) {
          if (n % 10 === 0) aim.set(0.6 * (random() - 0.5), 0.6 * (random() - 0.5), 0.6 * (random() - 0.5));
          proposed.translation.addScaled(aim, x, -random());
          proposed.rotation.set(random() - 0.5, random() - 0.5, random() - 0.5);
          once.govern(proposed, x, NONE, NONE, sent);
          expect(twice.govern(sent, x, sent.translation, sent.rotation, again) & CLAMP_FLAGS).toBe(0);
          expect(list(again.translation)).toEqual(list(sent.translation));
          expect(list(again.rotation)).toEqual(list(sent.rotation));
          x.addScaled(x, sent.translation, 1);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('measured noise', () => {
  it('[SAFE-B3] at a wall costs no emergencies once it is known', () => {
    for (const [hz, noise] of [
      [50, 3e-8],
      [100, 1e-4],
      [100, 1e-3],
    ] as const) {
      const governor = new Governor(freeLimits(hz, 0.25, 2, 50, 0.2), true);
      const random = mulberry32(7);
      const truth = vec(0);
      const told = vec(0);
      const was = new Vec3();
      const proposed = new DeltaAction();
      const sent = new DeltaAction();
      let emergencies = 0;
      for (let n = 0; n < 4000; n++) {
        if (n % 5 === 0) {
          was.copy(told);
          told.set(...(list(truth).map((x) => x + noise * (2 * random() - 1)) as [number, number, number]));
          governor.surprised(n === 0 ? 0 : distance(was, told));
        }
        const side = Math.floor(n / 100) % 2 === 0 ? 0.5 : -0.5;
        proposed.translation.set(side - told.x, 0.3 - told.y, -told.z);
        if ((governor.govern(proposed, told, proposed.translation, NONE, sent) & FLAG.emergency) !== 0 && n > 50)
          emergencies++;
        told.addScaled(told, sent.translation, 1);
        truth.addScaled(truth, sent.translation, 1);
      }
      expect(emergencies).toBeLessThanOrEqual(4);
    }
  });
});

describe('the limiter by itself', () => {
  it('[SAFE-C3] a limit that becomes tighter is come down to within acceleration, and a looser one is free at once', () => {
    fc.assert(
      fc.property(
        anyMotionLimits,
        logarithmic(5, 100),
        fc.double({ min: 0.1, max: 0.9, noNaN: true }),
        (motion, hz, share) => {
          const loose = new MotionLimiter(motion, 1 / hz, new TcpEnvelope(null, []), BITS);
          const tight = new MotionLimiter({ ...motion, v: share * motion.v }, 1 / hz, new TcpEnvelope(null, []), BITS);
          const x = new Vec3();
          const out = new Vec3();
          const step = vec(motion.v / hz);
          for (let n = 0; n < 3 * hz + 10; n++) loose.follow(x, step, motion.v, out);
          const row = new Float64Array(GOVERNOR_ROW);
          loose.save(row, 0);
          tight.load(row, 0);
          let before = out.x * hz;
          let acceleration = 0;
          let worst = 0;
          const run = (limiter: MotionLimiter, ticks: number) => {
            for (let n = 0; n < ticks; n++) {
              const emergency = limiter.follow(x, step, motion.v, out) & FLAG.emergency;
              const a = (out.x * hz - before) * hz;
              const jerks = motion.j / hz < 2 * motion.a ? (Math.abs(a - acceleration) * hz) / motion.j : 0;
              worst = Math.max(worst, Math.abs(a) / motion.a, jerks, emergency);
              before = out.x * hz;
              acceleration = a;
            }
          };
          run(tight, 4 * hz + 20);
          const slower = before;
          tight.save(row, 0);
          loose.load(row, 0);
          run(loose, 4 * hz + 20);
          expect(worst).toBeLessThanOrEqual(1 + 1e-9);
          expect(slower).toBeLessThanOrEqual(share * motion.v * (1 + 1e-9));
          expect(before / motion.v).toBeCloseTo(1, 6);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('[SAFE-E3] a state that no motion leads to is not sent from: the governor finds itself at fault', () => {
    const sent = new DeltaAction();
    for (const broken of [Number.NaN, Number.POSITIVE_INFINITY]) {
      for (let i = 0; i < 3; i++) {
        const governor = new Governor(within([]), true);
        const row = new Float64Array(GOVERNOR_ROW);
        row[i] = broken;
        governor.load(row, 0);
        expect(() => governor.brake(NONE, sent)).toThrow(GovernorFault);
      }
    }
  });
});
