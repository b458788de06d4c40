import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Figure } from '../result.js';
import { canTell, shiftInterval } from './shift-interval.js';
import { compareFigure, FALSE_VERDICTS } from './verdict.js';

const figure = (rounds: readonly number[], better: Figure['better'] = 'lower'): Figure => ({
  name: 'f',
  label: 'f',
  unit: 'ms',
  better,
  value: rounds[0] ?? 0,
  rounds,
});
const verdict = (a: readonly number[], b: readonly number[], better: Figure['better'] = 'lower', tolerance = 0.05) =>
  compareFigure([figure(a, better)], [figure(b, better)], tolerance).verdict;

const sample = fc.array(fc.double({ min: 0.01, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 12 });

test('one value each, or four, tell nothing at 1 %; five do', () => {
  expect([1, 4, 5].map((n) => canTell(n, n, 0.01))).toEqual([false, false, true]);
  expect(verdict([1], [100])).toBe('cannot tell');
  expect(verdict([1, 1.1, 1.2, 1.3], [9, 9.1, 9.2, 9.3])).toBe('cannot tell');
  expect(verdict([1, 1.1, 1.2, 1.3, 1.4], [9, 9.1, 9.2, 9.3, 9.4])).toBe('worse');
  expect(verdict([1, 1.1, 1.2, 1.3, 1.4], [9, 9.1, 9.2, 9.3, 9.4], 'higher')).toBe('better');
  expect(verdict([1, 1.1, 1.2, 1.3, 1.4], [9, 9.1, 9.2, 9.3, 9.4], 'neither')).toBe('changed');
});

test('the cut agrees with the published tables of the rank-sum test', () => {
  // Critical values of U, two-sided 5 %: 5 and 5: 2; 8 and 8: 13; 10 and 10: 23; 20 and 20: 127. The cut is one more.
  for (const [n, critical] of [
    [5, 2],
    [8, 13],
    [10, 23],
    [20, 127],
  ] as const) {
    const a = Array.from({ length: n }, (_, i) => i);
    const differences = a.flatMap((x) => a.map((y) => y - x)).sort((x, y) => x - y);
    expect(shiftInterval(a, a, 0.05).low).toBe(differences[critical]);
  }
});

test('whole runs count before rounds, where there are enough of them', () => {
  const runs = (values: readonly number[]) => values.map((value) => ({ ...figure([1, 1, 1, 1, 1, 1]), value }));
  const compared = compareFigure(runs([1, 1.1, 1.2, 1.3, 1.4]), runs([2, 2.1, 2.2, 2.3, 2.4]), 0.05);
  expect(compared).toMatchObject({ verdict: 'worse', basis: { of: 'runs', a: 5, b: 5 }, change: { kind: 'ratio' } });
});

test('zeros and negative values are compared by their difference', () => {
  expect(verdict([0, 0, 0, 0, 0], [0, 0, 0, 0, 0])).toBe('same');
  const compared = compareFigure([figure([-1, -2, -1.5, -1.2, -1.1])], [figure([5, 6, 7, 5.5, 5.2])], 0.05);
  expect(compared).toMatchObject({ verdict: 'worse', change: { kind: 'difference' } });
});

test('a sample against itself is never better or worse, and swapping sides swaps the verdict', () => {
  fc.assert(
    fc.property(sample, sample, (a, b) => {
      expect(['same', 'cannot tell']).toContain(verdict(a, a));
      const swapped = { better: 'worse', worse: 'better' } as Record<string, string>;
      const forth = verdict(a, b, 'lower', 0);
      expect(verdict(b, a, 'lower', 0)).toBe(swapped[forth] ?? forth);
    }),
  );
});

test('neither the order of the rounds nor the unit matters', () => {
  fc.assert(
    fc.property(sample, sample, fc.integer({ min: -8, max: 8 }), (a, b, power) => {
      const scaled = (values: readonly number[]) => values.map((value) => value * 2 ** power);
      const before = verdict(a, b);
      expect(verdict([...a].reverse(), [...b].reverse())).toBe(before);
      // Powers of two keep every digit; the logarithms still round, which may move a tie by the last bit.
      const { change } = compareFigure([figure(a)], [figure(b)], 0.05);
      const again = compareFigure([figure(scaled(a))], [figure(scaled(b))], 0.05).change;
      if (change !== null && Number.isFinite(change.low)) expect(again?.value).toBeCloseTo(change.value, 6);
    }),
  );
});

test('two samples of one distribution are called different no more often than is stated', () => {
  let state = 12_345;
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  const normal = () => Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());
  const distributions: Record<string, () => number> = {
    even: () => 1 + random(),
    'normal around 100': () => 100 + 3 * normal(),
    'long tail': () => Math.exp(2 * normal()),
    'longer tail': () => 1 / random(),
    'two humps': () => (random() < 0.7 ? 10 : 30) + random(),
    'few different values': () => 1 + Math.floor(4 * random()),
    'around zero': () => normal(),
  };
  const trials = 1_500;
  for (const [name, draw] of Object.entries(distributions)) {
    for (const n of [5, 9]) {
      let false_ = 0;
      for (let i = 0; i < trials; i++) {
        const of = () => Array.from({ length: n }, draw);
        if (!['same', 'cannot tell'].includes(verdict(of(), of(), 'lower', 0))) false_++;
      }
      // Four standard deviations of the count above what is stated.
      const most = trials * FALSE_VERDICTS + 4 * Math.sqrt(trials * FALSE_VERDICTS);
      expect(false_, `${name}, ${n} rounds`).toBeLessThan(most);
    }
  }
});

test('a change of a fifth is seen through noise of a twentieth in nine rounds', () => {
  const noisy = (middle: number) => [0.95, 0.97, 0.99, 1, 1.01, 1.02, 1.03, 1.04, 1.05].map((x) => x * middle);
  expect(verdict(noisy(10), noisy(12))).toBe('worse');
  expect(verdict(noisy(10), noisy(8))).toBe('better');
  expect(verdict(noisy(10), noisy(10))).not.toBe('worse');
});
