import { expect, test } from 'vitest';
import { timeEach } from './time-each.js';

test('percentiles of single calls, without what prepares them', async () => {
  let nowMs = 0;
  const spread = await timeEach(
    'op',
    {
      prepare: (n) => {
        nowMs += 1_000;
        return n;
      },
      // 1 … 100 µs in turn.
      call: (n: number) => {
        nowMs += ((n % 100) + 1) / 1_000;
      },
    },
    10_000,
    () => nowMs,
  );
  expect(spread).toEqual({ name: 'op', samples: 10_000, p50_us: 50, p99_us: 99, max_us: 100 });
});

test('what a call resolves with is waited for', async () => {
  let nowMs = 0;
  const call = async () => {
    await null;
    nowMs += 0.002;
  };
  expect(await timeEach('op', { prepare: () => null, call }, 100, () => nowMs)).toMatchObject({ p50_us: 2, max_us: 2 });
});
