import { HOUR_MS } from '@sinew/db';
import { type Jobs, queueStatistics } from '@sinew/jobs';

/**
 * What recurs, and what a worker that was away must look at again: the partitions, and the statistics of the present and
 * the last hour (their jobs may have been lost with an embedded database that was cut off from power).
 */
export async function startSchedules(jobs: Jobs, nowMs: number): Promise<void> {
  await jobs.schedule('partitions', 'partitions-daily', '0 1 * * *', {});
  await jobs.schedule('views', 'views-hourly', '10 * * * *', {});
  await jobs.schedule('feedback', 'feedback-sweep', '*/30 * * * * *', {});
  await jobs.add('partitions', {}, { jobId: `start-${Math.floor(nowMs / HOUR_MS)}` });
  await jobs.add('views', {}, { jobId: `start-${Math.floor(nowMs / HOUR_MS)}` });
  await queueStatistics(jobs, nowMs, nowMs);
  await queueStatistics(jobs, nowMs - HOUR_MS, nowMs);
}
