import { describe, expect, it } from 'vitest';
import { AgeHistogram } from './age-histogram.js';
import { Episodes } from './episodes.js';
import { Recent } from './recent.js';
import { TickCounter } from './tick-counter.js';

describe('AgeHistogram', () => {
  it('gives percentiles to half a millisecond', () => {
    const ages = new AgeHistogram();
    expect(ages.percentile(0.5)).toBe(0);
    for (let ms = 0; ms < 100; ms++) ages.add(ms);
    expect(ages.percentile(0.5)).toBeCloseTo(49.5, 5);
    expect(ages.percentile(0.99)).toBeCloseTo(98.5, 5);
    ages.add(1e9);
    expect(ages.percentile(1)).toBeGreaterThanOrEqual(10_000);
  });
});

describe('TickCounter', () => {
  it('counts ticks, and gaps as missed', () => {
    const counter = new TickCounter();
    for (const [seq, atMs] of [
      [0, 0],
      [1, 100],
      [4, 400],
      [5, 500],
    ] as const)
      counter.received(seq, atMs, false);
    expect(counter).toMatchObject({ ticks: 3, missed: 2, hz: 6 });
  });

  it('does not call missed what a reset threw away, what an outage hid, or what this side made up', () => {
    const counter = new TickCounter();
    counter.received(0, 0, false);
    counter.episodeBegan();
    counter.received(3, 300, false);
    expect(counter).toMatchObject({ ticks: 3, missed: 0, hz: 10 });
    counter.received(9, 900, true);
    counter.received(40, 4000, false);
    counter.linkBegan();
    counter.received(0, 9000, false);
    expect(counter).toMatchObject({ ticks: 3, missed: 0, hz: 10 });
  });
});

describe('Recent', () => {
  it('forgets the oldest', () => {
    const recent = new Recent(3);
    expect(recent.rate()).toBeNaN();
    expect(recent.percentile(0.5)).toBeNaN();
    for (const ms of [0, 5000, 5100, 5200]) recent.add(ms);
    expect(recent.rate()).toBe(10);
    expect(recent.percentile(0.5)).toBe(5100);
  });
});

describe('Episodes', () => {
  it('gives each episode once, and wraps within the evaluator’s half of the seeds', () => {
    const episodes = new Episodes(2 ** 31 - 2, 3);
    expect([1, 2, 3, 4].map(() => episodes.take())).toEqual([2 ** 31 - 2, 2 ** 31 - 1, 0, null]);
  });
});
