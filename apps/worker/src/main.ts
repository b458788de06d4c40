import { announceReady, onStopRequested, requireSettings } from '@sinew/config';
import { createPool, repositories } from '@sinew/db';
import { createJobs } from '@sinew/jobs';
import { createLogger } from '@sinew/telemetry';
import { work } from './handlers.js';
import { startSchedules } from './schedules.js';
import { untilUp } from './until-up.js';

/** A job still running then is given up: its lock expires and another worker takes it again. */
const CLOSE_LIMIT_MS = 1_000;

/** The composition root of `sinew worker`: runs the queues' jobs until it is told to stop. */
async function main(): Promise<void> {
  process.title = 'sinew worker';
  const settings = requireSettings({ env: process.env });
  const databaseUrl = settings.database_url;
  if (databaseUrl === null) throw new Error('DATABASE_URL is not set; `sinew up` starts an embedded database');
  const log = createLogger('worker', settings.log_level);
  const pool = createPool(databaseUrl, {
    applicationName: 'sinew worker',
    onError: (error) => log.warn({ err: error }, 'database connection lost'),
  });
  const jobs = createJobs({
    databaseUrl,
    redisUrl: settings.redis_url,
    onError: (error, about) => log.warn({ err: error, ...about }, 'jobs'),
  });

  const stopping = new AbortController();
  const stop = (cause: string): void => {
    if (stopping.signal.aborted) return;
    stopping.abort();
    log.info({ cause }, 'stopping');
    setTimeout(() => process.exit(0), CLOSE_LIMIT_MS);
    jobs
      .close()
      .then(() => pool.end())
      .catch((error: unknown) => log.warn({ err: error }, 'closing'))
      .finally(() => process.exit(0));
  };
  onStopRequested(stop);

  const tools = { pool, repositories: repositories(pool), log, now: () => new Date() };
  const retrying = {
    signal: stopping.signal,
    failed: (error: unknown, waitMs: number) => log.warn({ err: error, wait_ms: waitMs }, 'the queues are away'),
  };
  const steps = [...work(jobs, tools), () => startSchedules(jobs, Date.now())];
  for (const step of steps) await untilUp(step, retrying);
  announceReady();
}

main().catch((error: unknown) => {
  if (error instanceof Error && error.name === 'AbortError') return;
  process.stderr.write(`sinew worker: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
