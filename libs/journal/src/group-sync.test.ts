import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { GroupSync } from './group-sync.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('[J1] a sync that outlasts the group time is not the last one', async () => {
  const syncs: (() => void)[] = [];
  const synced: number[] = [];
  const group = new GroupSync(50, {
    sync: () => new Promise((resolve) => syncs.push(resolve)),
    onSynced: (record) => synced.push(record),
    onFailed: () => {},
  });
  group.written(1, false);
  await vi.advanceTimersByTimeAsync(50);
  expect(syncs).toHaveLength(1);
  // The disk is slow: the next group's time passes while the first sync still runs.
  group.written(2, false);
  await vi.advanceTimersByTimeAsync(200);
  expect(syncs).toHaveLength(1);
  syncs[0]?.();
  await vi.advanceTimersByTimeAsync(50);
  expect(syncs).toHaveLength(2);
  syncs[1]?.();
  await vi.advanceTimersByTimeAsync(0);
  group.written(3, false);
  await vi.advanceTimersByTimeAsync(50);
  expect(syncs).toHaveLength(3);
  syncs[2]?.();
  await vi.advanceTimersByTimeAsync(0);
  expect(synced).toEqual([1, 2, 3]);
  group.stop();
});
