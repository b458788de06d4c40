import { describe, expect, it } from 'vitest';
import { ControlLoop } from './control-loop.js';
import { FLAG, flagNames } from './flags.js';
import type { LimitsInForce } from './limits.js';
import { StepJudge } from './score.js';
import { chunk, constantChunk, pandaLimits, tabletopSpec } from './testing/kit.js';
import { Vec3 } from './vec3.js';

const HOME = Float64Array.of(0, 0, 0.1, 0, 0, 0, 1);
const vec = (x: number, y = 0, z = 0) => new Vec3().set(x, y, z);
const NONE = vec(0);

function score(step: Vec3, target: Vec3 | null, limits = pandaLimits(), origin = vec(0, 0, 0.1)) {
  const judge = new StepJudge(limits);
  judge.begin(target === null ? null : origin);
  return judge.step(step, NONE, target ?? NONE);
}

const kept = (keep_out: LimitsInForce['keep_out']): LimitsInForce => ({ ...pandaLimits(), keep_out });

describe('the safety score', () => {
  it('[C1] a legal step scores 1 and passes all four checks', () => {
    expect(score(vec(0.02), vec(0.02, 0, 0.1))).toEqual({
      score: 1,
      checksPassed: 4,
      flags: 0,
      onlyDynamics: true,
      forbidden: false,
    });
  });

  it('[C1] excess is relative to the limit, capped at 1, weighed by check', () => {
    expect(score(vec(0.03), vec(0, 0, 0.1)).score).toBeCloseTo(1 - 0.25 * 0.2, 9);
    expect(score(vec(10), vec(0, 0, 0.1)).score).toBeCloseTo(0.75, 9);
    expect(score(NONE, vec(0.33, 0, 0.1)).score).toBeCloseTo(1 - 0.4 * 0.5, 9);
    expect(score(NONE, vec(99, 0, 0.1))).toMatchObject({ score: 0.6, checksPassed: 3, flags: FLAG.policy_workspace });
    const reach = pandaLimits(10, { workspace: undefined });
    expect(score(NONE, vec(0.6, 0.6, 0.6), reach).score).toBeCloseTo(1 - (Math.hypot(0.6, 0.6, 0.6) / 0.855 - 1), 9);
    expect(score(vec(0.02), null)).toMatchObject({ score: 1, checksPassed: 3 });
  });

  it('[C1] touching a keep-out is the whole excess: at the end of a step, in its middle, and on the way back out', () => {
    const ball = kept([{ center: [0.05, 0, 0.1], radius: 0.02 }]);
    expect(score(vec(0.02), vec(0.02, 0, 0.1), ball)).toMatchObject({ score: 1, forbidden: false });
    expect(score(vec(0.02), vec(0.04, 0, 0.1), ball)).toMatchObject({
      score: 0,
      checksPassed: 3,
      flags: FLAG.policy_collision,
      forbidden: true,
    });
    expect(score(vec(0.02), vec(0.1, 0, 0.1), ball)).toMatchObject({ score: 0, forbidden: true });
    const judge = new StepJudge(ball);
    judge.begin(vec(0, 0, 0.1));
    const steps = [0.02, 0.04, 0.06, 0.08, 0.1].map((x) => judge.step(vec(0.02), NONE, vec(x, 0, 0.1)).forbidden);
    expect(steps).toEqual([false, true, true, false, false]);
  });

  it('[C1] a robot found outside may be led back, and not further out', () => {
    const table = kept([{ normal: [0, 0, 1], offset: 0.05 }]);
    const low = vec(0, 0, 0.03);
    expect(score(vec(0, 0, 0.01), vec(0, 0, 0.04), table, low).forbidden).toBe(false);
    expect(score(vec(0.01), vec(0.01, 0, 0.03), table, low).forbidden).toBe(false);
    expect(score(vec(0, 0, -0.01), vec(0, 0, 0.02), table, low).forbidden).toBe(true);
    const out = vec(0.5, 0, 0.1);
    expect(score(vec(-0.02), vec(0.48, 0, 0.1), pandaLimits(), out)).toMatchObject({ score: 1, checksPassed: 4 });
    expect(score(vec(0.02), vec(0.52, 0, 0.1), pandaLimits(), out).score).toBeCloseTo(0.6, 9);
  });

  it('[C2] a step into a keep-out is refused whatever the least score', () => {
    const limits = kept([{ normal: [0, 0, 1], offset: 0.05 }]);
    const loop = new ControlLoop(tabletopSpec({ limits, minSafetyScore: 0 }));
    loop.observe(HOME, 0);
    expect(loop.adopt(chunk(constantChunk([0, 0, -0.02, 0, 0, 0, 1]), HOME, 0, 0)).adopted).toBe(true);
    const kinds = [0, 1, 2, 3].map((n) => loop.tick(n, null).kind);
    expect(kinds).toEqual(['action', 'action', 'hold', 'hold']);
    expect(loop.adopt(chunk(constantChunk([0, 0, -0.06, 0, 0, 0, 1]), HOME, 4, 4))).toMatchObject({
      adopted: false,
      reason: 'unsafe',
      score: 0,
    });
  });

  it('[C1] acceleration is judged between the steps of one chunk', () => {
    const judge = new StepJudge(pandaLimits());
    judge.begin(null);
    expect(judge.step(vec(-0.02), NONE, NONE).flags).toBe(0);
    expect(judge.step(vec(-0.02), NONE, NONE).flags).toBe(0);
    judge.begin(null);
    judge.step(vec(-0.1), NONE, NONE);
    expect(judge.step(vec(0.1), NONE, NONE).flags).toBe(FLAG.policy_dynamics);
    expect(judge.step(vec(0.1), NONE, NONE).score).toBeCloseTo(0.75, 9);
  });

  it('[C2] dynamics alone never reject, however fast and whatever the least score', () => {
    const loop = new ControlLoop(tabletopSpec({ minSafetyScore: 1 }));
    loop.observe(HOME, 0);
    expect(loop.adopt(chunk(constantChunk([0, 0, 0, 0, 0, 3, 1]), HOME, 0, 0))).toMatchObject({
      adopted: true,
      score: 0.75,
    });
    const r = loop.tick(0, null);
    expect(r.kind).toBe('action');
    expect(r.values[5]).toBeCloseTo(0.25, 9);
  });

  it('[C2] a chunk whose next step scores too low is refused and not sent', () => {
    const loop = new ControlLoop(tabletopSpec());
    loop.observe(HOME, 0);
    const answer = loop.adopt(chunk(constantChunk([0.5, 0, 0, 0, 0, 0, 1]), HOME, 0, 0));
    expect(answer).toMatchObject({ adopted: false, reason: 'unsafe', usable: 0 });
    expect(answer.score).toBeLessThan(0.7);
    expect(flagNames(answer.flags)).toEqual(['policy_workspace', 'policy_dynamics', 'rejected']);
    expect(loop.tick(0, null)).toMatchObject({ kind: 'hold', reason: 'safety' });
  });

  it('[C2] a later step that scores too low is held at its own tick, with the score that did it', () => {
    const loop = new ControlLoop(tabletopSpec());
    loop.observe(HOME, 0);
    const actions = constantChunk([0.001, 0, 0, 0, 0, 0, 1]);
    actions[3 * 7] = 0.5;
    expect(loop.adopt(chunk(actions, HOME, 0, 0)).adopted).toBe(true);
    for (let n = 0; n < 3; n++) expect(loop.tick(n, null).kind).toBe('action');
    const r = loop.tick(3, null);
    expect(r).toMatchObject({ kind: 'hold', reason: 'safety' });
    expect(r.score).toBeCloseTo(0.75 * 0.6, 6);
    expect(r.proposed[0]).toBeGreaterThan(0.4);
    expect(r.values[0]).toBe(0);
  });
});
