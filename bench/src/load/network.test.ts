import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seeded } from '../stats/random.js';
import { DelayQueue } from './delay-queue.js';
import { isPerfect, Link } from './link.js';

const conditions = fc.record({
  delayMs: fc.double({ min: 0, max: 500, noNaN: true }),
  jitterMs: fc.double({ min: 0, max: 100, noNaN: true }),
  loss: fc.double({ min: 0, max: 0.5, noNaN: true }),
});

test('a connection keeps its frames in order, none is there before the delay, and a seed gives the same times again', () => {
  fc.assert(
    fc.property(
      conditions,
      fc.integer(),
      fc.array(fc.integer({ min: 1, max: 300_000 }), { maxLength: 20 }),
      (of, seed, sizes) => {
        const times = () => {
          const link = new Link(of, seeded(seed));
          return sizes.map((bytes, i) => link.arrivalMs(10 * i, bytes));
        };
        const arrivals = times();
        arrivals.forEach((ms, i) => {
          expect(ms).toBeGreaterThanOrEqual(10 * i + of.delayMs);
          expect(ms).toBeGreaterThanOrEqual(arrivals[i - 1] ?? 0);
        });
        expect(times()).toEqual(arrivals);
      },
    ),
  );
});

test('a lost segment stalls by the retransmission timeout, and what is behind it waits for it', () => {
  // Lost; sent again and not lost; then nothing is lost.
  const dice = [0, 1, 1];
  const link = new Link({ delayMs: 20, jitterMs: 0, loss: 0.1 }, () => dice.shift() ?? 1);
  expect(link.arrivalMs(0, 500)).toBe(20 + 200 + 40);
  expect(link.arrivalMs(10, 500)).toBe(20 + 200 + 40);
  expect(link.arrivalMs(1_000, 500)).toBe(1_020);
});

test('early in a large frame enough follows a loss for it to be sent again after one round trip', () => {
  const dice = [0, 1];
  const link = new Link({ delayMs: 20, jitterMs: 0, loss: 0.1 }, () => dice.shift() ?? 1);
  expect(link.arrivalMs(0, 20_000)).toBe(20 + 40);
});

test('the share of stalled frames is what the loss of their segments makes of it', () => {
  const link = new Link({ delayMs: 0, jitterMs: 0, loss: 0.01 }, seeded(3));
  let stalled = 0;
  for (let i = 0; i < 20_000; i++) if (link.arrivalMs(1e6 * i, 10 * 1_448) > 1e6 * i) stalled++;
  // Segments within the first seven of ten come again at once where the round trip takes no time.
  expect(stalled / 20_000).toBeCloseTo(1 - 0.99 ** 3, 2);
});

test('a link with nothing to do is perfect', () => {
  expect(isPerfect({ delayMs: 0, jitterMs: 0, loss: 0 })).toBe(true);
  expect(isPerfect({ delayMs: 0, jitterMs: 1, loss: 0 })).toBe(false);
});

test('the queue gives everything at its time, and at the same time in the order it came', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 9 })), fc.integer({ min: 0, max: 9 }), (dues, nowMs) => {
      const queue = new DelayQueue<number>();
      dues.forEach((dueMs, i) => {
        queue.push(dueMs, i);
      });
      const out: number[] = [];
      queue.drain(nowMs, (item) => out.push(item));
      const expected = dues
        .map((dueMs, i) => ({ dueMs, i }))
        .filter(({ dueMs }) => dueMs <= nowMs)
        .sort((a, b) => a.dueMs - b.dueMs || a.i - b.i)
        .map(({ i }) => i);
      expect(out).toEqual(expected);
      expect(queue.size).toBe(dues.length - expected.length);
    }),
  );
});
