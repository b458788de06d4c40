import { existsSync } from 'node:fs';
import {
  AccountAdministration,
  AccountFault,
  commandRecord,
  NO_RECORD,
  RecordFailed,
  type RestoredAccounts,
} from '@sinew/accounts';
import { ensureDataDir, readRunFile } from '@sinew/config';
import { AmbiguousCustomer, createPool } from '@sinew/db';
import { ENTRIES } from '../entries.js';
import { Failure } from '../failure.js';
import type { ChildLine } from '../supervisor/supervised-process.js';
import { whileRunning } from '../supervisor/while-running.js';
import { bringUpToDate } from './bring-up-to-date.js';
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
  options: OwnOptions = {},
): Promise<T> {
  if (database_url !== null) return withPool(database_url, 'configured', use);
  const running = runningDatabase(data_dir);
  if (running !== null) return withPool(running, 'running', use);

  return withOwnDatabase(data_dir, command, use, options);
}

export interface OwnDatabase extends OpenDatabase {
  /** What the database's process said when it was ready. */
  readonly ready: ChildLine;
  /** The accounts that were put into it, where it was empty. */
  readonly restored: RestoredAccounts | null;
}

export interface OwnOptions {
  /** Before it is started, with the data folder locked. */
  readonly before?: () => Promise<void>;
  /** As it was found, neither migrated nor restored. */
  readonly asItIs?: boolean;
}

/** The embedded database, started for as long as `use` takes; refused while somebody else works on the data folder. */
export async function withOwnDatabase<T>(
  dataDir: string,
  command: string,
  use: (database: OwnDatabase) => Promise<T>,
  { before, asItIs = false }: OwnOptions = {},
): Promise<T> {
  ensureDataDir(dataDir);
  const lock = lockDataDir(dataDir, command);
  if (!isLock(lock)) {
    throw new Failure(`${lock.command} (process ${lock.pid}) is using ${dataDir}`, [
      'stop it, or wait until it is done',
    ]);
  }
  try {
    await before?.();
    return await withEmbedded(dataDir, (url, ready) =>
      withPool(url, 'own', async (database) => {
        const restored = asItIs ? null : await bringUpToDate(database.pool, dataDir);
        return use({ ...database, ready, restored });
      }),
    );
  } finally {
    lock.release();
  }
}

/** Changes to customers and keys; recorded in the data folder unless the database keeps what it is told. */
export const administrationOf = ({ pool, from }: OpenDatabase, dataDir: string): AccountAdministration =>
  new AccountAdministration(pool, from === 'configured' ? NO_RECORD : commandRecord(dataDir));

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
    await checkDatabase(pool, from);
    return await use({ pool, url, from });
  } catch (error) {
    if (error instanceof AccountFault) throw new Failure(`nothing was changed: ${error.message}`);
    if (error instanceof AmbiguousCustomer) {
      throw new Failure(error.message, [`say which by its id: ${error.customerIds.join(', ')}`]);
    }
    if (error instanceof RecordFailed) throw new Failure(`nothing was changed: ${error.message}`);
    throw isMissingTable(error)
      ? new Failure('the database has no tables of Sinew yet', ['sinew migrate makes them'])
      : error;
  } finally {
    await pool.end();
  }
}

/** Fails in words when it does not answer. */
export async function checkDatabase(pool: Pool, from: OpenDatabase['from']): Promise<void> {
  try {
    await pool.query('SELECT 1');
  } catch (error) {
    throw new Failure(`the database does not answer: ${reasonOf(error)}`, [
      from === 'configured' ? 'is DATABASE_URL right, and is it running?' : 'is sinew up still running?',
    ]);
  }
}

/** With several addresses to try, Node wraps one error each in one without a message. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join(', ');
  return error instanceof Error ? error.message : String(error);
}

const isMissingTable = (error: unknown): boolean =>
  error instanceof Error &&
  [error, error.cause].some(
    (each) => each instanceof Error && 'code' in each && (each.code === '42P01' || each.code === '3F000'),
  );

function withEmbedded<T>(dataDir: string, use: (url: string, ready: ChildLine) => Promise<T>): Promise<T> {
  const environment = databaseEnvironment(dataDir, 0, newDatabasePassword());
  return whileRunning({ name: 'database', entry: ENTRIES.database, environment }, (ready) => {
    if (typeof ready.url !== 'string') throw new Failure('the embedded database did not say where it is');
    return use(ready.url, ready);
  });
}
