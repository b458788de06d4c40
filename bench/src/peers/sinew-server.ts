import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemoryState } from '@sinew/cache';
import { requireSettings } from '@sinew/config';
import type { KeyIdentity } from '@sinew/db';
import { ModelCatalogue, monotonicClock, startGateway } from '@sinew/gateway';
import { JournalWriter, threadedIo } from '@sinew/journal';
import { ConsentCache } from '@sinew/privacy';
import { createLogger, createMetrics } from '@sinew/telemetry';
import { onBenchGone, sayListening } from './server-line.js';

// The gateway as `npm start` has it: every setting at its default, gates, governor, journal and authentication on. The key
// is in memory instead of a database, and no shipper empties the journal, so its disk budget is larger.

export interface SinewSettings {
  readonly policy: string;
  readonly threads: number;
  readonly key: string;
}

process.title = 'sinew bench gateway';
const { policy, threads, key } = JSON.parse(process.argv[2] ?? '') as SinewSettings;
const defaults = requireSettings({ env: {} });
const settings = { ...defaults, policies: [policy], policy_threads: threads, host: '127.0.0.1', port: 0 };
const JOURNAL_BYTES = 16 * 1024 ** 3;
const dir = await mkdtemp(join(tmpdir(), 'sinew-peers-'));
const clock = monotonicClock;
const metrics = createMetrics();
const log = createLogger('gateway', 'error');
const consents = new ConsentCache(async () => new Map(), { now: clock.now, wall: Date.now });
const journal = await JournalWriter.open({
  dir,
  node: 0,
  mayKeepText: (customerId) => consents.mayStore(customerId, 'instruction_text'),
  budgetBytes: JOURNAL_BYTES,
  fsyncMs: settings.fsync_ms,
  io: threadedIo(),
  now: () => Date.now(),
});
const models = await ModelCatalogue.load(settings, clock, metrics, log);
const hash = createHash('sha256').update(key).digest('hex');
const identity: KeyIdentity = {
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
const gateway = await startGateway({
  settings,
  clock,
  journal,
  models,
  metrics,
  log,
  consents,
  findKey: async (asked) => (asked === hash ? identity : null),
  shared: createMemoryState(() => clock.now()),
  usedInMonth: async () => new Map(),
  wallNow: () => Date.now(),
  pingDatabase: async () => {},
  routes: [],
});
sayListening({ port: gateway.port, versions: { node: process.version } });
onBenchGone(() => {
  gateway
    .drain()
    .then(() => models.close())
    .then(() => journal.close())
    .then(() => rm(dir, { recursive: true, force: true }))
    .finally(() => process.exit(0));
});
