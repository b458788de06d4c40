import { HOUR_MS } from '@sinew/db';
import type { Jobs } from './jobs.js';

/** Statistics follow shipping at this pace: one run an hour of data and window, however many batches came in it. */
export const STATISTICS_WINDOW_MS = 10_000;

/**
 * Asks for the statistics of the hour (UTC) that `hourMs` lies in, for rows that are stored by now. The job is named after
 * its hour and the present window and runs when the window has ended: everything stored in the window finds the same job
 * waiting, and it sees all of their rows. Asking twice is harmless, so ask again when in doubt.
 */
export async function queueStatistics(jobs: Pick<Jobs, 'add'>, hourMs: number, nowMs: number): Promise<void> {
  const window = Math.floor(nowMs / STATISTICS_WINDOW_MS);
  const hour = Math.floor(hourMs / HOUR_MS);
  await jobs.add(
    'instruction-stats',
    { hour: new Date(hour * HOUR_MS).toISOString() },
    { jobId: `hour-${hour}-window-${window}`, delayMs: (window + 1) * STATISTICS_WINDOW_MS - nowMs },
  );
}
