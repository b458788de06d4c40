import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createPool, EMPTY_BATCH, migrate, repositories } from '@sinew/db';
import { freshDataDir, inferenceRow, TEST_PASSWORD } from '@sinew/db/testing';
import { createJobs, queueStatistics } from '@sinew/jobs';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

// Starts processes, and statistics wait for the end of their window.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 });

const WORKER = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const DATABASE = fileURLToPath(new URL('../../../libs/db/dist/embedded/main.js', import.meta.url));

let folder: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  folder = await freshDataDir();
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  rmSync(folder, { recursive: true, force: true });
});

async function start(
  entry: string,
  env: NodeJS.ProcessEnv,
): Promise<{ child: ChildProcess; ready: { url: string; port: number } }> {
  const child = spawn(process.execPath, [entry], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe', 'ipc'],
  });
  children.push(child);
  child.stderr?.resume();
  const exited = once(child, 'exit').then(([code]) => Promise.reject(new Error(`${entry} ended with ${code}`)));
  exited.catch(() => undefined);
  const lines = createInterface({ input: child.stdout ?? process.stdin });
  const [line] = (await Promise.race([once(lines, 'line'), exited])) as [string];
  return { child, ready: JSON.parse(line) as { url: string; port: number } };
}

const database = (port = 0) =>
  start(DATABASE, { SINEW_DB_DATA_DIR: folder, SINEW_DB_PASSWORD: TEST_PASSWORD, SINEW_DB_PORT: String(port) });

test('kill -9 of the database: the worker lives, and statistics of what was shipped come in the end', async () => {
  const first = await database();
  const { url, port } = first.ready;
  const pool = createPool(url, { onError: () => undefined });
  await migrate(pool);
  const worker = await start(WORKER, { DATABASE_URL: url });
  // Any pipe may close; only the supervisor’s channel says that the supervisor is gone.
  worker.child.stdin?.end();

  const now = Date.now();
  const rows = Array.from({ length: 50 }, () => inferenceRow({ timestamp: new Date(now).toISOString() }));
  await repositories(pool).shipping.store({ ...EMPTY_BATCH, inferences: rows });
  const jobs = createJobs({ databaseUrl: url, onError: () => undefined });
  await queueStatistics(jobs, now, now);
  first.child.kill('SIGKILL');
  await once(first.child, 'exit');
  await database(port);

  const total = async () =>
    (await pool.query<{ n: number }>('SELECT sum(total_uses)::bigint AS n FROM vlaapi.instruction_analytics')).rows[0]
      ?.n;
  await expect.poll(total, { timeout: 120_000, interval: 500 }).toBe(50);
  expect(worker.child.exitCode).toBeNull();

  worker.child.kill('SIGTERM');
  expect(await once(worker.child, 'exit')).toEqual([0, null]);
  await jobs.close();
  await pool.end();
});

test('a worker that finds no database waits for it, and leaves when told to', async () => {
  const { child, ready } = await database();
  child.kill('SIGTERM');
  await once(child, 'exit');
  const waiting = spawn(process.execPath, [WORKER], {
    env: { ...process.env, DATABASE_URL: ready.url },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  children.push(waiting);
  const lines = createInterface({ input: waiting.stderr });
  await once(lines, 'line');
  waiting.kill('SIGTERM');
  expect(await once(waiting, 'exit')).toEqual([0, null]);

  const second = start(WORKER, { DATABASE_URL: ready.url });
  const again = await database(ready.port);
  const pool = createPool(again.ready.url);
  await migrate(pool);
  const day = "(now() AT TIME ZONE 'UTC')::date";
  await pool.query(
    `INSERT INTO vlaapi.usage_days VALUES (gen_random_uuid(), ${day}, 'pro', 'tabletop-v1', 7, 0, 1400)`,
  );
  const { child: worker } = await second;
  const partitions = async () =>
    (
      await pool.query<{ n: number }>(
        "SELECT count(*) AS n FROM pg_class WHERE relname LIKE 'inference_logs_20__\\___'",
      )
    ).rows[0]?.n;
  expect(await partitions()).toBeGreaterThanOrEqual(4);
  await expect
    .poll(async () => (await pool.query('SELECT inferences FROM vlaapi.daily_usage_summary')).rows, { timeout: 60_000 })
    .toEqual([{ inferences: 7 }]);
  worker.disconnect();
  expect(await once(worker, 'exit')).toEqual([0, null]);
  await pool.end();
});
