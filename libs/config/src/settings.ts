import { availableParallelism, platform } from 'node:os';
import { resolve } from 'node:path';
import { nearestName } from './nearest-name.js';
import { envOf, type OptionTable, type Values } from './option.js';
import { type Environment, type OptionFault, readOptions, type Source } from './read-options.js';
import { parseRemoteUrls } from './remote-urls.js';

/** Where a thread has no priority of its own, policies leave a core to the thread that serves robots. */
const POLICY_THREADS = {
  text: 'CPU cores on Linux, elsewhere one less',
  value: () => Math.max(1, availableParallelism() - (platform() === 'linux' ? 0 : 1)),
};

/** Every setting of the service, once. The order is the order of `--help` and of the README's table. */
export const SETTINGS = {
  data_dir: {
    type: 'path',
    default: { text: '.sinew', value: () => resolve('.sinew') },
    help: 'folder for the journal, the embedded database, run.json and demo.key',
  },
  host: { type: 'string', default: '127.0.0.1', help: 'address the gateway listens on' },
  port: {
    type: 'integer',
    default: 8787,
    min: 0,
    max: 65535,
    help: 'port the gateway listens on; 0 picks a free one',
  },
  openpi_port: {
    type: 'integer',
    default: null,
    min: 0,
    max: 65535,
    help: 'port that speaks the openpi wire at /, for clients that can name no path; 0 picks a free one, not set: only /v1/openpi',
  },
  openpi_defaults: {
    type: 'string',
    default: '',
    help: 'what openpi clients get that do not say otherwise in their query, as a query: robot_type=franka_panda&policy=tabletop-v1',
  },
  openpi_key_file: {
    type: 'path',
    default: null,
    help: 'file with the API key that clients of openpi_port are taken for that send none: whoever reaches that port drives robots with it; not set: they are refused',
  },
  tls_cert_file: {
    type: 'path',
    default: null,
    help: 'certificate chain (PEM): the gateway then speaks https and wss only; needs tls_key_file',
  },
  tls_key_file: { type: 'path', default: null, help: 'private key (PEM, without password) of the certificate' },
  tls_ca_file: {
    type: 'path',
    default: null,
    help: 'certificate (PEM) that commands and simulated robots trust beside the known authorities: a self-signed one is trusted in no other way',
  },
  log_level: {
    type: 'choice',
    default: 'info',
    choices: ['trace', 'debug', 'info', 'warn', 'error', 'silent'],
    help: 'least severe log line that is written',
  },
  database_url: {
    type: 'url',
    default: null,
    env: 'DATABASE_URL',
    protocols: ['postgres:', 'postgresql:'],
    secret: true,
    help: 'PostgreSQL 15+ with pgvector; not set: the embedded database',
  },
  redis_url: {
    type: 'url',
    default: null,
    env: 'REDIS_URL',
    protocols: ['redis:', 'rediss:'],
    secret: true,
    help: 'Redis 7+ for the queues, and for limits that all gateways share; not set: queues live in the database, limits in each gateway',
  },
  policies: {
    type: 'list',
    default: ['tabletop-v1'],
    help: 'policies to load: bundle names, bundle folders, or null; the first is the default model',
  },
  policy_threads: {
    type: 'integer',
    default: POLICY_THREADS,
    min: 1,
    max: 256,
    help: 'policy worker threads; on Linux they run at a lower priority than the thread that serves robots',
  },
  policy_intra_op: { type: 'integer', default: 1, min: 1, max: 64, help: 'ONNX Runtime threads within one worker' },
  remote_urls: {
    type: 'string',
    default: null,
    help: 'model servers of remote policies, in place of those in their bundles: model=url,url;model=url',
  },
  remote_token: {
    type: 'string',
    default: null,
    secret: true,
    help: 'token that every model server is sent (kserve: Authorization: Bearer; openpi: Api-Key)',
  },
  batch_max: {
    type: 'integer',
    default: 0,
    min: 0,
    max: 1024,
    help: 'most observations in one batch; 0: what the bundle says. Of these the warm-up takes the fewest that do nearly as many a second',
  },
  batch_window_ms: {
    type: 'number',
    default: 0,
    min: 0,
    max: 100,
    help: 'longest wait for a fuller batch while a worker is free',
  },
  scheduler_order: {
    type: 'choice',
    default: 'slack',
    choices: ['fifo', 'slack', 'wait_ratio'],
    help: 'who is served first where more robots wait than a batch takes: the first to ask, the next to run dry, or who lost most of its time to waiting',
  },
  horizon: {
    type: 'choice',
    default: 'fixed',
    choices: ['fixed', 'adaptive'],
    help: 'how much of a chunk is executed before the next is asked for: what the bundle says, or more while the load is high, when actions also come later than the ticks their chunk covers; `execute` in `open` is kept in any case',
  },
  admission: {
    type: 'number',
    default: 0.85,
    min: 0.01,
    max: 10,
    help: 'share of the measured inference capacity that sessions may ask for before `open` is refused',
  },
  max_sessions: { type: 'integer', default: 2000, min: 1, max: 1_000_000, help: 'most sessions at a time' },
  max_frame_bytes: {
    type: 'integer',
    default: 4_194_304,
    min: 65_536,
    max: 67_108_864,
    help: 'largest frame a client may send',
  },
  stale_after_ms: {
    type: 'number',
    default: 500,
    min: 25,
    max: 2000,
    help: 'age at which an observation is too old to act on, unless `open` asks otherwise',
  },
  resume_window_ms: {
    type: 'integer',
    default: 15_000,
    min: 0,
    max: 600_000,
    help: 'how long a session without socket waits for its client',
  },
  open_timeout_ms: { type: 'integer', default: 5000, min: 100, max: 60_000, help: 'time a client has to send `open`' },
  ping_interval_ms: {
    type: 'integer',
    default: 5000,
    min: 100,
    max: 60_000,
    help: 'time between pings; three without any answer close the socket',
  },
  drain_ms: {
    type: 'integer',
    default: 3000,
    min: 0,
    max: 600_000,
    help: 'time that running sessions get to finish when the gateway is told to stop; under `sinew up` at most 1800',
  },
  soft_limit_bytes: {
    type: 'integer',
    default: 262_144,
    min: 4096,
    max: 1_073_741_824,
    help: 'unsent bytes of one client above which stale frames are dropped',
  },
  hard_limit_bytes: {
    type: 'integer',
    default: 4_194_304,
    min: 65_536,
    max: 1_073_741_824,
    help: 'unsent bytes of one client above which its socket is closed',
  },
  node: {
    type: 'integer',
    default: null,
    min: 0,
    max: 63,
    help: 'number of this gateway, part of every log_id; not set: a free one is leased from the database (0 where it is embedded)',
  },
  journal_budget_mb: {
    type: 'integer',
    default: 2048,
    min: 16,
    max: 10_000_000,
    help: 'disk budget of the journal; full: new sessions are refused and running ones hold (holds are still recorded)',
  },
  recordings_budget_mb: {
    type: 'integer',
    default: 4096,
    min: 0,
    max: 10_000_000,
    help: 'disk budget of recordings of customers that are recorded (sinew customers record); full: nothing more is recorded, robots go on',
  },
  journal_keep_days: {
    type: 'integer',
    default: 7,
    min: 0,
    max: 3650,
    help: 'how long shipped journal segments stay beside the embedded database',
  },
  metrics_customer_labels: {
    type: 'boolean',
    default: false,
    help: 'whether metrics name customers (vla_quota_utilization)',
  },
  fsync_ms: { type: 'integer', default: 50, min: 0, max: 10_000, help: 'longest time between fsyncs of the journal' },
  sim: { type: 'boolean', default: true, help: 'simulated robots beside `sinew up` (--no-sim: none)' },
  robots: { type: 'integer', default: 4, min: 1, max: 10_000, help: 'number of simulated robots' },
} as const satisfies OptionTable;

export type Settings = Values<typeof SETTINGS>;

export interface LoadedSettings {
  /** Complete even when there are errors; do not start on them then. */
  readonly settings: Settings;
  readonly rest: readonly string[];
  readonly errors: readonly OptionFault[];
}

export function loadSettings(source: Source): LoadedSettings {
  const { values, rest, errors } = readOptions(SETTINGS, source);
  return { settings: values, rest, errors: [...errors, ...contradictions(values)] };
}

/** Bad settings: one line each, naming the variable and what is allowed. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  constructor(readonly faults: readonly OptionFault[]) {
    super(faults.map((fault) => fault.message).join('\n'));
  }
}

/** For process entries: the settings, or a SettingsError that stops the start. */
export function requireSettings(source: Source): Settings {
  const { settings, errors } = loadSettings(source);
  if (errors.length > 0) throw new SettingsError(errors);
  return settings;
}

/** The environment that gives a child process these settings. Unset ones are left out. */
export function settingsEnvironment(settings: Settings): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, option] of Object.entries(SETTINGS)) {
    const value = settings[name as keyof Settings];
    if (value !== null) env[envOf(name, option)] = String(value);
  }
  return env;
}

/** `SINEW_*` variables that look like a misspelt setting: ignoring them silently would run with another value. */
export function misspeltVariables(env: Environment): OptionFault[] {
  const known = Object.entries(SETTINGS).map(([name, option]) => envOf(name, option));
  return Object.keys(env)
    .filter((name) => name.startsWith('SINEW_') && !known.includes(name))
    .flatMap((name) => {
      const near = nearestName(
        name.slice(6),
        known.map((k) => k.replace(/^SINEW_/, '')),
      );
      return near === undefined ? [] : [{ name, message: `${name} is not a setting; did you mean SINEW_${near}?` }];
    });
}

/** Settings that are fine one by one, not together. */
export function contradictions(settings: Settings): OptionFault[] {
  const faults: OptionFault[] = [];
  if (settings.soft_limit_bytes >= settings.hard_limit_bytes) {
    faults.push({
      name: 'SINEW_SOFT_LIMIT_BYTES',
      message: `SINEW_SOFT_LIMIT_BYTES (${settings.soft_limit_bytes}) must be below SINEW_HARD_LIMIT_BYTES (${settings.hard_limit_bytes})`,
    });
  }
  if ((settings.tls_cert_file === null) !== (settings.tls_key_file === null)) {
    const [given, missing] =
      settings.tls_cert_file === null
        ? ['SINEW_TLS_KEY_FILE', 'SINEW_TLS_CERT_FILE']
        : ['SINEW_TLS_CERT_FILE', 'SINEW_TLS_KEY_FILE'];
    faults.push({
      name: missing,
      message: `${missing} is not set, ${given} is: a certificate and its key go together`,
    });
  }
  const remote = settings.remote_urls === null ? null : parseRemoteUrls(settings.remote_urls);
  if (typeof remote === 'string') faults.push({ name: 'SINEW_REMOTE_URLS', message: `SINEW_REMOTE_URLS ${remote}` });
  return faults;
}
