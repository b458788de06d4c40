import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ControlLoop } from './control-loop.js';
import { FrozenPrefix, prefixWeight } from './frozen-prefix.js';
import { chunk, mulberry32, tabletopSpec } from './testing/kit.js';

const HOME = Float64Array.of(0, 0, 0.1, 0, 0, 0, 1);
const D = 7;
const RTC = { blend: 'rtc' } as const;

/** Steps of x metres a tick, gripper open. */
const steps = (x: number): Float32Array =>
  Float32Array.from({ length: 8 * D }, (_, i) => (i % D === 0 ? x : i % D === 6 ? 1 : 0));

const row = (actions: Float32Array, i: number): number[] => [...actions.subarray(i * D, i * D + D)];
const rounded = (values: Float64Array): number[] => [...Float32Array.from(values)];

/** A loop that sent ticks 0 … `ticks` − 1 of one chunk, and what it sent. */
function begun(ticks: number, change = {}) {
  const loop = new ControlLoop(tabletopSpec({ ...RTC, ...change }));
  loop.observe(HOME, 0);
  loop.adopt(chunk(steps(0.01), HOME, 0, 0));
  const sent = Array.from({ length: ticks }, (_, n) => rounded(loop.tick(n, null).values));
  return { loop, sent };
}

describe('the mask', () => {
  it('[L7] is 1 for what is frozen, falls off softly, and is 0 for what the robot will not get to', () => {
    const mask = (d: number, s: number, h: number) => Array.from({ length: h }, (_, i) => prefixWeight(i, d, s, h));
    expect(mask(3, 4, 8)).toEqual([
      1,
      1,
      1,
      expect.closeTo((0.5 * (Math.E ** 0.5 - 1)) / (Math.E - 1), 12),
      0,
      0,
      0,
      0,
    ]);
    expect(mask(4, 4, 8)).toEqual([1, 1, 1, 1, 0, 0, 0, 0]);
    // The published check, with the linear form's c: 1 1 4/5 3/5 2/5 1/5 0 0 0 0.
    const soft = (c: number) => (c * (Math.exp(c) - 1)) / (Math.E - 1);
    const expected = [1, 1, ...[4, 3, 2, 1].map((k) => expect.closeTo(soft(k / 5), 12)), 0, 0, 0, 0];
    expect(mask(2, 4, 10)).toEqual(expected);
  });

  it('[L7] needs max(d, 1) ≤ s ≤ H − d; d is the longest of the recent delays within that, and at least what was sent already', () => {
    const prefix = new FrozenPrefix({ chunkSize: 8, dim: 7, execute: 4 }, 64);
    expect(prefix.frozen(10, 10)).toBe(0);
    expect(prefix.frozen(10, 13)).toBe(3);
    prefix.came(2);
    expect(prefix.frozen(10, 10)).toBe(2);
    expect(prefix.frozen(10, 14)).toBe(4);
    expect(prefix.frozen(10, 15)).toBeNull();
    prefix.came(5);
    expect(prefix.frozen(10, 10)).toBe(4);
    for (let i = 0; i < 10; i++) prefix.came(1);
    expect(prefix.frozen(10, 10)).toBe(1);
    expect(new FrozenPrefix({ chunkSize: 8, dim: 7, execute: 1 }, 64).frozen(0, 1)).toBe(1);
    expect(new FrozenPrefix({ chunkSize: 8, dim: 7, execute: 1 }, 64).frozen(0, 2)).toBeNull();
    expect(new FrozenPrefix({ chunkSize: 8, dim: 7, execute: 7 }, 64).frozen(0, 2)).toBeNull();
  });
});

describe('the prefix', () => {
  it('[L7] holds what was sent since the observation, as it was sent', () => {
    const { loop, sent } = begun(5, { limits: tabletopSpec().limits });
    const { actions, weights, frozen } = loop.prefix(2, 5)!;
    expect(frozen).toBe(3);
    expect([0, 1, 2].map((i) => row(actions, i))).toEqual(sent.slice(2));
    expect([...weights.subarray(0, 3)]).toEqual([1, 1, 1]);
  });

  it('[L7] foretells, to the bit, what the next ticks send: governed, smoothed, and held where nothing is left', () => {
    for (const smoothing of ['none', 'one_euro', 'jerk_limited'] as const) {
      const { loop } = begun(6, { smoothing });
      // Too old to be used, but it tells how late chunks come: the plan ends at tick 8, two ticks before the next could begin.
      expect(loop.adopt(chunk(steps(0), HOME, -1, 3)).reason).toBe('expired');
      const { actions, frozen } = loop.prefix(6, 6)!;
      expect(frozen).toBe(4);
      const then = [6, 7, 8, 9].map((n) => rounded(loop.tick(n, null).values));
      expect(then[1]![0]).toBeGreaterThan(0.005);
      expect([0, 1, 2, 3].map((i) => row(actions, i))).toEqual(then);
    }
  });

  it('[L7] changes nothing: the loop that was asked and the one that was not send the same, bit for bit', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.constantFrom('none' as const, 'butterworth2' as const, 'jerk_limited' as const),
        fc.constantFrom('euler_xyz' as const, 'rotvec' as const),
        (seed, smoothing, rotation) => {
          const spec = tabletopSpec({ ...RTC, smoothing });
          const loops = [0, 1].map(() => new ControlLoop({ ...spec, action: { ...spec.action, rotation } }));
          const random = mulberry32(seed);
          for (let n = 0; n < 120; n++) {
            const base = Math.max(0, n - Math.floor(random() * 5));
            const actions = Float32Array.from({ length: 56 }, (_, i) => (i % D === 6 ? 1 : (random() - 0.5) * 0.04));
            const state = HOME.map((x) => x + (random() - 0.5) * 0.02);
            const [observes, adopts, holds, misses] = Array.from({ length: 4 }, random) as [
              number,
              number,
              number,
              number,
            ];
            if (random() < 0.7) loops[0]?.prefix(base, n);
            if (misses < 0.03) continue;
            const results = loops.map((loop) => {
              if (observes < 0.5) loop.observe(state, base);
              if (adopts < 0.4) loop.adopt(chunk(actions, state, base, n));
              if (holds < 0.02) loop.restart(n);
              if (holds > 0.98) loop.beginEpisode();
              const r = loop.tick(n, holds > 0.94 && holds < 0.98 ? 'stale' : null);
              return [...r.values, r.flags, r.reason];
            });
            expect(results[0]).toEqual(results[1]);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('[L7] counts what was planned ahead as sent, also after a plan was replaced', () => {
    const { loop } = begun(0);
    const plan = loop.plan(0, 8);
    const { actions } = loop.prefix(2, 5)!;
    expect([0, 1, 2].map((i) => row(actions, i))).toEqual(
      [2, 3, 4].map((n) => rounded(plan.values.subarray(n * D, n * D + D))),
    );
    loop.observe(HOME, 3);
    loop.adopt(chunk(steps(-0.01), HOME, 3, 5));
    const next = loop.plan(5, 6);
    const after = loop.prefix(4, 7)!;
    expect(row(after.actions, 0)).toEqual(rounded(plan.values.subarray(4 * D, 5 * D)));
    expect(row(after.actions, 1)).toEqual(rounded(next.values.subarray(0, D)));
  });

  it('[L7] is none where it would be a guess: nothing sent, a tick missed, an episode ago, another blend', () => {
    const { loop } = begun(4);
    expect(new ControlLoop(tabletopSpec(RTC)).prefix(0, 0)).toBeNull();
    expect(loop.prefix(2, 4)).not.toBeNull();
    loop.tick(5, null);
    expect(loop.prefix(3, 6)).toBeNull();
    expect(loop.prefix(5, 6)).not.toBeNull();
    loop.beginEpisode();
    expect(loop.prefix(5, 6)).toBeNull();
    expect(begun(4, { blend: 'latest' }).loop.prefix(2, 4)).toBeNull();
  });

  it('[L7] makes the seam to a chunk that continues it vanish, however late it comes', () => {
    const { loop } = begun(6);
    const state = HOME.slice();
    state[0] = 0.01 * 3;
    loop.observe(state, 3);
    const { actions } = loop.prefix(3, 6)!;
    const continued = steps(0.01);
    continued.set(actions.subarray(0, 3 * D));
    expect(loop.adopt(chunk(continued, state, 3, 6)).seam).toBeLessThan(1e-7);
  });
});
