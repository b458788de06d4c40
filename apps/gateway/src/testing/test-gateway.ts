import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemoryState, type SharedState } from '@sinew/cache';
import type { KeyIdentity } from '@sinew/db';
import { type JournalRecord, JournalWriter, readJournal } from '@sinew/journal';
import { ConsentCache } from '@sinew/privacy';
import type { FreshOpen, Observation } from '@sinew/protocol';
import { createLogger, createMetrics, type Logger } from '@sinew/telemetry';
import type { FindKey } from '../auth.js';
import { type Clock, monotonicClock } from '../clock.js';
import { type Gateway, type GatewaySettings, startGateway } from '../gateway.js';
import type { Route } from '../http/bind.js';
import { ModelCatalogue } from '../models.js';
import type { TlsFiles } from '../tls.js';
import { StreamClient } from './stream-client.js';

export const KEY = 'vla_live_test-key-0000000000000000000000000001';
export const OTHER_KEY = 'vla_live_test-key-0000000000000000000000000002';
export const ADMIN_KEY = 'vla_live_test-key-0000000000000000000000000004';
export const OTHER_ADMIN_KEY = 'vla_live_test-key-0000000000000000000000000005';
/** Of the customer that operates the installation. */
export const OPERATOR_KEY = 'vla_live_test-key-0000000000000000000000000006';
export const WATCH_ONLY_KEY = 'vla_live_test-key-0000000000000000000000000003';

const CUSTOMER = '01900000-0000-7000-8000-000000000001';
const OTHER_CUSTOMER = '01900000-0000-7000-8000-000000000002';
const OPERATOR = '01900000-0000-7000-8000-000000000003';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

function keyRows(): Map<string, KeyIdentity> {
  const row = (customer_id: string, n: number, scopes: string[]): KeyIdentity => ({
    key_id: `01900000-0000-7000-8000-0000000000a${n}`,
    customer_id,
    // Of the largest tier: tests of limits give a key smaller ones.
    tier: 'enterprise',
    scopes,
    expires_at: null,
    revoked_at: null,
    customer_active: true,
    limits: null,
    is_operator: false,
  });
  return new Map([
    [sha256(KEY), row(CUSTOMER, 1, ['stream', 'infer'])],
    [sha256(OTHER_KEY), row(OTHER_CUSTOMER, 2, ['stream', 'infer'])],
    [sha256(WATCH_ONLY_KEY), row(CUSTOMER, 3, ['feedback'])],
    [sha256(ADMIN_KEY), row(CUSTOMER, 4, ['admin'])],
    [sha256(OTHER_ADMIN_KEY), row(OTHER_CUSTOMER, 5, ['admin'])],
    [sha256(OPERATOR_KEY), { ...row(OPERATOR, 6, ['admin']), is_operator: true }],
  ]);
}

const SETTINGS: GatewaySettings = {
  host: '127.0.0.1',
  port: 0,
  max_sessions: 50,
  max_frame_bytes: 4_194_304,
  stale_after_ms: 500,
  resume_window_ms: 15_000,
  open_timeout_ms: 5_000,
  ping_interval_ms: 5_000,
  drain_ms: 50,
  soft_limit_bytes: 262_144,
  hard_limit_bytes: 4_194_304,
  metrics_customer_labels: false,
};

export interface TestGateway {
  readonly gateway: Gateway;
  readonly http: string;
  readonly dir: string;
  readonly keys: Map<string, KeyIdentity>;
  /** Connects and opens; the `opened` frame has been read. */
  robot(open?: Partial<FreshOpen>, key?: string): Promise<StreamClient>;
  connect(key?: string): Promise<StreamClient>;
  /** Everything journaled so far. */
  journaled(): Promise<JournalRecord[]>;
  stop(): Promise<void>;
}

interface Options {
  readonly settings?: Partial<GatewaySettings>;
  readonly models?: ModelCatalogue;
  readonly dir?: string;
  readonly keepDir?: boolean;
  readonly journalBudgetBytes?: number;
  readonly tls?: TlsFiles;
  readonly openpiKey?: string;
  /** This machine's without. */
  readonly clock?: Clock;
  /** Where keys are looked up; `keys` without. */
  readonly findKey?: FindKey;
  /** Whether the node number is in doubt. */
  readonly barred?: () => boolean;
  /** Shared with other gateways of the test; its own without. */
  readonly shared?: SharedState;
  /** What the database says was used this month, by customer. */
  readonly used?: ReadonlyMap<string, number>;
  /** Disk that recordings may take; none is kept without. */
  readonly recordingsBudgetBytes?: number;
  /** Disk that they leave free. */
  readonly recordingsReserveBytes?: number;
  /** Nobody consents to anything without. */
  readonly consents?: ConsentCache;
  /** Endpoints whose parts are not the gateway's own. */
  readonly routes?: (inside: {
    readonly models: ModelCatalogue;
    readonly dir: string;
    readonly consents: ConsentCache;
    readonly log: Logger;
  }) => readonly Route[];
}

/** A real gateway on a free port with a real journal; the `null` policy unless a test brings models of its own. */
export async function startTestGateway(options: Options = {}): Promise<TestGateway> {
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'sinew-gateway-')));
  const metrics = createMetrics();
  const log = createLogger('gateway', 'silent');
  const { clock = monotonicClock } = options;
  const consents = options.consents ?? new ConsentCache(async () => new Map(), { now: clock.now, wall: Date.now });
  const journal = await JournalWriter.open({
    dir,
    mayKeepText: (customerId) => consents.mayStore(customerId, 'instruction_text'),
    node: 0,
    budgetBytes: options.journalBudgetBytes ?? 256 * 1_048_576,
    fsyncMs: 10,
    now: () => Date.now(),
    ...(options.barred === undefined ? {} : { barred: options.barred }),
  });
  const models =
    options.models ??
    (await ModelCatalogue.load(
      { policies: ['null'], policy_threads: 1, policy_intra_op: 1, batch_max: 0, batch_window_ms: 0, admission: 0.85 },
      clock,
      metrics,
      log,
    ));
  const keys = keyRows();
  const gateway = await startGateway({
    settings: { ...SETTINGS, ...options.settings },
    clock,
    journal,
    models,
    metrics,
    log,
    findKey: options.findKey ?? (async (hash) => keys.get(hash) ?? null),
    shared: options.shared ?? createMemoryState(clock.now),
    usedInMonth: async () => options.used ?? new Map(),
    wallNow: () => Date.now(),
    consents,
    pingDatabase: async () => {},
    ...(options.recordingsBudgetBytes === undefined
      ? {}
      : {
          recordings: {
            dir: join(dir, 'recordings'),
            budgetBytes: options.recordingsBudgetBytes,
            reserveBytes: options.recordingsReserveBytes ?? 0,
          },
        }),
    ...(options.tls === undefined ? {} : { tls: options.tls }),
    ...(options.openpiKey === undefined ? {} : { openpiKey: options.openpiKey }),
    ...(options.routes === undefined ? {} : { routes: options.routes({ models, dir, consents, log }) }),
  });
  const connect = (key = KEY) => StreamClient.connect(gateway.port, key);
  return {
    gateway,
    keys,
    dir,
    http: `http://127.0.0.1:${gateway.port}`,
    connect,
    robot: async (open = {}, key = KEY) => {
      const client = await connect(key);
      client.send({ ...OPEN, ...open });
      await client.next('opened');
      return client;
    },
    journaled: async () => {
      await journal.sync();
      const records: JournalRecord[] = [];
      for await (const { record } of readJournal({ dir })) records.push(record);
      return records;
    },
    stop: async () => {
      await gateway.drain();
      await models.close();
      await journal.close();
      if (!options.keepDir) await rm(dir, { recursive: true, force: true });
    },
  };
}

export const OPEN: FreshOpen = {
  type: 'open',
  robot_type: 'franka_panda',
  instruction: 'pick up the red cube',
  environment: { environment_type: 'lab', workspace: { min: [-0.5, -0.5, 0], max: [0.5, 0.5, 0.6] } },
};

/** A 96×96 picture as raw pixels, which needs no encoder. */
export const PIXELS = new Uint8Array(96 * 96 * 3).fill(127);

export function observation(seq: number, more: Partial<Observation> = {}): Observation {
  return {
    type: 'observation',
    seq,
    captured_at_ms: performance.now(),
    images: { main: { kind: 'rgb8', data: PIXELS, width: 96, height: 96 } },
    state: Float64Array.from([0, 0, 0.2, 0, 0, 0, 1]),
    ...more,
  };
}
