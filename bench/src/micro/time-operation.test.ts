import { expect, test } from 'vitest';
import { timeOperation } from './time-operation.js';

test('the count doubles until a round is long enough; the median of the rounds counts', async () => {
  let nowMs = 0;
  let slow = 0;
  const timing = await timeOperation(
    'op',
    (count) => {
      // 10 µs each; one of the measured rounds is disturbed.
      nowMs += count * 0.01 + (count >= 128 && slow++ === 2 ? 50 : 0);
    },
    5,
    1,
    () => nowMs,
  );
  expect(timing).toMatchObject({ name: 'op', median_ns: 10_000, best_ns: 10_000, operations: 128 });
});
