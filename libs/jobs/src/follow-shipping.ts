import { HOUR_MS, type ShippedBatch } from '@sinew/db';
import type { Jobs } from './jobs.js';

/** Statistics follow shipping at this pace: one run an hour of data and window, however many batches came in it. */
export const STATISTICS_WINDOW_MS = 10_000;

/**
 * Queues what a stored batch asks for. Call it after the batch is stored and before the checkpoint moves: a crash in
 * between then queues twice what one run answers, instead of never.
 *
 * Each job is named after its hour of data and the present window, and runs when the window has ended: every batch stored
 * in the window finds the same job waiting, and it sees all of their rows.
 */
export async function followShipping(jobs: Jobs, batch: ShippedBatch, nowMs: number): Promise<void> {
  const hours = new Set<number>();
  const touch = (time: string | null) => time !== null && hours.add(Math.floor(Date.parse(time) / HOUR_MS));
  for (const inference of batch.inferences) touch(inference.timestamp);
  for (const episode of batch.episodes) touch(episode.ended_at);
  for (const hour of hours) await queueStatistics(jobs, hour * HOUR_MS, nowMs);
}

export async function queueStatistics(jobs: Jobs, hourMs: number, nowMs: number): Promise<void> {
  const window = Math.floor(nowMs / STATISTICS_WINDOW_MS);
  const hour = Math.floor(hourMs / HOUR_MS);
  await jobs.add(
    'instruction-stats',
    { hour: new Date(hour * HOUR_MS).toISOString() },
    { jobId: `hour-${hour}-window-${window}`, delayMs: (window + 1) * STATISTICS_WINDOW_MS - nowMs },
  );
}
