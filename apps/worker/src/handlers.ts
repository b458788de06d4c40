import { makePartitions, type Repositories, strayRows } from '@sinew/db';
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

export function partitions({ pool, log, now }: HandlerTools): Handler<'partitions'> {
  return async () => {
    const made = await makePartitions(pool, now());
    if (made.length > 0) log.info({ made }, 'partitions made');
    const strays = await strayRows(pool);
    if (strays > 0) log.error({ strays }, 'inference logs in the default partition: a timestamp no month was made for');
    return { made, strays };
  };
}

/** One step a queue: each is tried by itself until the queues' store is there. */
export function work(jobs: Jobs, tools: HandlerTools): (() => Promise<void>)[] {
  return [
    () => jobs.work('instruction-stats', instructionStatistics(tools)),
    () => jobs.work('partitions', partitions(tools)),
  ];
}
