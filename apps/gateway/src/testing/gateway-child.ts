import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ENTRY = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

export interface Child<R> {
  readonly process: ChildProcess;
  readonly ready: R;
  /** What it wrote to stderr so far. */
  readonly log: () => string;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** An entry of ours, run as it is run for real; resolves with the line that it prints when it is ready. */
export async function startEntry<R>(
  entry: string,
  env: NodeJS.ProcessEnv,
  args: readonly string[] = [],
): Promise<Child<R>> {
  const child = spawn(process.execPath, [entry, ...args], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe', 'ipc'],
  });
  let log = '';
  child.stderr?.on('data', (text: Buffer) => {
    log = (log + text.toString()).slice(-100_000);
  });
  const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`${entry} ended with ${code}: ${log}`)));
  ended.catch(() => undefined);
  const lines = createInterface({ input: child.stdout ?? process.stdin });
  const [line] = (await Promise.race([once(lines, 'line'), ended])) as [string];
  return {
    process: child,
    ready: JSON.parse(line) as R,
    log: () => log,
    async stop(signal = 'SIGTERM') {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, 'exit');
      child.kill(signal);
      await exit;
    },
  };
}

/** The gateway with the policy that computes nothing. */
export const startGatewayEntry = (databaseUrl: string, dataDir: string, env: NodeJS.ProcessEnv = {}) =>
  startEntry<{ port: number }>(ENTRY, {
    DATABASE_URL: databaseUrl,
    SINEW_DATA_DIR: dataDir,
    SINEW_PORT: '0',
    SINEW_POLICIES: 'null',
    SINEW_LOG_LEVEL: 'warn',
    ...env,
  });
