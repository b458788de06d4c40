import fc from 'fast-check';
import { expect, test } from 'vitest';
import { applyAffine, checkNormalization, type Normalization, normalizer, unnormalizer } from './normalization.js';

const meanStd: Normalization = { kind: 'mean_std', mean: [1, 2, 0], std: [2, 4, 1], mask: [true, true, false] };
const quantiles: Normalization = { kind: 'q01_q99', q01: [-1, 0, 5], q99: [3, 10, 5], mask: [true, true, false] };
const apply = (affine: ReturnType<typeof normalizer>, values: number[]) => {
  const array = Float32Array.from(values);
  if (affine !== null) applyAffine(array, affine);
  return [...array];
};

test('[P4] mean/std: (x − mean)/std into the graph, x·std + mean out of it; masked entries pass', () => {
  expect(apply(normalizer(meanStd, 3), [3, 2, 7])).toEqual([1, 0, 7]);
  expect(apply(unnormalizer(meanStd, 3), [1, 0, 7, 0, 1, 7])).toEqual([3, 2, 7, 1, 6, 7]);
});

test('[P4] q01/q99: the quantiles become −1 and 1, and back; masked entries pass', () => {
  expect(apply(normalizer(quantiles, 3), [-1, 10, 0.5])).toEqual([-1, 1, 0.5]);
  expect(apply(unnormalizer(quantiles, 3), [-1, 1, 0.5, 0, 0, 1])).toEqual([-1, 10, 0.5, 1, 5, 1]);
});

test('[P4] a graph that does it itself is left alone', () => {
  expect(normalizer('graph', 3)).toBeNull();
  expect(unnormalizer('graph', 3)).toBeNull();
});

test('[P4] out of the graph is the inverse of into it', () => {
  const value = fc.double({ min: -10, max: 10, noNaN: true });
  fc.assert(
    fc.property(value, fc.double({ min: 0.1, max: 10, noNaN: true }), value, (mean, std, x) => {
      const norm: Normalization = { kind: 'mean_std', mean: [mean], std: [std] };
      const there = apply(normalizer(norm, 1), [x]);
      expect(apply(unnormalizer(norm, 1), there)[0]).toBeCloseTo(x, 4);
    }),
  );
});

test('[P4] a table of another length, or with q99 not above q01 where it counts, is named', () => {
  expect(checkNormalization(meanStd, 4)?.[0]).toBe('mean');
  expect(checkNormalization(quantiles, 3)).toBeNull();
  expect(checkNormalization({ kind: 'q01_q99', q01: [0], q99: [0] }, 1)?.[0]).toBe('q99.0');
});
