import { type Jobs, QUEUES, type QueueName } from '@sinew/jobs';
import type { JobCounts } from './http/monitoring.js';

const NAMES = Object.keys(QUEUES) as QueueName[];
/** A store that hangs is as good as away for who looks at a page. */
const PATIENCE_MS = 3_000;

/** How many jobs of each queue wait, run, are done and have failed. Rejects when the queues' store does not answer in time. */
export async function countJobs(jobs: Pick<Jobs, 'counts'>): Promise<JobCounts> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the queues do not answer')), PATIENCE_MS);
  });
  const all = Promise.all(NAMES.map(async (name) => [name, await jobs.counts(name)] as const));
  return Object.fromEntries(await Promise.race([all, late]).finally(() => clearTimeout(timer)));
}
