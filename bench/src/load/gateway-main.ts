import { createHash } from 'node:crypto';
import { NO_RECORD } from '@sinew/accounts';
import { createMemoryState } from '@sinew/cache';
import { requireSettings } from '@sinew/config';
import { createPool, type KeyIdentity, repositories } from '@sinew/db';
import { feedbackRoutes, ModelCatalogue, monotonicClock, openFeedback, startGateway } from '@sinew/gateway';
import { createJobs } from '@sinew/jobs';
import { JournalWriter, threadedIo } from '@sinew/journal';
import { ConsentCache } from '@sinew/privacy';
import { createLogger, createMetrics } from '@sinew/telemetry';
import { BareGateway } from './bare-gateway.js';
import type { FromGateway, GatewayOptions, ToGateway } from './gateway-messages.js';
import { GatewayProbe } from './gateway-probe.js';

// The gateway under load, a process of its own: real sockets, a real journal, the key in memory instead of a database.
// It ends when it is told to or when the bench is gone.

process.title = 'sinew bench gateway';
const say = (message: FromGateway): void => {
  process.send?.(message);
};

async function start(options: GatewayOptions): Promise<{ probe: GatewayProbe; stop: () => Promise<void> }> {
  const defaults = requireSettings({ env: {} });
  const clock = monotonicClock;
  const metrics = createMetrics();
  const log = createLogger('gateway', 'error');
  const journal = await JournalWriter.open({
    dir: options.dir,
    node: 0,
    budgetBytes: 8 * 1024 ** 3,
    io: threadedIo(),
    now: () => Date.now(),
  });
  const models = await ModelCatalogue.load(
    { ...defaults, policies: [options.policy], policy_threads: options.policyThreads },
    clock,
    metrics,
    log,
  );
  const probe = new GatewayProbe(models, metrics, journal);
  if (options.bare) {
    const bare = await BareGateway.start(models, metrics, clock.now);
    say({ kind: 'ready', port: bare.port });
    return {
      probe,
      stop: async () => {
        bare.stop();
        await models.close();
        await journal.close();
      },
    };
  }
  const hash = createHash('sha256').update(options.key).digest('hex');
  const database = options.databaseUrl === undefined ? null : openDatabase(options.databaseUrl, options.dir, models);
  const gateway = await startGateway({
    // As `npm start` has it, but for what the bench is about: many sessions, and an end that does not wait.
    settings: {
      ...defaults,
      host: '127.0.0.1',
      port: 0,
      openpi_port: null,
      max_sessions: options.maxSessions,
      resume_window_ms: options.resumeWindowMs ?? 1_000,
      open_timeout_ms: 30_000,
      drain_ms: 100,
    },
    clock,
    journal,
    models,
    metrics,
    log,
    consents: new ConsentCache(async () => new Map(), { now: clock.now, wall: Date.now }),
    findKey: database?.findKey ?? (async (asked) => (asked === hash ? KEY : null)),
    shared: createMemoryState(() => clock.now()),
    usedInMonth: async () => new Map(),
    wallNow: () => Date.now(),
    pingDatabase: async () => {},
    routes: database?.routes ?? [],
  });
  await database?.warmUp();
  say({ kind: 'ready', port: gateway.port });
  const stop = async (): Promise<void> => {
    await gateway.drain();
    await models.close();
    await journal.close();
    await database?.close();
  };
  return { probe, stop };
}

const KEY: KeyIdentity = {
  key_id: '01900000-0000-7000-8000-0000000000a1',
  customer_id: '01900000-0000-7000-8000-000000000001',
  tier: 'enterprise',
  scopes: ['stream'],
  expires_at: null,
  revoked_at: null,
  customer_active: true,
  limits: null,
  is_operator: false,
};

/** Keys and feedback as the gateway of an instance has them. */
function openDatabase(url: string, journalDir: string, models: ModelCatalogue) {
  const fault = (error: Error) => process.stderr.write(`${error.message}\n`);
  const pool = createPool(url, { onError: fault });
  const jobs = createJobs({ databaseUrl: url, onError: fault });
  const { accounts, feedback: store } = repositories(pool);
  const feedback = openFeedback({
    database: store,
    durable: NO_RECORD,
    journalDir,
    node: () => 0,
    models,
    mayKeepText: () => false,
    queue: {
      add: (feedback_ids) => jobs.add('feedback', { feedback_ids: [...feedback_ids] }),
      failed: (error) => fault(error instanceof Error ? error : new Error(String(error))),
    },
    now: () => Date.now(),
  });
  return {
    findKey: (sha256: string) => accounts.findKeyByHash(sha256),
    routes: feedbackRoutes(feedback),
    /** The first connections, before the first robot waits for them. */
    warmUp: () => accounts.findKeyByHash(''),
    async close() {
      await feedback.close();
      await jobs.close();
      await pool.end();
    },
  };
}

let running: Awaited<ReturnType<typeof start>> | null = null;

async function answer(message: ToGateway): Promise<void> {
  switch (message.kind) {
    case 'start':
      running = await start(message.options);
      return;
    case 'mark':
      running?.probe.mark();
      return say({ kind: 'marked' });
    case 'report':
      if (running !== null) say({ kind: 'report', report: running.probe.report() });
      return;
    case 'memory': {
      // Twice: the first run only queues what has finalizers. Needs --expose-gc, which the bench passes.
      globalThis.gc?.();
      globalThis.gc?.();
      const { rss, heapUsed, external } = process.memoryUsage();
      return say({ kind: 'memory', memory: { rssBytes: rss, heapBytes: heapUsed, externalBytes: external } });
    }
    case 'stop':
      await running?.stop();
      process.exit(0);
  }
}

process.on('message', (message: ToGateway) => {
  answer(message).catch((error: unknown) => {
    say({ kind: 'failed', reason: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    process.exitCode = 1;
    process.disconnect?.();
  });
});
process.on('disconnect', () => process.exit());
// They reach every process of the group: the bench says when it is over, and without it there is nobody to talk to.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
