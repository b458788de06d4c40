import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { BenchResult } from '../result.js';
import { scaleOf } from './axis.js';
import { pageHtml } from './page.js';

const RESULT: BenchResult = {
  bench: 'load',
  format: 1,
  at: '2026-11-21T12:00:00.000Z',
  command: "npm run bench -- load --policy '<script>'",
  machine: { date: '2026-11-21', cpu: 'a processor', cores: 2, node: 'v20', system: 'linux 6', steal_share: 0.01 },
  load_average: [1, 2, 3],
  duration_s: 20,
  figures: [
    { name: 'a', label: 'age & more', unit: 'ms', better: 'lower', value: 5, goal: { op: '<=', value: 4 } },
    {
      name: 'b',
      label: 'rate',
      unit: '/s',
      better: 'higher',
      value: 2,
      rounds: [1, 2, 3],
      goal: { op: '>=', value: 2 },
    },
  ],
  series: [
    {
      name: 's',
      title: 'Latency',
      x: { label: 'clients', log: true },
      y: { label: 'p99', unit: 'ms' },
      lines: [
        {
          label: 'one',
          points: [
            [0, 1],
            [1, 2],
            [10, 3],
          ],
        },
      ],
    },
  ],
};

test('the page tells goals plainly, escapes what it is given, and neither loads nor runs anything', () => {
  const html = pageHtml([{ file: 'a.json', result: RESULT }], 'Title');
  expect(html).toContain('Goals: 1 met, 1 missed');
  expect(html).toContain('age &amp; more');
  expect(html).not.toMatch(/<script|src=|https?:|url\(|@import|onclick/i);
  expect(html).toContain("default-src 'none'");
  // A point at zero has no place on a logarithmic axis, but its numbers are told.
  expect(html.match(/<circle cx="[\d.]+" cy="[\d.]+" r="3"><title>/g)).toHaveLength(2);
  expect(html).toContain('<td>one</td><td>0</td><td>1</td>');
  expect(html).not.toContain('NaN');
});

test('every id of a page is there once, also with the same run twice', () => {
  const html = pageHtml(
    [
      { file: 'a.json', result: RESULT },
      { file: 'a.json', result: RESULT },
    ],
    'Title',
  );
  const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const [, target] of html.matchAll(/(?:href="#|aria-labelledby="|aria-describedby=")([^"]+)"/g))
    expect(ids).toContain(target);
});

test('an axis holds all values between its ends, with a handful of ticks in order', () => {
  const values = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(values, (all) => {
      const scale = scaleOf(all, false);
      for (const value of all) {
        expect(scale.at(value)).toBeGreaterThanOrEqual(-1e-6);
        expect(scale.at(value)).toBeLessThanOrEqual(1 + 1e-6);
      }
      expect(scale.ticks.length).toBeGreaterThanOrEqual(2);
      expect(scale.ticks.length).toBeLessThanOrEqual(9);
    }),
  );
  const positive = fc.array(fc.double({ min: 1e-6, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(positive, (all) => {
      const scale = scaleOf(all, true);
      for (const value of all) {
        expect(scale.at(value)).toBeGreaterThanOrEqual(-1e-6);
        expect(scale.at(value)).toBeLessThanOrEqual(1 + 1e-6);
      }
      expect(scale.ticks).toEqual([...scale.ticks].sort((a, b) => a - b));
    }),
  );
});
