import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Renderer } from '../camera/render.js';
import { Policy } from '../policy/policy.js';
import { Words } from '../policy/words.js';
import { evaluationSeed } from '../seeds.js';
import { vocabulary } from '../table/instructions.js';
import { TABLETOP, TABLETOP_RTC } from '../testing/tabletop.js';
import { type EvaluationOptions, evaluate } from './evaluate.js';
import { wilson } from './wilson.js';

describe('the bundle in closed loop', () => {
  let policy: Policy;
  beforeAll(async () => {
    policy = await Policy.load(`${TABLETOP}/policy.onnx`, new Words(vocabulary()));
  });
  afterAll(() => policy.close());

  const run = (options: Partial<EvaluationOptions>) =>
    evaluate({
      policy,
      renderer: new Renderer(),
      seeds: Array.from({ length: 20 }, (_, i) => evaluationSeed(50_000_000, i)),
      delayTicks: 0,
      execute: 4,
      jpeg: false,
      blind: null,
      wording: 'trained',
      ...options,
    });

  it('does its tasks, with all three families among them', async () => {
    const { episodes, successes, by_task, wrong_lifts } = await run({});
    expect(episodes).toBe(20);
    expect(successes).toBeGreaterThanOrEqual(19);
    expect(Object.values(by_task).every((task) => task.successes > 0)).toBe(true);
    expect(wrong_lifts).toBe(0);
  });

  it('does them from JPEG frames, two ticks late, in words that it was not trained on', async () => {
    const { successes } = await run({ jpeg: true, delayTicks: 2, wording: 'held-out' });
    expect(successes).toBeGreaterThanOrEqual(18);
  });

  it('does nothing useful where it cannot see', async () => {
    expect((await run({ blind: 'grey' })).successes).toBeLessThanOrEqual(1);
    expect((await run({ blind: 'swap' })).successes).toBeLessThanOrEqual(1);
  });

  it('follows the words: other colours, other cubes', async () => {
    const { successes, wrong_lifts } = await run({ blind: 'recolour' });
    expect(successes).toBeLessThanOrEqual(1);
    expect(wrong_lifts).toBeGreaterThanOrEqual(6);
  });
});

describe('the bundle that continues a prefix', () => {
  it('does its tasks three ticks late', async () => {
    const policy = await Policy.load(`${TABLETOP_RTC}/policy.onnx`, new Words(vocabulary()));
    expect(policy.takesPrefix).toBe(true);
    const { successes } = await evaluate({
      policy,
      renderer: new Renderer(),
      seeds: Array.from({ length: 20 }, (_, i) => evaluationSeed(50_000_000, i)),
      delayTicks: 3,
      execute: 4,
      jpeg: true,
      blind: null,
      wording: 'trained',
    });
    await policy.close();
    expect(successes).toBeGreaterThanOrEqual(19);
  });
});

describe('wilson', () => {
  it('gives the published intervals', () => {
    expect(wilson(399, 400).map((x) => Math.round(1000 * x) / 10)).toEqual([98.6, 100]);
    expect(wilson(0, 10)[0]).toBe(0);
    expect(wilson(0, 0)).toEqual([0, 1]);
  });
});
