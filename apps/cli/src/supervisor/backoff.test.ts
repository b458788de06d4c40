import { expect, it } from 'vitest';
import { Backoff } from './backoff.js';

it('restarts quickly at first, then ever later, but never so late that ten seconds are missed', () => {
  const backoff = new Backoff();
  expect(Array.from({ length: 8 }, () => backoff.delayMs(0))).toEqual([100, 200, 400, 800, 1600, 3000, 3000, 3000]);
});

it('a process that had been healthy gets the quick restart again', () => {
  const backoff = new Backoff();
  for (let i = 0; i < 8; i++) backoff.delayMs(29_999);
  expect(backoff.delayMs(30_000)).toBe(100);
  expect(backoff.delayMs(0)).toBe(200);
});
