import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FrameAllowance } from './frame-allowance.js';

test('the frames of a customer’s rate pass and no more, whatever their spacing', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1_000 }),
      fc.array(fc.double({ min: 0, max: 20, noNaN: true }), { maxLength: 500 }),
      (rate, gaps) => {
        const allowance = new FrameAllowance(rate);
        let now = 1_000_000;
        let passed = 0;
        for (const gap of gaps) {
          now += gap;
          if (allowance.take(now) === 'ok') passed++;
        }
        const seconds = (now - 1_000_000) / 1_000;
        expect(passed).toBeLessThanOrEqual(rate + seconds * rate + 1e-6);
        if (passed < gaps.length) expect(passed).toBeGreaterThanOrEqual(Math.floor(rate));
      },
    ),
  );
});

const flood = (allowance: FrameAllowance, fromMs: number, toMs: number): number[] => {
  const closes: number[] = [];
  for (let now = fromMs; now <= toMs; now++) if (allowance.take(now) === 'close') closes.push(now);
  return closes;
};

test('ten seconds over the rate cost one session, ten more the next; a second’s pause forgives', () => {
  const allowance = new FrameAllowance(100);
  const closes = flood(allowance, 1_000_000, 1_025_000);
  expect(closes).toHaveLength(2);
  expect((closes[1] ?? 0) - (closes[0] ?? 0)).toBe(10_000);
  const forgiven = new FrameAllowance(100);
  expect(flood(forgiven, 0, 9_900)).toEqual([]);
  expect(flood(forgiven, 12_000, 21_900)).toEqual([]);
});

test('a changed tier counts at once', () => {
  const allowance = new FrameAllowance(10);
  for (let i = 0; i < 10; i++) allowance.take(1_000);
  expect(allowance.take(1_000)).toBe('drop');
  allowance.setRate(1_000);
  const passed = Array.from({ length: 600 }, () => allowance.take(1_500)).filter((verdict) => verdict === 'ok');
  expect(passed).toHaveLength(500);
});
