import { ROBOTS } from '@sinew/robots';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ControlLoop } from './control-loop.js';
import { flagNames } from './flags.js';
import { resolveLimits } from './limits.js';
import { implausibleState, implausibleSteps } from './plausibility.js';
import { chunk, constantChunk, POSE_STATE, pandaLimits, tabletopSpec } from './testing/kit.js';
import { expertChunk, newWorld } from './testing/point-robot.js';

const HOME = Float64Array.of(0, 0, 0.1, 0, 0, 0, 1);
const steps = (actions: Float32Array, hz = 10) => implausibleSteps(pandaLimits(hz), actions, 7);

describe('values in another unit', () => {
  it.each([
    ['millimetres', [12, 3, -5, 0, 0, 0, 1], 'millimetres'],
    ['normalised values', [0.9, -0.7, 0.4, 0.1, 0, 0, 1], 'normalised'],
    ['degrees', [0.01, 0, 0, 0, 0, 9, 1], 'degrees'],
    ['degrees in a moderate step', [0, 0, 0, 3, 2, 0, 1], 'degrees'],
  ] as const)('[SAFE-U2] %s are refused whole and never move the robot', (_name, step, looks) => {
    expect(steps(constantChunk(step))).toContain(looks);
    const loop = new ControlLoop(tabletopSpec());
    loop.observe(HOME, 0);
    const actions = constantChunk([0.01, 0, 0, 0, 0, 0, 0.2]);
    actions.set(step, 7 * 5);
    const answer = loop.adopt(chunk(actions, HOME, 0, 0));
    expect(answer).toMatchObject({ adopted: false, reason: 'implausible', score: 0 });
    expect(flagNames(answer.flags)).toEqual(['rejected']);
    const r = loop.tick(0, null);
    expect([r.kind, r.reason, ...r.values]).toEqual(['hold', 'safety', 0, 0, 0, 0, 0, 0, 1]);
  });

  it('[SAFE-U2] a policy scaled up tenfold is no other unit: it is slowed down', () => {
    for (let seed = 0; seed < 200; seed++) {
      const world = newWorld(seed);
      expect(steps(expertChunk(world, 8).map((x, i) => (i % 7 === 6 ? x : 10 * x)))).toBeNull();
    }
  });

  it('[SAFE-U2] what a robot can do within its limits is plausible, whatever a session tightens', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...ROBOTS),
        fc.constantFrom('reduced' as const, 'full' as const),
        fc.constantFrom(1, 5, 10, 30, 100),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (robot, mode, hz, share) => {
          const request = {
            robot,
            actionSpace: 'ee_delta' as const,
            mode,
            hz,
            workspace: { min: [-0.1, -0.1, -0.1], max: [0.1, 0.1, 0.1] },
          };
          const plain = resolveLimits(request);
          if (!plain.ok) throw new Error(plain.reason);
          const { v, w } = plain.limits.cartesian;
          const tight = resolveLimits({ ...request, tighten: { v: v.value * share, w: w.value * share } });
          if (!tight.ok) throw new Error(tight.reason);
          const step = Math.min(v.value / hz, 0.3);
          const fast = constantChunk([step, 0, 0, 0, 0, Math.min(w.value / hz, 3), 1]);
          expect(implausibleSteps(tight.limits, fast, 7)).toBeNull();
        },
      ),
    );
  });

  it('[SAFE-U2] a pose in degrees or millimetres, or not finite, is none', () => {
    const judged = (...state: number[]) => implausibleState(POSE_STATE, Float64Array.from(state));
    expect(judged(0.4, -0.2, 0.3, Math.PI, 0, 9, 1)).toBeNull();
    expect(judged(0.4, -0.2, 0.3, 180, 0, 0, 1)).toContain('degrees');
    expect(judged(400, -200, 300, 0, 0, 0, 1)).toContain('millimetres');
    expect(judged(0, Number.NaN, 0, 0, 0, 0, 1)).toBe('not finite');
    expect(judged(0, 0, 0, 0, Number.POSITIVE_INFINITY, 0, 1)).toBe('not finite');
    expect(judged(0, 0, 0.1, 0, 0, 90, 1)).toContain('degrees');
    expect(implausibleState(POSE_STATE, Float64Array.of(0, 0))).toBe('not finite');
    expect(implausibleState({ ...POSE_STATE, pose: null }, Float64Array.of(1e9))).toBeNull();
  });

  it('[SAFE-U2] angles that count turns without end are taken as far as they go, and degrees are not', () => {
    const loop = new ControlLoop(tabletopSpec());
    const state = HOME.slice();
    for (let n = 0; n < 400; n++) {
      state[5] = 0.25 * n;
      loop.observe(state, n);
      expect(loop.adopt(chunk(constantChunk([0, 0, 0, 0, 0, 0.25, 1]), state, n, n)).adopted).toBe(true);
      expect(loop.tick(n, null).values[5]).toBeCloseTo(0.25, 9);
    }
    state[5] = 180;
    expect(loop.adopt(chunk(constantChunk([0, 0, 0, 0, 0, 0.25, 1]), state, 400, 400)).reason).toBe('implausible');
  });

  it('[SAFE-U2] a state in degrees never starts motion, nor moves what runs', () => {
    const degrees = Float64Array.of(0, 0, 0.1, 180, 0, 90, 1);
    const loop = new ControlLoop(tabletopSpec());
    loop.observe(degrees, 0);
    expect(loop.adopt(chunk(constantChunk([0.01, 0, 0, 0, 0, 0, 1]), degrees, 0, 0)).reason).toBe('implausible');
    loop.adopt(chunk(constantChunk([0.01, 0, 0, 0, 0, 0, 1]), HOME, 0, 0));
    expect(loop.tick(0, null).kind).toBe('hold');
    const [a, b] = [0, 1].map((spoil) => {
      const moving = new ControlLoop(tabletopSpec());
      moving.observe(HOME, 0);
      moving.adopt(chunk(constantChunk([0.01, 0, 0, 0, 0, 0, 1]), HOME, 0, 0));
      moving.tick(0, null);
      if (spoil === 1) moving.observe(degrees, 1);
      return [...moving.tick(1, null).values];
    });
    expect(a).toEqual(b);
  });
});
