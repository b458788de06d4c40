import { expect, test } from 'vitest';
import { Latencies } from './latencies.js';
import { median, round3 } from './median.js';

test('percentiles are in milliseconds, to three digits', () => {
  const latencies = new Latencies();
  for (let ms = 1; ms <= 1_000; ms++) latencies.record(ms);
  const summary = latencies.summary();
  expect(summary?.count).toBe(1_000);
  for (const [key, ms] of [
    ['p50', 500],
    ['p90', 900],
    ['p99', 990],
    ['p999', 999],
    ['max', 1_000],
    ['mean', 500.5],
  ] as const) {
    expect(Math.abs((summary?.[key] ?? 0) / ms - 1)).toBeLessThan(0.002);
  }
});

test('noise below zero counts as zero, and what is over two minutes as two minutes', () => {
  const latencies = new Latencies();
  latencies.record(-0.5);
  latencies.record(1e9);
  expect(latencies.summary()).toMatchObject({ count: 2, p50: 0 });
  expect(latencies.summary()?.max).toBeGreaterThanOrEqual(120_000);
});

test('nothing recorded is not zero', () => {
  const latencies = new Latencies();
  latencies.record(1);
  latencies.clear();
  expect(latencies.summary()).toBeNull();
});

test('the median is the middle, or between the two middles', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(median([])).toBeNaN();
});

test('three digits, and never fewer than the whole part', () => {
  expect([0.0012345, 1.2345, 12.345, 123.45, 12_345.6, 0].map(round3)).toEqual([0.00123, 1.23, 12.3, 123, 12_346, 0]);
});
