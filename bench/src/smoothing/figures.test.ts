import { expect, it } from 'vitest';
import { lag, roughness } from './figures.js';
import { handTrack } from './track.js';

it('finds by how much a path is late', () => {
  const way = (t: number): number => Math.sin(t);
  const path = Array.from({ length: 500 }, (_, i) => way((i + 1) * 0.02 - 0.085));
  expect(lag(path, way, 0.02).s).toBeCloseTo(0.085, 3);
  expect(lag(path, way, 0.02).rms).toBeLessThan(1e-3);
});

it('knows the jerk of t³', () => {
  const path = Array.from({ length: 50 }, (_, i) => (i * 0.1) ** 3);
  expect(roughness(path, 0.1)).toBeCloseTo(36, 6);
  expect(roughness([1, 2, 3, 4, 5], 0.1)).toBeCloseTo(0, 9);
});

it('makes the same mistakes every time, and small ones', () => {
  const mistakes = Array.from({ length: 400 }, (_, n) => handTrack().mistake(n, 2));
  expect(mistakes).toEqual(Array.from({ length: 400 }, (_, n) => handTrack().mistake(n, 2)));
  const deviation = Math.sqrt(mistakes.reduce((sum, m) => sum + m * m, 0) / mistakes.length);
  expect(deviation).toBeGreaterThan(0.0017);
  expect(deviation).toBeLessThan(0.0023);
});
