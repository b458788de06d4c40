import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { createPool } from '@sinew/db';
import { freePort } from '../free-port.js';
import { until } from './until.js';

const run = promisify(execFile);
const asRoot = process.getuid?.() === 0;
/** PostgreSQL refuses to run as root. */
const POSTGRES_USER = 'postgres';

function onPath(name: string): string | null {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const debian = '/usr/lib/postgresql';
  if (existsSync(debian))
    for (const version of readdirSync(debian).sort().reverse()) folders.push(join(debian, version, 'bin'));
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path)) ?? null;
}

/** Why real servers cannot be had here, or null. */
export function missingServers(): string | null {
  const missing = ['initdb', 'pg_ctl', 'redis-server'].filter((name) => onPath(name) === null);
  if (missing.length > 0) return `no ${missing.join(', ')}`;
  const config = onPath('pg_config');
  if (config === null) return 'no pg_config';
  const shared = execFileSync(config, ['--sharedir']).toString().trim();
  if (!existsSync(join(shared, 'extension', 'vector.control'))) return 'no pgvector';
  try {
    if (asRoot) execFileSync('id', [POSTGRES_USER], { stdio: 'ignore' });
  } catch {
    return `no user ${POSTGRES_USER}, and PostgreSQL does not run as root`;
  }
  return null;
}

/** A real PostgreSQL of the test's own, to be killed and started again. */
export class OwnPostgres {
  private constructor(
    private readonly dir: string,
    private readonly port: number,
  ) {}

  static async start(): Promise<OwnPostgres> {
    const dir = await mkdtemp(join(tmpdir(), 'sinew-chaos-pg-'));
    await chmod(dir, 0o755);
    if (asRoot) {
      const uid = Number(execFileSync('id', ['-u', POSTGRES_USER]).toString());
      await chown(dir, uid, -1);
    }
    const made = new OwnPostgres(dir, await freePort('127.0.0.1'));
    await made.#as('initdb', '-D', join(dir, 'data'), '-U', 'postgres', '--auth=trust');
    await made.begin();
    const admin = createPool(made.#url('postgres', 'postgres'));
    // As an ordinary user who owns it: a superuser would see past every policy.
    await admin.query('CREATE ROLE chaos LOGIN CREATEROLE');
    await admin.query('CREATE DATABASE chaos OWNER chaos');
    await admin.end();
    const inside = createPool(made.#url('postgres', 'chaos'));
    await inside.query('CREATE EXTENSION vector');
    await inside.end();
    return made;
  }

  get url(): string {
    return this.#url('chaos', 'chaos');
  }

  async begin(): Promise<void> {
    const options = `-k ${this.dir} -p ${this.port} -c listen_addresses=127.0.0.1`;
    await this.#as('pg_ctl', '-D', join(this.dir, 'data'), '-w', '-l', join(this.dir, 'log'), '-o', options, 'start');
  }

  /** As a crash leaves it: every backend at once, recovery at the next start. */
  async crash(): Promise<void> {
    await this.#as('pg_ctl', '-D', join(this.dir, 'data'), '-m', 'immediate', 'stop');
  }

  async close(): Promise<void> {
    await this.crash().catch(() => undefined);
    await rm(this.dir, { recursive: true, force: true });
  }

  #url(user: string, database: string): string {
    return `postgres://${user}@127.0.0.1:${this.port}/${database}`;
  }

  async #as(name: string, ...args: string[]): Promise<void> {
    const file = onPath(name) ?? name;
    const command = asRoot ? ['runuser', '-u', POSTGRES_USER, '--', file, ...args] : [file, ...args];
    // A server that is started keeps what it was given open: it must not be a pipe that somebody waits for.
    const child = spawn(command[0] as string, command.slice(1), { stdio: 'ignore', cwd: this.dir });
    const [code] = await once(child, 'exit');
    if (code !== 0) throw new Error(`${name} ended with ${code}`);
  }
}

/** A real Redis of the test's own. */
export class OwnRedis {
  #child: ChildProcess | null = null;

  private constructor(
    private readonly dir: string,
    private readonly port: number,
  ) {}

  static async start(): Promise<OwnRedis> {
    const made = new OwnRedis(await mkdtemp(join(tmpdir(), 'sinew-chaos-redis-')), await freePort('127.0.0.1'));
    await made.begin();
    return made;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async begin(): Promise<void> {
    const args = [
      '--port',
      `${this.port}`,
      '--bind',
      '127.0.0.1',
      '--save',
      '',
      '--appendonly',
      'yes',
      '--dir',
      this.dir,
    ];
    this.#child = spawn('redis-server', args, { stdio: 'ignore' });
    await until(
      'redis answers',
      async () => (await run('redis-cli', ['-p', `${this.port}`, 'ping'])).stdout === 'PONG\n',
    );
  }

  async crash(): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    this.#child = null;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  async close(): Promise<void> {
    this.signal('SIGCONT');
    await this.crash();
    await rm(this.dir, { recursive: true, force: true });
  }
}
