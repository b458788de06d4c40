import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FrameBudget } from './frame-budget.js';

test('[W6] the budget lets 2 × control_hz + 20 frames a second pass, whatever their spacing', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100 }),
      fc.array(fc.double({ min: 0, max: 50, noNaN: true }), { maxLength: 400 }),
      (hz, gaps) => {
        const budget = new FrameBudget(hz, 0);
        let now = 0;
        let passed = 0;
        for (const gap of gaps) {
          now += gap;
          if (budget.take(now) === 'ok') passed++;
        }
        const rate = 2 * hz + 20;
        expect(passed).toBeLessThanOrEqual(rate + (now / 1_000) * rate + 1e-6);
      },
    ),
  );
});

test('[W6] ten seconds over the budget close the session, a pause of a second forgives', () => {
  const flood = (budget: FrameBudget, fromMs: number, toMs: number): string => {
    let verdict = 'ok';
    for (let now = fromMs; now <= toMs; now += 1) verdict = budget.take(now) === 'close' ? 'close' : verdict;
    return verdict;
  };
  expect(flood(new FrameBudget(10, 0), 0, 12_000)).toBe('close');
  const forgiven = new FrameBudget(10, 0);
  expect(flood(forgiven, 0, 9_000)).toBe('ok');
  expect(flood(forgiven, 12_000, 21_000)).toBe('ok');
});

test('[W6] what is given back never adds up to more than a second’s frames', () => {
  const budget = new FrameBudget(10, 0);
  for (let i = 0; i < 1_000; i++) budget.giveBack();
  let passed = 0;
  while (budget.take(0) === 'ok') passed++;
  expect(passed).toBe(40);
});
