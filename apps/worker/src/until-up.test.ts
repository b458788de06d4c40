import { expect, test } from 'vitest';
import { untilUp } from './until-up.js';

test('tries again, each time after a longer wait, until it works', async () => {
  const waits: number[] = [];
  const errors: unknown[] = [];
  let left = 8;
  const result = await untilUp(
    async () => {
      if (left-- > 0) throw new Error(`away ${left}`);
      return 'up';
    },
    {
      signal: new AbortController().signal,
      failed: (error) => errors.push(error),
      wait: async (ms) => void waits.push(ms),
    },
  );
  expect(result).toBe('up');
  expect(errors).toHaveLength(8);
  expect(waits).toEqual([200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000]);
});

test('gives up when told to stop, also in the middle of a wait', async () => {
  const stop = new AbortController();
  const trying = untilUp(() => Promise.reject(new Error('away')), {
    signal: stop.signal,
    failed: () => stop.abort(),
  });
  await expect(trying).rejects.toMatchObject({ name: 'AbortError' });
});
