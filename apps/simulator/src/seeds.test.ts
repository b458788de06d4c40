import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluationSeed, type TrainingStream, trainingSeed } from './seeds.js';

describe('seeds', () => {
  it('evaluation stays in the lower half, whatever it starts from', () => {
    expect(evaluationSeed(2 ** 31 - 1, 1)).toBe(0);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), fc.nat(1_000_000), (start, index) => {
        const seed = evaluationSeed(start, index);
        expect(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 31).toBe(true);
      }),
    );
  });

  it('training and its monitoring stay in the upper half, each stream in its own range', () => {
    const streams: TrainingStream[] = ['scattered', 'expert', 'learner', 'states', 'monitor'];
    fc.assert(
      fc.property(fc.constantFrom(...streams), fc.nat(2 ** 31 - 1), (stream, index) => {
        const seed = trainingSeed(stream, index);
        expect(seed).toBeGreaterThanOrEqual(2 ** 31);
        expect(seed).toBeLessThan(2 ** 32);
        expect(Math.floor((seed - 2 ** 31) / 2 ** 28)).toBe(streams.indexOf(stream));
      }),
    );
  });
});
