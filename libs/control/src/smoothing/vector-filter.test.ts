import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyMotionLimits, logarithmic } from '../testing/kit.js';
import type { FilterLimits } from './jerk-limited.js';
import { VectorFilter } from './vector-filter.js';

const KINDS = ['ema', 'one_euro', 'butterworth2', 'jerk_limited'] as const;
const RATES = [10, 30, 100] as const;
const LIMITS: FilterLimits = { velocity: [2, 2], acceleration: [20, 24], jerk: [250, 300] };

/** Outputs of a fresh filter that starts at 0, for one target a tick. */
function run(filter: VectorFilter, targets: readonly (readonly number[])[]): number[][] {
  return targets.map((target) => {
    const value = Float64Array.from(target);
    filter.apply(value, new Float64Array(target.length));
    return [...value];
  });
}

/** How long after a ramp of `slope` a second the output passes the same value, in ms. */
function rampLagMs(filter: VectorFilter, hz: number, slope: number): number {
  const ramp = Array.from({ length: 10 * hz }, (_, i) => [(slope * (i + 1)) / hz, 0]);
  const last = run(filter, ramp).at(-1) as number[];
  return (1_000 * ((ramp.at(-1) as number[])[0]! - last[0]!)) / slope;
}

const norm = (v: readonly number[]): number => Math.hypot(...v);
const differences = (rows: readonly (readonly number[])[], h: number): number[][] =>
  rows.slice(1).map((row, i) => row.map((value, d) => (value - rows[i]![d]!) / h));

describe('VectorFilter', () => {
  it.each([
    ['ema', 10, 58],
    ['ema', 100, 95],
    ['one_euro', 10, 32],
    ['one_euro', 100, 17],
    ['butterworth2', 10, 71],
    ['butterworth2', 100, 90],
    ['jerk_limited', 10, 50],
    ['jerk_limited', 100, 115],
  ] as const)('[F4] %s at %i Hz follows a ramp of 1 rad/s %i ms late, as its docstring says', (kind, hz, lag) => {
    expect(Math.abs(rampLagMs(new VectorFilter(kind, 1 / hz, 2, LIMITS), hz, 1) - lag)).toBeLessThan(1);
  });

  it.each(KINDS)('[F2] %s takes a straight line to a target that stands', (kind) => {
    for (const hz of RATES) {
      const filter = new VectorFilter(kind, 1 / hz, 2, LIMITS);
      for (const [x, y] of run(filter, new Array(100).fill([0.6, -0.2])) as [number, number][])
        expect(y).toBeCloseTo(-x / 3, 12);
    }
  });

  it('[F4] butterworth2 lets slow motion through and cuts fast motion by 12 dB an octave', () => {
    const gain = (hz: number, fs: number): number => {
      const filter = new VectorFilter('butterworth2', 1 / fs, 1, LIMITS);
      const out = run(
        filter,
        Array.from({ length: 6 * fs }, (_, i) => [Math.sin((2 * Math.PI * hz * i) / fs)]),
      );
      return Math.max(...out.slice(4 * fs).map(([y]) => Math.abs(y!)));
    };
    expect(gain(0.5, 100)).toBeGreaterThan(0.99);
    expect(gain(2.5, 100)).toBeCloseTo(Math.SQRT1_2, 2);
    expect(gain(10, 100)).toBeLessThan(0.07);
    expect(gain(20, 100)).toBeLessThan(0.016);
    // A control rate of 5 Hz: the cutoff gives way, the filter stays stable.
    expect(gain(0.2, 5)).toBeGreaterThan(0.95);
  });

  it('[F5] jerk_limited keeps speed, acceleration and jerk, whatever its target does', () => {
    fc.assert(
      fc.property(
        anyMotionLimits,
        fc.constantFrom(...RATES),
        fc.array(fc.tuple(fc.integer({ min: 1, max: 20 }), logarithmic(0.001, 2), fc.boolean()), { maxLength: 20 }),
        ({ v, a, j }, hz, moves) => {
          const limits = { velocity: [v, v], acceleration: [a, a], jerk: [j, j] };
          const targets = moves.flatMap(([ticks, size, flip]) =>
            new Array(ticks).fill(flip ? [size, -size] : [-size, size / 2]),
          );
          const h = 1 / hz;
          const path = [[0, 0], [0, 0], [0, 0], ...run(new VectorFilter('jerk_limited', h, 2, limits), targets)];
          const speeds = differences(path, h);
          const accelerations = differences(speeds, h);
          const jerks = differences(accelerations, h);
          // Where the jerk limit is below what one tick makes of any acceleration, it cannot bind.
          const most = Math.max(j, (2 * a) / h);
          for (const s of speeds) expect(norm(s)).toBeLessThanOrEqual(v * (1 + 1e-9));
          for (const s of accelerations) expect(norm(s)).toBeLessThanOrEqual(a * (1 + 1e-9) + 1e-9);
          for (const s of jerks) expect(norm(s)).toBeLessThanOrEqual((2 * a > j * h ? j : most) * (1 + 1e-9) + 1e-6);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('[F5] jerk_limited arrives from any motion, and stays', () => {
    fc.assert(
      fc.property(
        anyMotionLimits,
        fc.constantFrom(...RATES),
        fc.array(fc.tuple(fc.double({ min: -1, max: 1, noNaN: true }), fc.double({ min: -1, max: 1, noNaN: true })), {
          minLength: 1,
          maxLength: 30,
        }),
        ({ v, a, j }, hz, wandering) => {
          const limits = { velocity: [v, v], acceleration: [a, a], jerk: [j, j] };
          const filter = new VectorFilter('jerk_limited', 1 / hz, 2, limits);
          run(filter, wandering);
          const goal = wandering.at(-1)!;
          const ticks = Math.ceil(hz * (10 + 10 / v));
          const [x, y] = run(filter, new Array(ticks).fill(goal)).at(-1)!;
          expect(Math.hypot(x! - goal[0], y! - goal[1])).toBeLessThan(1e-6);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('[F5] jerk_limited takes no longer than its limits and its average need', () => {
    const limits = { velocity: [0.25], acceleration: [2.5], jerk: [25] };
    const filter = new VectorFilter('jerk_limited', 0.01, 1, limits);
    const path = run(filter, new Array(200).fill([0.1])).map(([x]) => x!);
    // 0.25 m/s at 2.5 m/s²: 0.4 s and 0.1 s of ramp; the average adds its length.
    const arrived = path.findIndex((x) => x > 0.1 - 1e-9);
    expect(arrived).toBeLessThan(0.5 / 0.01 + 20 + 3);
    expect(arrived).toBeGreaterThan(0.5 / 0.01 + 20 - 5);
  });

  it('[F3] allocates its memory once', () => {
    const filter = new VectorFilter('jerk_limited', 0.01, 7, {
      velocity: new Array(7).fill(2),
      acceleration: new Array(7).fill(10),
      jerk: new Array(7).fill(250),
    });
    expect(filter.row).toBeLessThan(8 * 60);
  });
});
