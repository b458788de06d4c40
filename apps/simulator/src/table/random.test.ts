import { describe, expect, it } from 'vitest';
import { episodeRandom, Random } from './random.js';

describe('Random', () => {
  it('gives the reference numbers of mulberry32', () => {
    const random = new Random(1);
    expect([random.uint32(), random.uint32(), random.uint32()]).toEqual([2693262067, 11749833, 2265367787]);
  });

  it('starts neighbouring episodes far apart', () => {
    const first = Array.from({ length: 200 }, (_, seed) => episodeRandom(seed).unit());
    expect(new Set(first.map((unit) => Math.floor(unit * 20))).size).toBe(20);
  });

  it('draws normals with mean 0 and deviation 1', () => {
    const random = new Random(5);
    const values = Array.from({ length: 20_000 }, () => random.normal());
    const mean = values.reduce((a, b) => a + b) / values.length;
    expect(mean).toBeCloseTo(0, 1);
    expect(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length).toBeCloseTo(1, 1);
  });
});
