import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type RunFile, readRunFile } from '@sinew/config';
import { createPool } from '@sinew/db';
import type { Pool } from 'pg';
import { afterAll } from 'vitest';
import { writeScripts } from './scripts.js';
import { until } from './until.js';

const SINEW = fileURLToPath(new URL('../../../cli/bin/sinew.js', import.meta.url));
const HOOK = new URL('./fault-hook.mjs', import.meta.url).href;
const run = promisify(execFile);

export type Part = 'database' | 'gateway' | 'worker' | 'shipper';
export const PARTS: readonly Part[] = ['database', 'gateway', 'worker', 'shipper'];

export interface GatewayMemory {
  readonly heapUsed: number;
  readonly rss: number;
  readonly external: number;
  readonly arrayBuffers: number;
  /** What keeps the event loop busy, by kind: sockets, timers, … */
  readonly resources: Readonly<Record<string, number>>;
}

interface Ready {
  readonly http: string;
  readonly ws: string;
  readonly api_key: string | null;
}

export interface ChaosOptions {
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Done in the data folder before anything starts. */
  readonly before?: (dataDir: string) => Promise<void>;
  /** Done when everything has ended, before the folder goes. */
  readonly after?: () => Promise<void>;
}

/** Every process that was ever started here, so that the end can show that none is left. */
const seen = new Set<number>();

/** `sinew up` as anybody starts it, in a folder of its own, with everything a test needs to break it. */
export class ChaosInstance {
  readonly #processes = new Set<number>();
  #log: string[] = [];
  #after: (() => Promise<void>) | null = null;

  private constructor(
    readonly dir: string,
    readonly ready: Ready,
    readonly supervisor: ChildProcess,
  ) {}

  static async start({ args = [], env = {}, before, after }: ChaosOptions = {}): Promise<ChaosInstance> {
    const dir = await mkdtemp(join(tmpdir(), 'sinew-chaos-'));
    try {
      if (env.DATABASE_URL === undefined) await cp(await emptyDatabase(), join(dir, 'database'), { recursive: true });
      await mkdir(join(dir, 'chaos'));
      const scripts = await writeScripts(join(dir, 'chaos'));
      await before?.(dir);
      const child = spawn(
        process.execPath,
        [SINEW, 'up', '--no-sim', '--json', '--port', '0', '--data-dir', dir]
          // Whether a busy machine could promise these robots their rate is not the question here.
          .concat('--admission', '10', '--policies', ['tabletop-v1', ...scripts].join(), ...args),
        {
          env: { ...process.env, ...env, NODE_OPTIONS: `--import=${HOOK}`, CHAOS_DIR: join(dir, 'chaos') },
          stdio: ['ignore', 'pipe', 'pipe'],
        },
      );
      supervisors.add(child);
      child.once('exit', () => supervisors.delete(child));
      const err: string[] = [];
      createInterface({ input: child.stderr }).on('line', (line) => err.push(line));
      const ended = once(child, 'exit').then(() => Promise.reject(new Error(`sinew up ended: ${err.join('\n')}`)));
      ended.catch(() => undefined);
      const [line] = (await Promise.race([once(createInterface({ input: child.stdout }), 'line'), ended])) as [string];
      const instance = new ChaosInstance(dir, JSON.parse(line) as Ready, child);
      instance.#log = err;
      instance.#after = after ?? null;
      instance.#remember();
      return instance;
    } catch (error) {
      await after?.();
      await rm(dir, { recursive: true, force: true });
      throw error;
    }
  }

  get port(): number {
    return Number(new URL(this.ready.http).port);
  }

  /** What the supervisor said about its processes so far. */
  get said(): readonly string[] {
    return this.#log;
  }

  pid(part: Part): number {
    const pid = this.#run().pids[part];
    if (pid === undefined) throw new Error(`no ${part} runs`);
    return pid;
  }

  signal(part: Part, signal: NodeJS.Signals): void {
    process.kill(this.pid(part), signal);
  }

  /** kill -9 of all of them at once; resolves when each runs again and the gateway takes robots. */
  async kill(...parts: readonly Part[]): Promise<void> {
    this.#remember();
    const before = parts.map((part) => this.pid(part));
    for (const pid of before) process.kill(pid, 'SIGKILL');
    for (const [i, part] of parts.entries())
      await until(`${part} runs again`, () => this.#run().pids[part] !== before[i] && alive(this.pid(part)));
    this.#remember();
    await this.healthy();
  }

  /** Stops a process for so long as `during` takes. */
  async frozen<T>(part: Part, during: () => Promise<T>): Promise<T> {
    const pid = this.pid(part);
    process.kill(pid, 'SIGSTOP');
    try {
      return await during();
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  }

  async healthy(): Promise<void> {
    await until('all parts are healthy', async () => {
      const answer = await fetch(`${this.ready.http}/health/detailed`, { signal: AbortSignal.timeout(2_000) });
      const { components } = (await answer.json()) as { components: Record<string, { status: string }> };
      return answer.ok && components.database?.status === 'healthy';
    });
  }

  async metric(name: string): Promise<number> {
    const page = await (await fetch(`${this.ready.http}/metrics`)).text();
    const values = [...page.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))];
    return values.reduce((sum, [, value]) => sum + Number(value), 0);
  }

  async get<T>(path: string): Promise<T> {
    return (await (await fetch(`${this.ready.http}${path}`)).json()) as T;
  }

  /** Makes one policy thread do this; resolves when one has taken it up. */
  async policyThread(what: 'exit' | 'throw' | 'hang'): Promise<void> {
    const demand = join(this.dir, 'chaos', `policy-thread-${what}`);
    writeFileSync(demand, '');
    await until(`a policy thread does ${what}`, () => !existsSync(demand));
  }

  /** The gateway's memory after a full collection. */
  async memory(): Promise<GatewayMemory> {
    const pid = this.pid('gateway');
    const path = join(this.dir, 'chaos', `memory-${pid}.json`);
    rmSync(path, { force: true });
    process.kill(pid, 'SIGUSR2');
    const text = await until('the gateway measures its memory', () => existsSync(path) && readFileSync(path, 'utf8'));
    return JSON.parse(text) as GatewayMemory;
  }

  pool(): Pool {
    return createPool(this.#run().database_url, { max: 1, onError: () => undefined });
  }

  /** Ends everything in order; throws where something is left behind. Safe to call after any failure. */
  async stop(): Promise<void> {
    this.#remember();
    for (const pid of this.#processes) if (alive(pid)) process.kill(pid, 'SIGCONT');
    const { supervisor } = this;
    if (supervisor.exitCode === null && supervisor.signalCode === null) {
      const gone = once(supervisor, 'exit');
      const timer = setTimeout(() => supervisor.kill('SIGKILL'), 20_000);
      supervisor.kill('SIGTERM');
      await gone;
      clearTimeout(timer);
    }
    try {
      await until('every process has ended', () => [...this.#processes].every((pid) => !alive(pid)), 15_000);
    } catch (error) {
      for (const pid of this.#processes) if (alive(pid)) process.kill(pid, 'SIGKILL');
      throw error;
    } finally {
      await this.#after?.();
      await rm(this.dir, { recursive: true, force: true });
    }
  }

  #run(): RunFile {
    const file = readRunFile(this.dir);
    if (file === null) throw new Error('no run.json');
    return file;
  }

  #remember(): void {
    for (const pid of Object.values(readRunFile(this.dir)?.pids ?? {})) {
      this.#processes.add(pid);
      seen.add(pid);
    }
  }
}

// A test runner that is stopped itself leaves nothing running either: with the supervisor gone, its parts go.
const supervisors = new Set<ChildProcess>();
function endAll(): void {
  for (const child of supervisors) child.kill('SIGKILL');
}
process.once('exit', endAll);
// Who listens to a signal is not ended by it; the exit runs what else is to be cleared away.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

/** Every part that any instance of this file ran and that lives still. */
export const orphans = (): number[] => [...seen].filter(alive);

/** Its title: a number alone may have gone to another process meanwhile. */
export function alive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !stat.includes(') Z ') && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('sinew');
  } catch {
    return false;
  }
}

let made: Promise<string> | null = null;
// With the suite: a worker of the runner's that is told to end hears of no `exit`.
afterAll(async () => {
  if (made !== null) await rm(dirname(await made), { recursive: true, force: true });
});

/** A folder with an empty database, made once: making one takes most of a first start. */
function emptyDatabase(): Promise<string> {
  made ??= (async () => {
    const dir = await mkdtemp(join(tmpdir(), 'sinew-chaos-empty-'));
    await run(process.execPath, [SINEW, 'migrate', '--data-dir', dir]);
    const prepared = join(dir, 'prepared');
    await rename(join(dir, 'database'), prepared);
    return prepared;
  })();
  return made;
}
