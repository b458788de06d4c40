import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { IngestionQueue } from './ingestion-queue.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function bench() {
  const world = { away: false, jobs: [] as (readonly number[])[], faults: 0 };
  const queue = new IngestionQueue({
    add: async (ids) => {
      if (world.away) throw new Error('away');
      world.jobs.push(ids);
    },
    failed: () => world.faults++,
  });
  return { queue, world };
}

test('what comes together is one job', async () => {
  const { queue, world } = bench();
  for (const id of [1, 2, 3]) queue.note(id);
  expect(world.jobs).toEqual([]);
  await vi.advanceTimersByTimeAsync(500);
  expect(world.jobs).toEqual([[1, 2, 3]]);
  queue.note(4);
  await vi.advanceTimersByTimeAsync(500);
  expect(world.jobs).toEqual([[1, 2, 3], [4]]);
  expect(vi.getTimerCount()).toBe(0);
});

test('a job carries a thousand ids at most', async () => {
  const { queue, world } = bench();
  for (let id = 1; id <= 2_500; id++) queue.note(id);
  await vi.advanceTimersByTimeAsync(500);
  expect(world.jobs.map((ids) => ids.length)).toEqual([1_000, 1_000, 500]);
  expect(new Set(world.jobs.flat()).size).toBe(2_500);
});

test('while the queues are away nothing piles up, and what comes after is queued again', async () => {
  const { queue, world } = bench();
  world.away = true;
  for (let id = 1; id <= 20_000; id++) queue.note(id);
  await vi.advanceTimersByTimeAsync(500);
  expect(world.faults).toBe(1);
  world.away = false;
  queue.note(20_001);
  await vi.advanceTimersByTimeAsync(500);
  expect(world.jobs).toEqual([[20_001]]);
});

test('closing queues what waits', async () => {
  const { queue, world } = bench();
  queue.note(1);
  await queue.close();
  expect(world.jobs).toEqual([[1]]);
  expect(vi.getTimerCount()).toBe(0);
});
