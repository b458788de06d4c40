import { makePartitions, type Repositories, refreshSummaries, strayRows } from '@sinew/db';
import type { Handler, Jobs } from '@sinew/jobs';
import type { Logger } from '@sinew/telemetry';
import type { Pool } from 'pg';

export interface HandlerTools {
  readonly pool: Pool;
  readonly repositories: Repositories;
  readonly log: Logger;
  readonly now: () => Date;
}

/** Idempotent: run twice, it ends where one run would have ended. */
export function instructionStatistics({ repositories }: HandlerTools): Handler<'instruction-stats'> {
  return ({ hour }) => repositories.instructions.recomputeHour(new Date(hour));
}

/** Ids are of what was reported just now; a job without any sweeps up what no job took. */
export function feedbackIngestion({ repositories }: HandlerTools): Handler<'feedback'> {
  const { process, unprocessed } = repositories.feedbackIngestion;
  return async ({ feedback_ids }, job) => {
    if (feedback_ids !== undefined) return process(feedback_ids);
    const swept = { processed: 0, waiting: 0 };
    for (let page = await unprocessed(0); page.length > 0; page = await unprocessed(page.at(-1) ?? 0)) {
      const { processed, waiting } = await process(page);
      swept.processed += processed;
      swept.waiting += waiting;
      await job.progress(swept.processed + swept.waiting);
    }
    return swept;
  };
}

export function partitions({ pool, log, now }: HandlerTools): Handler<'partitions'> {
  return async () => {
    const made = await makePartitions(pool, now());
    if (made.length > 0) log.info({ made }, 'partitions made');
    const strays = await strayRows(pool);
    if (strays > 0) log.error({ strays }, 'inference logs in the default partition: a timestamp no month was made for');
    return { made, strays };
  };
}

/** Usage, bills, safety and feedback as customers and operators read them. */
export function views({ pool }: HandlerTools): Handler<'views'> {
  return () => refreshSummaries(pool);
}

/** One step a queue: each is tried by itself until the queues' store is there. */
export function work(jobs: Jobs, tools: HandlerTools): (() => Promise<void>)[] {
  return [
    () => jobs.work('instruction-stats', instructionStatistics(tools)),
    () => jobs.work('feedback', feedbackIngestion(tools)),
    () => jobs.work('partitions', partitions(tools)),
    () => jobs.work('views', views(tools)),
  ];
}
