import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AccountAdministration, GatewayRecord } from '@sinew/accounts';
import { createMemoryState, openRedisState, type SharedState } from '@sinew/cache';
import {
  announceReady,
  EXIT_FOLDER_HELD,
  gatewayAddress,
  onStopRequested,
  requireSettings,
  type Settings,
} from '@sinew/config';
import { accounts, createPool, gatewayNodes, history, repositories } from '@sinew/db';
import { createJobs } from '@sinew/jobs';
import { JournalError, JournalWriter, threadedIo } from '@sinew/journal';
import { ConsentCache } from '@sinew/privacy';
import { askNvidiaSmi, createLogger, createMetrics, GpuReader, type Logger, type Metrics } from '@sinew/telemetry';
import { isApiKey } from './auth.js';
import { monotonicClock } from './clock.js';
import type { EraserPorts } from './erasure/eraser.js';
import { openErasure } from './erasure/open-erasure.js';
import { errorMessage } from './error-message.js';
import { openFeedback } from './feedback/open-feedback.js';
import { startGateway } from './gateway.js';
import { accountRoutes } from './http/accounts.js';
import { consentRoutes } from './http/consent.js';
import { feedbackRoutes } from './http/feedback.js';
import { historyRoutes } from './http/history.js';
import { monitoringRoutes } from './http/monitoring.js';
import { usageRoutes } from './http/usage.js';
import { countJobs } from './job-counts.js';
import { ModelCatalogue } from './models.js';
import { NodeLease } from './node-lease.js';
import { checkTls, type TlsFiles } from './tls.js';
import { within } from './within.js';

/** A database that is away has no say in when this process ends: its number is free in ten minutes then. */
const RELEASE_MS = 500;
/** Somebody waits for the answer; and behind a network that swallows packets, no node number would ever be renewed again. */
const QUERY_TIMEOUT_MS = 12_000;
/** A report comes seldom before its inference is in the database, and then shortly before. */
const SHIPPED_BY_THEN_MS = 2_000;
/** A batch of an erasure takes its time; a database that hangs does not come back within it. */
const ERASURE_TIMEOUT_MS = 60_000;

/** The composition root of `sinew gateway`: opens in order, closes in reverse. */
async function main(): Promise<void> {
  process.title = 'sinew gateway';
  const settings = requireSettings({ env: process.env });
  if (settings.database_url === null)
    throw new Error('DATABASE_URL is not set; `sinew up` starts an embedded database');
  const log = createLogger('gateway', settings.log_level);
  const metrics = createMetrics();
  const clock = monotonicClock;
  const tls = tlsFiles(settings);
  if (tls !== null) {
    const warning = await checkTls(tls, Date.now());
    if (warning !== null) log.warn(warning);
  }
  const openpiKey = await keyOfOpenpiPort(settings);
  const pool = createPool(settings.database_url, {
    applicationName: 'sinew gateway',
    queryTimeoutMs: QUERY_TIMEOUT_MS,
    onError: (error) => log.warn({ err: error }, 'database connection lost'),
  });
  const keys = accounts(pool);
  const shared = await openShared(settings.redis_url, metrics, log);
  const { consents: consentStore, usage: used } = repositories(pool);
  const consents = new ConsentCache(consentStore.findMany, { now: clock.now, wall: Date.now }, (error) =>
    log.warn({ err: error }, 'consents cannot be asked for: what is known of them counts for five seconds'),
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
  const lease = settings.node === null ? await leaseNode(pool, log, () => stop(1)) : null;
  const node = settings.node ?? lease?.node ?? 0;
  const journal = await JournalWriter.open({
    dir: join(settings.data_dir, 'journal'),
    mayKeepText: (customerId) => consents.mayStore(customerId, 'instruction_text'),
    node,
    barred: () => lease?.doubtful === true,
    budgetBytes: settings.journal_budget_mb * 1_048_576,
    fsyncMs: settings.fsync_ms,
    io: threadedIo(),
    now: () => Date.now(),
    onState: (state) => {
      log.warn({ journal: state }, 'journal state');
      // Another process writes this folder now: every robot would hold for ever. A restart waits for its turn.
      if (state.kind === 'failed' && state.code === 'lock_lost') stop(1);
    },
  }).catch(async (error: unknown) => {
    // No id was issued under it.
    await lease?.release(0);
    throw error;
  });
  // What a predecessor left damaged may hide an e-stop: those robots are latched, and somebody must know why.
  for (const fault of journal.faults) log.error({ fault, latches: journal.latches.length }, 'journal damaged');
  const models = await ModelCatalogue.load(settings, clock, metrics, log);
  // Of its own: a stream of reports takes no connection from those who look up a robot's key.
  const feedbackPool = createPool(settings.database_url, {
    applicationName: 'sinew gateway feedback',
    max: 6,
    queryTimeoutMs: QUERY_TIMEOUT_MS,
    onError: (error) => log.warn({ err: error }, 'database connection lost'),
  });
  const feedback = openFeedback({
    database: repositories(feedbackPool).feedback,
    durable,
    journalDir: join(settings.data_dir, 'journal'),
    node: () => node,
    models,
    mayKeepText: async (customerId) => {
      await consents.known(customerId);
      return consents.mayStore(customerId, 'free_text');
    },
    queue: {
      add: (feedback_ids) => jobs.add('feedback', { feedback_ids: [...feedback_ids] }, { delayMs: SHIPPED_BY_THEN_MS }),
      failed: (error) => log.warn({ err: error }, 'feedback waits for the worker’s sweep'),
    },
    now: () => Date.now(),
  });
  shared.bus.subscribe('consent', (message) => {
    const [customerId = '', version] = message.split(' ');
    void consents.changed(customerId, Number(version));
  });
  const consent = consentRoutes({
    consents: consentStore,
    record: durable,
    changed: async (customerId, version) => {
      await consents.changed(customerId, version);
      await shared.bus.publish('consent', `${customerId} ${version}`);
    },
    wallNow: Date.now,
    log,
  });
  const administered = accountRoutes({
    store: keys,
    administration: new AccountAdministration(pool, durable),
    changed: (id) => shared.bus.publish('keys', id),
    log,
  });
  const gpus = new GpuReader(askNvidiaSmi, () => Date.now());
  const monitoring = monitoringRoutes({
    models,
    gpus: () => gpus.read(),
    jobCounts: () => countJobs(jobs),
    uptimeMs: () => 1_000 * process.uptime(),
  });
  let busy = (_customerId: string): boolean => true;
  let eraseRecordings: EraserPorts['eraseRecordings'] = () => Promise.reject(new Error('the gateway is not up yet'));
  // Of its own: a batch of an erasure may take longer than anybody waits for.
  const erasurePool = createPool(settings.database_url, {
    applicationName: 'sinew gateway erasure',
    max: 4,
    queryTimeoutMs: ERASURE_TIMEOUT_MS,
    onError: (error) => log.warn({ err: error }, 'database connection lost'),
  });
  const erasure = openErasure({
    pool: erasurePool,
    durable,
    journal,
    journalDir: join(settings.data_dir, 'journal'),
    node: () => node,
    tail: feedback.tail,
    bus: shared.bus,
    busy: (customerId) => busy(customerId),
    eraseRecordings: (customerId, before, logId) => eraseRecordings(customerId, before, logId),
    now: () => clock.now(),
    log,
  });
  const gateway = await startGateway({
    settings,
    clock,
    journal,
    models,
    metrics,
    log,
    findKey: (sha256) => keys.findKeyByHash(sha256),
    shared,
    usedInMonth: (customerIds, month) => used.ofMonth(customerIds, month),
    wallNow: () => Date.now(),
    consents,
    ...(tls === null ? {} : { tls }),
    ...(openpiKey === null ? {} : { openpiKey }),
    recordings: {
      dir: join(settings.data_dir, 'recordings'),
      budgetBytes: settings.recordings_budget_mb * 1_048_576,
      // The journal may still need its own.
      reserveBytes: settings.journal_budget_mb * 1_048_576,
    },
    pingDatabase: async () => {
      await pool.query('SELECT 1');
    },
    routes: [
      ...usageRoutes({
        ofCustomer: (customerId, days) => used.ofCustomer(customerId, days),
        wallNow: () => Date.now(),
      }),
      ...historyRoutes(history(pool)),
      ...monitoring,
      ...feedbackRoutes(feedback),
      ...consent,
      ...administered,
      ...erasure.routes,
    ],
  });
  busy = (customerId) => gateway.busy(customerId);
  eraseRecordings = (customerId, before, logId) =>
    gateway.recordings.erase(customerId, { beforeMs: before.getTime(), logId });
  erasure.eraser.start();
  let stopping = false;
  // Policy threads first: a process that exits inside the graph is aborted by its runtime.
  stop = (exitCode) => {
    if (stopping) return;
    stopping = true;
    gateway
      .drain()
      .then(() => models.close())
      .then(() => erasure.close())
      .then(() => journal.close())
      .then(() => (lease === null ? undefined : within(RELEASE_MS, lease.release())))
      .then(() => shared.close())
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
  const address = gatewayAddress(settings.host, gateway.port, tls !== null);
  announceReady({
    port: gateway.port,
    ...address,
    ...(gateway.openpiPort === null ? {} : { openpi_port: gateway.openpiPort }),
    models: models.ids,
  });
}

const tlsFiles = ({ tls_cert_file: certFile, tls_key_file: keyFile }: Settings): TlsFiles | null =>
  certFile === null || keyFile === null ? null : { certFile, keyFile };

/** Whom clients without a key are taken for, which is never so unless somebody said whose key that is. */
async function keyOfOpenpiPort({ openpi_key_file: path, openpi_port: port }: Settings): Promise<string | null> {
  if (path === null) return null;
  if (port === null) throw new Error('openpi_key_file is for clients of openpi_port, which is not set');
  const key = await readFile(path, 'utf8').then(
    (text) => text.trim(),
    (error: unknown) => {
      throw new Error(`openpi_key_file: ${errorMessage(error)}`);
    },
  );
  if (!isApiKey(key)) throw new Error(`${path} (openpi_key_file) holds no API key`);
  return key;
}

/** A node number from the database, as long as this process runs. */
function leaseNode(pool: ReturnType<typeof createPool>, log: Logger, lost: () => void): Promise<NodeLease> {
  const deps = { store: gatewayNodes(pool), clock: monotonicClock, wallNow: () => Date.now(), log, lost };
  return NodeLease.take(deps, (ms) => sleep(ms));
}

/** What gateways know together: on Redis where there is one, else each on its own. */
async function openShared(redisUrl: string | null, metrics: Metrics, log: Logger): Promise<SharedState> {
  if (redisUrl === null) return createMemoryState(() => monotonicClock.now());
  return openRedisState({
    url: redisUrl,
    now: () => monotonicClock.now(),
    events: {
      operation: (name) => metrics.redisOperations.cell(name).inc(),
      away: (away, reason) => {
        metrics.sharedStateFallback.set(away ? 1 : 0);
        if (away) log.warn({ reason }, 'Redis is away: this gateway limits on its own');
        else log.info('Redis is back: limits are shared again');
      },
    },
  });
}

main().catch((error: unknown) => {
  process.stderr.write(`sinew gateway: ${errorMessage(error)}\n`);
  process.exit(error instanceof JournalError && error.code === 'locked' ? EXIT_FOLDER_HELD : 1);
});
