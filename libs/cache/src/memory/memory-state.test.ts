import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { registerContract } from '../testing/contract.js';
import { ExpiringMap } from './expiring-map.js';
import { createMemoryState } from './memory-state.js';

describe('the shared state in memory', () => {
  registerContract(async () => {
    let nowMs = 1_000_000;
    const state = createMemoryState(() => nowMs);
    return {
      a: state,
      b: state,
      pass: async (ms) => {
        nowMs += ms;
      },
      close: () => state.close(),
    };
  });
});

test('a limiter lets through no more than its burst and its rate, whatever the spacing, and says truly what is left', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 600 }),
      fc.integer({ min: 1, max: 50 }),
      fc.array(fc.double({ min: 0, max: 5_000, noNaN: true }), { maxLength: 200 }),
      async (perMinute, burst, gaps) => {
        let now = 0;
        let passed = 0;
        const { limiter } = createMemoryState(() => now);
        for (const gap of gaps) {
          now += gap;
          const taken = await limiter.take('k', { perMinute, burst });
          if (taken.allowed) passed++;
          else {
            expect(taken.remaining).toBe(0);
            expect(taken.retryS).toBeGreaterThan(0);
          }
        }
        expect(passed).toBeLessThanOrEqual(burst + (now * perMinute) / 60_000 + 0.01);
      },
    ),
  );
});

test('what has ended does not stay in memory', () => {
  let now = 0;
  const map = new ExpiringMap<number>(() => now);
  for (let i = 0; i < 100_000; i++) {
    now += 10;
    map.set(`k${i}`, i, 1_000);
  }
  expect(map.size).toBeLessThan(2_048);
});

test('what is taken of a full limiter is back in as many whole seconds as it takes, at whatever time it was taken', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.double({ min: 0, max: 1e7, noNaN: true }),
      fc.constantFrom(1, 2, 4, 5, 6, 10, 12, 15, 20, 30, 60),
      async (now, perMinute) => {
        const { limiter } = createMemoryState(() => now);
        const first = await limiter.take('k', { perMinute, burst: 1 });
        expect(first).toMatchObject({ allowed: true, resetS: 60 / perMinute });
        expect(await limiter.take('k', { perMinute, burst: 1 })).toMatchObject({
          allowed: false,
          retryS: 60 / perMinute,
        });
      },
    ),
    { numRuns: 1_000 },
  );
});
