import { existsSync } from 'node:fs';
import { ensureDataDir, readRunFile } from '@sinew/config';
import { createPool, migrate } from '@sinew/db';
import { ENTRIES } from '../entries.js';
import { Failure } from '../failure.js';
import { systemClock } from '../supervisor/clock.js';
import { SupervisedProcess } from '../supervisor/supervised-process.js';
import { readable } from '../up/trouble.js';
import { isLock, lockDataDir, lockHolder } from './data-dir-lock.js';
import { databaseEnvironment, databaseFolder, newDatabasePassword } from './embedded-database.js';

export type Pool = ReturnType<typeof createPool>;

export interface OpenDatabase {
  readonly pool: Pool;
  readonly url: string;
  /** `configured`: DATABASE_URL; `running`: the embedded one of an instance that runs; `own`: started for this command. */
  readonly from: 'configured' | 'running' | 'own';
}

export interface DatabaseChoice {
  readonly data_dir: string;
  readonly database_url: string | null;
}

/**
 * Runs `use` on the database this command means: the configured one, that of the instance running on the data folder, or
 * the embedded one, started for as long as `use` takes.
 */
export async function withDatabase<T>(
  { data_dir, database_url }: DatabaseChoice,
  command: string,
  use: (database: OpenDatabase) => Promise<T>,
): Promise<T> {
  if (database_url !== null) return withPool(database_url, 'configured', use);
  const running = runningDatabase(data_dir);
  if (running !== null) return withPool(running, 'running', use);

  ensureDataDir(data_dir);
  const lock = lockDataDir(data_dir, command);
  if (!isLock(lock)) {
    throw new Failure(`${lock.command} (process ${lock.pid}) is using ${data_dir}`, ['wait until it is ready or done']);
  }
  try {
    return await withEmbedded(data_dir, async (url) =>
      withPool(url, 'own', async (database) => {
        await migrate(database.pool);
        return use(database);
      }),
    );
  } finally {
    lock.release();
  }
}

export const hasEmbeddedDatabase = (dataDir: string): boolean => existsSync(databaseFolder(dataDir));

/** A run file outlives an instance that was killed; its lock does not. */
function runningDatabase(dataDir: string): string | null {
  const run = readRunFile(dataDir);
  return run !== null && lockHolder(dataDir)?.pid === run.pid ? run.database_url : null;
}

async function withPool<T>(
  url: string,
  from: OpenDatabase['from'],
  use: (database: OpenDatabase) => Promise<T>,
): Promise<T> {
  const pool = createPool(url, { max: 2, applicationName: 'sinew cli' });
  try {
    await pool.query('SELECT 1').catch((error: unknown) => {
      throw new Failure(`the database does not answer: ${error instanceof Error ? error.message : String(error)}`, [
        from === 'configured' ? 'is DATABASE_URL right, and is it running?' : 'is sinew up still running?',
      ]);
    });
    return await use({ pool, url, from });
  } finally {
    await pool.end();
  }
}

async function withEmbedded<T>(dataDir: string, use: (url: string) => Promise<T>): Promise<T> {
  const password = newDatabasePassword();
  const died = new AbortController();
  let lastWords: readonly string[] = [];
  const database = new SupervisedProcess(
    {
      name: 'database',
      entry: ENTRIES.database,
      environment: () => databaseEnvironment(dataDir, 0, password),
      readyWithinMs: 60_000,
      stopWithinMs: 4000,
      needs: [],
    },
    systemClock,
    (event) => {
      if (event.type !== 'exited' || event.restartInMs === null) return;
      lastWords = event.exit.lastWords;
      died.abort();
    },
  );
  database.start();
  try {
    const ready = await database.whenReady(died.signal);
    if (typeof ready?.url !== 'string') throw new Failure('the embedded database does not start', readable(lastWords));
    return await use(ready.url);
  } finally {
    await database.stop();
  }
}
