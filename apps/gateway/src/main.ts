import { join } from 'node:path';
import { AccountAdministration, GatewayRecord } from '@sinew/accounts';
import { announceReady, EXIT_FOLDER_HELD, onStopRequested, requireSettings } from '@sinew/config';
import { accounts, createPool, history, repositories } from '@sinew/db';
import { createJobs } from '@sinew/jobs';
import { JournalError, JournalWriter, threadedIo } from '@sinew/journal';
import { ConsentCache } from '@sinew/privacy';
import { askNvidiaSmi, createLogger, createMetrics, GpuReader } from '@sinew/telemetry';
import { monotonicClock } from './clock.js';
import { errorMessage } from './error-message.js';
import { openFeedback } from './feedback/open-feedback.js';
import { startGateway } from './gateway.js';
import { accountRoutes } from './http/accounts.js';
import { consentRoutes } from './http/consent.js';
import { feedbackRoutes } from './http/feedback.js';
import { historyRoutes } from './http/history.js';
import { monitoringRoutes } from './http/monitoring.js';
import { countJobs } from './job-counts.js';
import { ModelCatalogue } from './models.js';

/** A report comes seldom before its inference is in the database, and then shortly before. */
const SHIPPED_BY_THEN_MS = 2_000;

/** The composition root of `sinew gateway`: opens in order, closes in reverse. */
async function main(): Promise<void> {
  process.title = 'sinew gateway';
  const settings = requireSettings({ env: process.env });
  if (settings.database_url === null)
    throw new Error('DATABASE_URL is not set; `sinew up` starts an embedded database');
  const log = createLogger('gateway', settings.log_level);
  const metrics = createMetrics();
  const clock = monotonicClock;
  const pool = createPool(settings.database_url, {
    applicationName: 'sinew gateway',
    onError: (error) => log.warn({ err: error }, 'database connection lost'),
  });
  const keys = accounts(pool);
  const { consents: consentStore } = repositories(pool);
  const consents = new ConsentCache(
    consentStore.findMany,
    { now: clock.now, wall: Date.now },
    (error) => log.warn({ err: error }, 'consents cannot be asked for: what is known of them counts for a minute'),
  );
  const durable = new GatewayRecord(settings.data_dir, async () => {
    const { rows } = await pool.query<{ fsync: string }>('SHOW fsync');
    return rows[0]?.fsync === 'on';
  });
  const jobs = createJobs({
    databaseUrl: settings.database_url,
    redisUrl: settings.redis_url,
    onError: (error, about) => log.warn({ err: error, ...about }, 'jobs'),
  });
  let stop = (exitCode: number): void => process.exit(exitCode);
  const journal = await JournalWriter.open({
    dir: join(settings.data_dir, 'journal'),
    mayKeepText: (customerId) => consents.mayStore(customerId, 'instruction_text'),
    node: settings.node,
    budgetBytes: settings.journal_budget_mb * 1_048_576,
    fsyncMs: settings.fsync_ms,
    io: threadedIo(),
    now: () => Date.now(),
    onState: (state) => {
      log.warn({ journal: state }, 'journal state');
      // Another process writes this folder now: every robot would hold for ever. A restart waits for its turn.
      if (state.kind === 'failed' && state.code === 'lock_lost') stop(1);
    },
  });
  // What a predecessor left damaged may hide an e-stop: those robots are latched, and somebody must know why.
  for (const fault of journal.faults) log.error({ fault, latches: journal.latches.length }, 'journal damaged');
  const models = await ModelCatalogue.load(settings, clock, metrics, log);
  const feedback = openFeedback({
    database: repositories(pool).feedback,
    durable,
    journalDir: join(settings.data_dir, 'journal'),
    node: () => settings.node,
    models,
    mayKeepText: async (customerId) => {
      await consents.known(customerId);
      return consents.mayStore(customerId, 'free_text');
    },
    queue: {
      add: (feedback_ids) => jobs.add('feedback', { feedback_ids: [...feedback_ids] }, { delayMs: SHIPPED_BY_THEN_MS }),
      failed: (error) => log.warn({ err: error }, 'feedback waits for the worker’s sweep'),
    },
    now: () => clock.now(),
  });
  const consent = consentRoutes({
    consents: consentStore,
    record: durable,
    changed: (customerId) => consents.invalidate(customerId),
    wallNow: Date.now,
    log,
  });
  const administered = accountRoutes({
    store: keys,
    administration: new AccountAdministration(pool, durable),
    // Every gateway, this one too, asks for the keys of what runs every few seconds.
    changed: async () => undefined,
    log,
  });
  const gpus = new GpuReader(askNvidiaSmi, () => Date.now());
  const monitoring = monitoringRoutes({
    models,
    gpus: () => gpus.read(),
    jobCounts: () => countJobs(jobs),
    uptimeMs: () => 1_000 * process.uptime(),
  });
  const gateway = await startGateway({
    settings,
    clock,
    journal,
    models,
    metrics,
    log,
    findKey: (sha256) => keys.findKeyByHash(sha256),
    consents,
    pingDatabase: async () => {
      await pool.query('SELECT 1');
    },
    routes: [...historyRoutes(history(pool)), ...monitoring, ...feedbackRoutes(feedback), ...consent, ...administered],
  });
  let stopping = false;
  // Policy threads first: a process that exits inside the graph is aborted by its runtime.
  stop = (exitCode) => {
    if (stopping) return;
    stopping = true;
    gateway
      .drain()
      .then(() => models.close())
      .then(() => journal.close())
      .then(() => feedback.close())
      .then(() => durable.close())
      .then(
        () => process.exit(exitCode),
        (error: unknown) => {
          log.error({ err: error }, 'stopped with an error');
          process.exit(1);
        },
      );
  };
  onStopRequested((cause) => {
    log.info({ cause }, 'stopping');
    stop(0);
  });
  announceReady({ port: gateway.port, models: models.ids });
}

main().catch((error: unknown) => {
  process.stderr.write(`sinew gateway: ${errorMessage(error)}\n`);
  process.exit(error instanceof JournalError && error.code === 'locked' ? EXIT_FOLDER_HELD : 1);
});
