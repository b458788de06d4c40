import { expect, test } from 'vitest';
import { compareRates, medianRatios } from './compare-rates.js';

test('the ratio is served over bare, by CPU time and by wall time', () => {
  const bare = { inferences: 1_000, wallMs: 1_000, cpuMs: 800 };
  const served = { inferences: 900, wallMs: 1_000, cpuMs: 800 };
  expect(compareRates(bare, served)).toEqual({
    bare: { per_cpu_s: 1_250, per_wall_s: 1_000 },
    served: { per_cpu_s: 1_125, per_wall_s: 900 },
    cpu_ratio: 0.9,
    wall_ratio: 0.9,
  });
});

test('one disturbed round does not move the median', () => {
  const round = (cpu_ratio: number | null, wall_ratio: number) => ({
    bare: { per_cpu_s: 1, per_wall_s: 1 },
    served: { per_cpu_s: 1, per_wall_s: 1 },
    cpu_ratio,
    wall_ratio,
  });
  expect(medianRatios([round(0.95, 0.9), round(0.2, 0.1), round(0.97, 0.92)])).toEqual({
    cpu_ratio: 0.95,
    wall_ratio: 0.9,
  });
  expect(medianRatios([round(null, 0.9)])).toEqual({ cpu_ratio: null, wall_ratio: 0.9 });
});
