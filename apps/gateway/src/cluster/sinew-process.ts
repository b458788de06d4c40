import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Child, startEntry } from '../testing/gateway-child.js';

const SINEW = fileURLToPath(new URL('../../../cli/bin/sinew.js', import.meta.url));
const run = promisify(execFile);

/** One command to its end; what it prints as JSON. */
export async function sinew<T>(env: NodeJS.ProcessEnv, ...args: string[]): Promise<T> {
  const { stdout } = await run(process.execPath, [SINEW, ...args, '--json'], { env: { ...process.env, ...env } });
  return JSON.parse(stdout) as T;
}

/** A part that runs until it is stopped, by its command, as production runs it; resolves once it is ready. */
export const startSinew = <R>(env: NodeJS.ProcessEnv, ...args: string[]): Promise<Child<R>> =>
  startEntry<R>(SINEW, env, args);
