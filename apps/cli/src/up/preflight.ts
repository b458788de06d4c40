import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { readRunFile, runFilePath } from '@sinew/config';
import { Failure } from '../failure.js';
import { type DataDirLock, isLock, lockDataDir } from '../instance/data-dir-lock.js';
import { systemClock } from '../supervisor/clock.js';

/** Takes the data folder for this command, or says who has it and what to do. */
export function takeDataDir(dataDir: string, command: string): DataDirLock {
  const result = lockDataDir(dataDir, command);
  if (isLock(result)) return result;
  const run = result.command === 'sinew up' ? readRunFile(dataDir) : null;
  const where = run === null ? '' : ` at ${run.http}`;
  throw new Failure(
    `${result.command} is already running${where} (process ${result.pid}) on the data folder ${dataDir}`,
    [
      `stop it first (kill ${result.pid}, or Ctrl-C in its terminal),`,
      'or give this one a folder and a port of its own: --data-dir ./other --port 8788',
    ],
  );
}

/** How long the port of an instance that was killed stays taken by its gateway, at most. */
const PREDECESSOR_MS = 5000;

/** Waits, where an instance on this data folder was killed, until its orphaned gateway has let the port go. */
export async function awaitPredecessor(dataDir: string, host: string, port: number): Promise<void> {
  if (port === 0 || !existsSync(runFilePath(dataDir))) return;
  const until = systemClock.now() + PREDECESSOR_MS;
  while ((await listenError(host, port))?.code === 'EADDRINUSE' && systemClock.now() < until)
    await systemClock.sleep(100);
}

/** Fails when nobody can listen there: before anything is started, and in words. */
export async function checkPort(host: string, port: number): Promise<void> {
  if (port === 0) return;
  const error = await listenError(host, port);
  if (error === null) return;
  const at = `${host}:${port}`;
  switch (error.code) {
    case 'EADDRINUSE':
      throw new Failure(`${at} is in use by another program`, [
        `stop that program, or choose another port: --port ${port === 65535 ? port - 1 : port + 1} (SINEW_PORT)`,
      ]);
    case 'EACCES':
      throw new Failure(`this user may not listen on ${at}`, ['choose a port above 1023: --port 8787 (SINEW_PORT)']);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      throw new Failure(`${host} is not an address of this machine`, [
        'choose one that is: --host 127.0.0.1 (SINEW_HOST)',
      ]);
    default:
      throw new Failure(`cannot listen on ${at}: ${error.message}`);
  }
}

function listenError(host: string, port: number): Promise<NodeJS.ErrnoException | null> {
  return new Promise((resolve) => {
    // Without SO_REUSEPORT: two servers that both set it would otherwise share the port silently.
    const probe = createServer();
    probe.once('error', resolve);
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve(null)));
  });
}
