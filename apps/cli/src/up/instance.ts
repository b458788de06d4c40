import { join } from 'node:path';
import {
  EXIT_FOLDER_HELD,
  gatewayAddress,
  openpiAddress,
  removeRunFile,
  type Settings,
  settingsEnvironment,
  writeRunFile,
} from '@sinew/config';
import { Failure } from '../failure.js';
import { databaseEnvironment, newDatabasePassword, REBUILD_ADVICE } from '../instance/embedded-database.js';
import type { Clock } from '../supervisor/clock.js';
import {
  type ChildLine,
  type ProcessEvent,
  type ProcessSpec,
  SupervisedProcess,
} from '../supervisor/supervised-process.js';
import { readable } from './trouble.js';

export interface Addresses {
  readonly http: string;
  readonly ws: string;
  /** Of the port that speaks openpi at `/`; null where there is none. */
  readonly openpi: string | null;
  /** Null where the database is not ours to put a demo key into, and none was given. */
  readonly apiKey: string | null;
}

export interface InstanceOptions {
  readonly settings: Settings;
  /** For the simulated robots and the ready line, with a database of the user's own. */
  readonly apiKey: string | null;
  readonly clock: Clock;
  /** The file each process runs. */
  readonly entries: Readonly<Record<Name, string>>;
  /** Schema and demo key, once the database answers. */
  prepare(databaseUrl: string): Promise<string | null>;
  report(process: string, event: ProcessEvent): void;
}

export type Name = 'database' | 'gateway' | 'worker' | 'shipper' | 'sim';

/** A child that dies this often before it was ever ready will not start by being tried again. */
const START_ATTEMPTS = 3;
/** Making a database takes seconds; on a small or busy machine, a minute or two. */
const FIRST_DATABASE_MS = 300_000;
/** Parts that a killed predecessor left behind leave within ten seconds, and hold their folders until then. */
const PREDECESSOR_MS = 15_000;
const STOPPED = 'stopped before it was ready';
/**
 * From SIGTERM to SIGKILL. What is stopped one after the other comes to 5.5 s, so that six seconds hold on any machine; so
 * the gateway's drain is cut here, where the same hand that stops it watches the robots.
 */
const STOP_MS = { sim: 600, shipper: 1100, worker: 1100, database: 800 } as const;
const LONGEST_DRAIN_MS = 1800;
/** The last holding tick, close handshakes, the journal's last fsync. */
const GATEWAY_BEYOND_DRAIN_MS = 1200;

/**
 * All processes of one `sinew up`: started in the order in which they need each other, each kept alive, stopped in the
 * reverse order. What a process learns at its first start (its port, the database password) it keeps over restarts, so
 * that addresses which others hold stay true.
 */
export class Instance {
  readonly #processes = new Map<Name, SupervisedProcess>();
  readonly #aborted = new AbortController();
  readonly #startFailures = new Map<string, number>();
  readonly #databasePassword = newDatabasePassword();
  #databaseUrl: string;
  #databasePort = 0;
  #port: number;
  #openpiPort: number | null;
  #addresses: Addresses | null = null;
  #starting = true;
  #failure: Failure | null = null;
  readonly #begun: number;
  readonly #startedAt = new Date();

  constructor(private readonly options: InstanceOptions) {
    this.#databaseUrl = options.settings.database_url ?? '';
    this.#port = options.settings.port;
    this.#openpiPort = options.settings.openpi_port;
    this.#begun = options.clock.now();
  }

  get embedded(): boolean {
    return this.options.settings.database_url === null;
  }

  get #drainMs(): number {
    return Math.min(this.options.settings.drain_ms, LONGEST_DRAIN_MS);
  }

  /** Resolves when the service takes robots. Rejects with a Failure that says which part did not start, and why. */
  async start(): Promise<Addresses> {
    const { settings } = this.options;
    const database = this.embedded ? [await this.#startDatabase()] : [];
    this.#checkStopped();
    const demoKey = await this.options.prepare(this.#databaseUrl);
    this.#checkStopped();

    // Not tied to the database: robots that are driven must not wait for it when it restarts (the journal keeps all).
    const gateway = this.#add('gateway', {
      readyWithinMs: 60_000,
      stopWithinMs: this.#drainMs + GATEWAY_BEYOND_DRAIN_MS,
    });
    const ready = await this.#firstReady(gateway);
    this.#port = portOf(ready, this.#port);
    if (typeof ready.openpi_port === 'number') this.#openpiPort = ready.openpi_port;
    const tls = settings.tls_cert_file !== null;
    const addresses = {
      ...gatewayAddress(settings.host, this.#port, tls),
      openpi: this.#openpiPort === null ? null : openpiAddress(settings.host, this.#openpiPort, tls),
      // The demo key first: a key in the environment may be another gateway's.
      apiKey: demoKey ?? this.options.apiKey,
    };
    this.#addresses = addresses;

    const services = (['shipper', 'worker'] as const).map((name) =>
      this.#add(name, { needs: database, stopWithinMs: STOP_MS[name] }),
    );
    await Promise.all(services.map((service) => this.#firstReady(service)));
    this.#starting = false;
    this.#writeRunFile();
    return addresses;
  }

  /** Simulated robots, from the outside: they get an address and a key like any client. */
  startRobots(): void {
    const gateway = this.#processes.get('gateway');
    if (gateway === undefined) throw new Error('robots need a gateway');
    this.#add('sim', { needs: [gateway], stopWithinMs: STOP_MS.sim });
  }

  /** Robots first, then the gateway that drives them, then what ships and stores what they did, then the database. */
  async stop(): Promise<void> {
    this.#aborted.abort();
    await this.#stop('sim');
    await this.#stop('gateway');
    await Promise.all([this.#stop('shipper'), this.#stop('worker')]);
    await this.#stop('database');
    removeRunFile(this.options.settings.data_dir);
  }

  /** At once, without grace. The journal and the database are made to survive it. */
  kill(): void {
    this.#aborted.abort();
    for (const process of this.#processes.values()) process.kill();
    removeRunFile(this.options.settings.data_dir);
  }

  async #startDatabase(): Promise<SupervisedProcess> {
    const database = this.#add('database', { readyWithinMs: FIRST_DATABASE_MS, stopWithinMs: STOP_MS.database });
    const ready = await this.#firstReady(database);
    this.#databasePort = portOf(ready, this.#databasePort);
    if (typeof ready.url !== 'string') throw new Failure('the embedded database did not say where it is');
    this.#databaseUrl = ready.url;
    return database;
  }

  #add(name: Name, more: Partial<ProcessSpec>): SupervisedProcess {
    const spec: ProcessSpec = {
      name,
      entry: this.options.entries[name],
      environment: () => this.#environment(name),
      readyWithinMs: 30_000,
      stopWithinMs: 1000,
      needs: [],
      ...more,
    };
    const process = new SupervisedProcess(spec, this.options.clock, (event) => this.#heard(name, event));
    this.#processes.set(name, process);
    process.start();
    return process;
  }

  #environment(name: Name): Record<string, string | undefined> {
    const { node } = this.options.settings;
    const common = {
      ...settingsEnvironment(this.options.settings),
      DATABASE_URL: this.#databaseUrl,
      // The only gateway of its database.
      ...(this.embedded && node === null ? { SINEW_NODE: '0' } : {}),
    };
    switch (name) {
      case 'database':
        return {
          ...common,
          ...databaseEnvironment(this.options.settings.data_dir, this.#databasePort, this.#databasePassword),
        };
      case 'sim':
        // From the outside: a robot knows an address and a key, and no password.
        return {
          ...common,
          DATABASE_URL: undefined,
          REDIS_URL: undefined,
          SINEW_URL: this.#addresses?.http,
          SINEW_API_KEY: this.#addresses?.apiKey ?? undefined,
        };
      default:
        return {
          ...common,
          SINEW_PORT: String(this.#port),
          ...(this.#openpiPort === null ? {} : { SINEW_OPENPI_PORT: String(this.#openpiPort) }),
          SINEW_DRAIN_MS: String(this.#drainMs),
        };
    }
  }

  #heard(name: Name, event: ProcessEvent): void {
    this.options.report(name, event);
    if (event.type === 'ready' && !this.#starting) this.#writeRunFile();
    if (event.type !== 'exited' || !event.exit.beforeReady || !this.#starting) return;
    if (event.exit.code === EXIT_FOLDER_HELD && this.options.clock.now() - this.#begun < PREDECESSOR_MS) return;
    const failures = (this.#startFailures.get(name) ?? 0) + 1;
    this.#startFailures.set(name, failures);
    if (failures < START_ATTEMPTS) return;
    this.#failure ??= new Failure(`the ${name} does not start`, [
      ...readable(event.exit.lastWords).slice(-6),
      ...(name === 'database' ? [`where its files are broken: ${REBUILD_ADVICE}`] : []),
      `its log: ${join(this.options.settings.data_dir, 'logs', `${name}.log`)}`,
    ]);
    this.#aborted.abort();
  }

  /** Its ready line, or why it never came. */
  async #firstReady(process: SupervisedProcess): Promise<ChildLine> {
    const line = await process.whenReady(this.#aborted.signal);
    if (line === undefined) throw this.#failure ?? new Failure(STOPPED);
    return line;
  }

  #checkStopped(): void {
    if (this.#aborted.signal.aborted) throw this.#failure ?? new Failure(STOPPED);
  }

  async #stop(name: Name): Promise<void> {
    await this.#processes.get(name)?.stop();
  }

  #writeRunFile(): void {
    if (this.#addresses === null || this.#aborted.signal.aborted) return;
    const { settings } = this.options;
    const pids = [...this.#processes].flatMap(([name, { pid }]) => (pid === null ? [] : [[name, pid] as const]));
    writeRunFile(settings.data_dir, {
      version: 1,
      pid: process.pid,
      started_at: this.#startedAt.toISOString(),
      http: this.#addresses.http,
      ws: this.#addresses.ws,
      database_url: this.#databaseUrl,
      embedded: this.embedded,
      redis_url: settings.redis_url,
      pids: Object.fromEntries(pids),
    });
  }
}

const portOf = (ready: ChildLine, before: number): number => (typeof ready.port === 'number' ? ready.port : before);
