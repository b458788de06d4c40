import { expect, test } from 'vitest';
import { warmUpSizes } from './manifest.js';

test.each<[{ max: number; sizes?: number[] }, number | undefined, number[]]>([
  [{ max: 1 }, undefined, [1]],
  [{ max: 16 }, undefined, [1, 2, 4, 8, 16]],
  [{ max: 12 }, undefined, [1, 2, 4, 8, 12]],
  [{ max: 16, sizes: [6, 16] }, undefined, [1, 6, 16]],
  [{ max: 16, sizes: [6, 16] }, 4, [1, 4]],
])('[Q6] warm-up of %j with a limit of %s runs %j', (batch, max, sizes) => {
  expect(warmUpSizes(batch, max)).toEqual(sizes);
});
