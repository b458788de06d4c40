import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Bench } from '../testing/scheduler-bench.js';
import { HorizonStretch } from './horizon-stretch.js';

describe('the stretch of horizons', () => {
  test('[Q8] is 1 while there is room, and beyond as long as it takes for robots to ask no more than 0.8 μ', () => {
    const stretch = new HorizonStretch();
    for (const load of [0, 0.5, 0.8]) {
      stretch.update(load);
      expect(stretch.factor).toBe(1);
    }
    for (const load of [0.9, 1.6, 3]) {
      stretch.update(load);
      expect(load / stretch.factor).toBeCloseTo(0.8, 12);
    }
    stretch.update(0.4);
    expect(stretch.factor).toBe(1);
  });

  test('[Q8] does not swing: a load that stays within a fifth of another never changes it back and forth', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.1, max: 5, noNaN: true }),
        fc.array(fc.double({ min: 0.81, max: 1, noNaN: true }), { minLength: 2, maxLength: 50 }),
        (peak, shares) => {
          const stretch = new HorizonStretch();
          stretch.update(peak);
          const { factor } = stretch;
          for (const share of shares) {
            stretch.update(share * peak);
            expect(stretch.factor).toBe(factor);
          }
        },
      ),
    );
  });

  test('[Q8] counts who has asked lately, at the rate that was promised it, whatever it asks for now', () => {
    // 10 ms a batch of one: μ is 100 a second.
    const bench = new Bench({ maxBatch: 1, warmUp: [{ batch: 1, inferMs: 10 }] });
    const sessions = bench.requesters(4);
    for (const session of sessions) bench.scheduler.reserve(session, 40);
    expect(bench.scheduler.horizonStretch).toBe(1);
    bench.enqueue(...sessions);
    while (bench.running().length > 0) bench.finish({ tookMs: 10 });
    bench.advance(250);
    expect(bench.scheduler.horizonStretch).toBeCloseTo(1.6 / 0.8, 9);
    // Three go on, more rarely; one asks no more.
    for (let s = 0; s < 6; s++) {
      bench.advance(1_000);
      bench.enqueue(...sessions.slice(0, 3));
      while (bench.running().length > 0) bench.finish({ tookMs: 10 });
    }
    expect(bench.scheduler.horizonStretch).toBeCloseTo(1.2 / 0.8, 9);
    bench.advance(6_000);
    expect(bench.scheduler.horizonStretch).toBe(1);
  });
});
