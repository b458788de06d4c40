/**
 * The embedded database as a process: `sinew database`. Reads SINEW_DB_DATA_DIR, SINEW_DB_PORT (0 = any) and
 * SINEW_DB_PASSWORD, prints one JSON line when ready, ends on SIGTERM or SIGINT, or when its supervisor is gone.
 */
import { announceReady, EXIT_FOLDER_HELD, onStopRequested } from '@sinew/config';
import { FolderLocked } from './folder-lock.js';
import { type EmbeddedDatabase, startEmbedded } from './start-embedded.js';

const CLOSE_LIMIT_MS = 3_000;

process.title = 'sinew database';

function log(level: 'info' | 'error' | 'fatal', msg: string, more: Readonly<Record<string, unknown>> = {}): void {
  process.stderr.write(`${JSON.stringify({ level, time: Date.now(), name: 'database', msg, ...more })}\n`);
}

function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') {
    log('fatal', `${name} is not set`);
    process.exit(2);
  }
  return value;
}

const dataDir = setting('SINEW_DB_DATA_DIR');
const password = setting('SINEW_DB_PASSWORD');
const port = Number(process.env.SINEW_DB_PORT ?? '0');
if (!Number.isInteger(port) || port < 0 || port > 65_535) {
  log('fatal', 'SINEW_DB_PORT is not a port');
  process.exit(2);
}

let database: EmbeddedDatabase | null = null;
let stopping = false;

function stop(reason: string): void {
  if (stopping) return;
  stopping = true;
  // A query that spins cannot be interrupted: the supervisor must not wait for it. Recovery is the next start's work.
  setTimeout(() => process.exit(1), CLOSE_LIMIT_MS).unref();
  const closed = database === null ? Promise.resolve() : database.close();
  closed.then(
    () => {
      log('info', 'closed', { reason });
      process.exit(0);
    },
    (error: unknown) => {
      log('error', 'closing failed', { reason, error: String(error) });
      process.exit(1);
    },
  );
}

onStopRequested(stop);

const began = performance.now();
try {
  database = await startEmbedded({
    dataDir,
    port,
    password,
    engineFailed(cause) {
      // Its memory cannot be trusted any more; the supervisor starts a fresh one, which recovers from the files.
      log('fatal', 'the engine failed', {
        error: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause),
      });
      process.exit(1);
    },
  });
  const ready_ms = Math.round(performance.now() - began);
  const { url, created, setAside } = database;
  if (setAside !== null) log('error', 'files that are not known as a whole database were set aside', { setAside });
  announceReady({ port: database.port, url, created, set_aside: setAside, ready_ms });
} catch (error) {
  log('fatal', error instanceof Error ? error.message : String(error), { dataDir });
  process.exit(error instanceof FolderLocked ? EXIT_FOLDER_HELD : 1);
}
