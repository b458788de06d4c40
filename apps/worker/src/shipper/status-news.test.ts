import { expect, it } from 'vitest';
import { StatusNews, type ToldStatus } from './status-news.js';

const IDLE: ToldStatus = {
  state: 'shipping',
  inserted: 3,
  repeated: 0,
  conflicts: 0,
  refused: 0,
  records: 9,
  lag_ms: 0,
  pruned_segments: 0,
  journal_faults: 0,
};

it('tells a status once, and again only when something changed', () => {
  const news = new StatusNews();
  const told = Array.from({ length: 3_600 }, (_, second) =>
    news.isNews({ ...IDLE, lag_ms: second % 900 }, 1_000 * second),
  );
  expect(told.filter(Boolean)).toHaveLength(1);
  expect(told[0]).toBe(true);
  expect(news.isNews({ ...IDLE, refused: 1 }, 3_600_000)).toBe(true);
});

it('tells at most every five seconds, however much changes, and the newest then', () => {
  const news = new StatusNews();
  const told = Array.from({ length: 61 }, (_, second) =>
    news.isNews({ ...IDLE, records: second }, 1_000 * second) ? [second] : [],
  ).flat();
  expect(told).toEqual([0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60]);
  const grown = Array.from({ length: 10 }, (_, second) =>
    news.isNews({ ...IDLE, records: 60, state: 'retrying', lag_ms: 1_000 * second }, 61_000 + 1_000 * second),
  );
  expect(grown.filter(Boolean)).toHaveLength(2);
});

it('tells the last one at once', () => {
  const news = new StatusNews();
  expect(news.isNews(IDLE, 0)).toBe(true);
  expect(news.isNews({ ...IDLE, records: 10 }, 10)).toBe(false);
  expect(news.isNews({ ...IDLE, records: 10 }, 20, true)).toBe(true);
  expect(news.isNews({ ...IDLE, records: 10 }, 30, true)).toBe(false);
});
