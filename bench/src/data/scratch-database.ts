import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { createPool, migrate } from '@sinew/db';
import { BenchError } from '../command.js';

export interface ScratchDatabase {
  readonly url: string;
  readonly kind: 'PostgreSQL' | 'embedded';
  /** What it says of itself: version, and whether its commits wait for the disk. */
  readonly about: string;
  /** Gone, with all that the bench put into it. */
  remove(): Promise<void>;
}

/** A database of the bench's own with our tables: on the server that is named, or an embedded one in a temporary folder. */
export async function scratchDatabase(server: string | null): Promise<ScratchDatabase> {
  const made = server === null ? await embedded() : await onServer(server);
  const pool = createPool(made.url, { max: 1, applicationName: 'sinew bench' });
  try {
    await migrate(pool);
    const { rows } = await pool.query<{ about: string }>(
      `SELECT 'PostgreSQL ' || current_setting('server_version') || ', fsync ' || current_setting('fsync')
         || ', shared_buffers ' || current_setting('shared_buffers') AS about`,
    );
    return { ...made, about: rows[0]?.about ?? '' };
  } catch (error) {
    await made.remove();
    throw error;
  } finally {
    await pool.end();
  }
}

type Made = Omit<ScratchDatabase, 'about'>;

async function onServer(server: string): Promise<Made> {
  const name = `sinew_bench_${randomBytes(6).toString('hex')}`;
  const admin = createPool(server, { max: 1, applicationName: 'sinew bench' });
  await admin.query(`CREATE DATABASE ${name}`).catch(async (error: Error) => {
    await admin.end();
    throw new BenchError(`a database of the bench's own cannot be made there: ${error.message}`);
  });
  const url = new URL(server);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    kind: 'PostgreSQL',
    async remove() {
      await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
      await admin.end();
    },
  };
}

async function embedded(): Promise<Made> {
  const dir = await mkdtemp(join(tmpdir(), 'sinew-bench-db-'));
  const entry = join(
    dirname(createRequire(import.meta.url).resolve('@sinew/db/package.json')),
    'dist/embedded/main.js',
  );
  const child = spawn(process.execPath, [entry], {
    env: {
      ...process.env,
      SINEW_DB_DATA_DIR: join(dir, 'database'),
      SINEW_DB_PORT: '0',
      SINEW_DB_PASSWORD: randomBytes(12).toString('hex'),
    },
    stdio: ['ignore', 'pipe', 'ignore', 'ipc'],
  });
  const exited = once(child, 'exit');
  const [line] = (await Promise.race([
    once(createInterface({ input: child.stdout as NonNullable<typeof child.stdout> }), 'line'),
    exited.then(() => [null]),
  ])) as [string | null];
  if (line === null) {
    await rm(dir, { recursive: true, force: true });
    throw new BenchError('the embedded database did not start');
  }
  return {
    url: String((JSON.parse(line) as { url: unknown }).url),
    kind: 'embedded',
    async remove() {
      child.kill('SIGTERM');
      await exited;
      await rm(dir, { recursive: true, force: true });
    },
  };
}
