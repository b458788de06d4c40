import fc from 'fast-check';
import { expect, test } from 'vitest';
import { gaussian, seeded } from './random.js';
import { robustSlope } from './slope.js';

test('a line is found exactly, whatever its steepness, and a quarter of wild points does not move it', () => {
  const steepness = fc.integer({ min: -1_000, max: 1_000 });
  fc.assert(
    fc.property(steepness, fc.integer({ min: 8, max: 40 }), fc.nat(), (slope, n, seed) => {
      const random = seeded(seed);
      const points = Array.from({ length: n }, (_, x) => [x, slope * x] as const);
      expect(robustSlope(points)?.slope).toBeCloseTo(slope, 9);
      const wild = points.map(([x, y]) => [x, random() < 0.1 ? 1e6 * random() : y] as const);
      if (wild.filter(([x, y]) => y !== slope * x).length <= n / 8) {
        expect(robustSlope(wild)?.slope).toBeCloseTo(slope, 6);
      }
    }),
  );
});

test('noise alone has no slope in the interval’s share of the cases', () => {
  const random = seeded(11);
  let missed = 0;
  for (let trial = 0; trial < 1_000; trial++) {
    const found = robustSlope(Array.from({ length: 30 }, (_, x) => [x, gaussian(random)] as const));
    if (found === null || found.low > 0 || found.high < 0) missed++;
  }
  expect(missed).toBeLessThan(80);
});

test('too few points, or all at one place, have none', () => {
  expect(
    robustSlope([
      [0, 0],
      [1, 1],
      [2, 2],
      [3, 3],
    ]),
  ).toBeNull();
  expect(robustSlope(Array.from({ length: 9 }, (_, y) => [1, y] as const))).toBeNull();
});
