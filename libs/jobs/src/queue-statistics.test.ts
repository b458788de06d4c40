import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { AddOptions, Jobs } from './jobs.js';
import { queueStatistics, STATISTICS_WINDOW_MS } from './queue-statistics.js';

async function asked(hourMs: number, nowMs: number) {
  const added: { payload: unknown; options: AddOptions | undefined }[] = [];
  const add: Jobs['add'] = async (_name, payload, options) => void added.push({ payload, options });
  await queueStatistics({ add }, hourMs, nowMs);
  expect(added).toHaveLength(1);
  return added[0]!;
}

const time = fc.integer({ min: Date.parse('2026-01-01'), max: Date.parse('2060-01-01') });

test('the job runs when the window ends in which it was asked for, never before', async () => {
  await fc.assert(
    fc.asyncProperty(time, time, async (hourMs, nowMs) => {
      const { options } = await asked(hourMs, nowMs);
      const runs = nowMs + (options?.delayMs ?? 0);
      expect(runs).toBeGreaterThan(nowMs);
      expect(runs % STATISTICS_WINDOW_MS).toBe(0);
      expect(runs - nowMs).toBeLessThanOrEqual(STATISTICS_WINDOW_MS);
    }),
  );
});

test('one job an hour of data and window; another window or hour is another job', async () => {
  const at = Date.parse('2026-11-06T10:20:30.000Z');
  const first = await asked(at, at);
  expect(first.payload).toEqual({ hour: '2026-11-06T10:00:00.000Z' });
  expect((await asked(at + 60_000, at + 9_999)).options?.jobId).toBe(first.options?.jobId);
  expect((await asked(at, at + 10_000)).options?.jobId).not.toBe(first.options?.jobId);
  expect((await asked(at + 3_600_000, at)).options?.jobId).not.toBe(first.options?.jobId);
});
