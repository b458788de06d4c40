import { createServer } from 'node:net';
import { readRunFile } from '@sinew/config';
import { Failure } from '../failure.js';
import { type DataDirLock, isLock, lockDataDir } from '../instance/data-dir-lock.js';

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

/** Fails when nobody can listen there: before anything is started, and in words. */
export async function checkPort(host: string, port: number): Promise<void> {
  if (port === 0) return;
  const error = await new Promise<NodeJS.ErrnoException | null>((resolve) => {
    // Without SO_REUSEPORT: two servers that both set it would otherwise share the port silently.
    const probe = createServer();
    probe.once('error', resolve);
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve(null)));
  });
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
