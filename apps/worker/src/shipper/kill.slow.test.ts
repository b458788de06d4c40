import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createPool, migrate } from '@sinew/db';
import { JournalWriter } from '@sinew/journal';
import { v7 as uuidv7 } from 'uuid';
import { expect, it } from 'vitest';
import { close, inference, open, reset, ticks } from './test-records.js';

const SHIPPER = fileURLToPath(new URL('../../dist/shipper/main.js', import.meta.url));
const DATABASE = join(dirname(createRequire(import.meta.url).resolve('@sinew/db')), 'embedded', 'main.js');

interface Child {
  readonly process: ChildProcess;
  /** Of what a shipper told last. */
  records: number;
  readonly ready: Record<string, unknown>;
}

async function start(entry: string, env: Record<string, string>): Promise<Child> {
  const process_ = spawn(process.execPath, [entry], {
    env: { ...process.env, ...env, SINEW_LOG_LEVEL: 'silent' },
    stdio: ['ignore', 'pipe', 'ignore', 'ipc'],
  });
  if (process_.stdout === null) throw new Error('no stdout');
  const [line] = (await once(createInterface({ input: process_.stdout }), 'line')) as [string];
  const child: Child = { process: process_, records: 0, ready: JSON.parse(line) as Record<string, unknown> };
  process_.on('message', (status: { records: number }) => {
    child.records = status.records;
  });
  return child;
}

async function end({ process: child }: Child, signal: NodeJS.Signals): Promise<void> {
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
}

async function shipped(shipper: Child, records: number): Promise<void> {
  while (shipper.records < records) await once(shipper.process, 'message');
}

it('[J1][J3] kill -9 of shipper and database, in turn and together: every inference is stored exactly once', {
  timeout: 240_000,
}, async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'sinew-kill-'));
  const databaseEnv = { SINEW_DB_DATA_DIR: join(dataDir, 'database'), SINEW_DB_PORT: '0', SINEW_DB_PASSWORD: 'p' };
  let database = await start(DATABASE, databaseEnv);
  databaseEnv.SINEW_DB_PORT = String(database.ready.port);
  const url = String(database.ready.url);
  const pool = createPool(url, { max: 1 });
  const shipperEnv = { SINEW_DATA_DIR: dataDir, DATABASE_URL: url };
  let shipper: Child | null = null;
  const writer = await JournalWriter.open({
    dir: join(dataDir, 'journal'),
    node: 0,
    budgetBytes: 1e8,
    segmentBytes: 100_000,
    now: Date.now,
  });
  try {
    await migrate(pool);
    const robots = [0, 1, 2, 3].map((robot) => ({ session_id: uuidv7(), robot_id: `arm-${robot}`, tick: 0 }));
    const acknowledged: number[] = [];
    let episode = 0;
    const drive = async () => {
      for (const { session_id, robot_id } of robots) {
        for (let round = 0; round < 40; round++) {
          const log_id = writer.nextLogId();
          const t_ms = Date.now();
          writer.append(inference({ log_id, session_id, robot_id, episode, request_id: uuidv7(), t_ms }), () =>
            acknowledged.push(log_id),
          );
        }
        writer.append(ticks([2 * episode, 2 * episode + 1], { session_id, episode, t_ms: Date.now() }));
        writer.append({ ...reset(episode, true, Date.now()), session_id, robot_id });
      }
      episode++;
      await writer.sync();
    };
    for (const robot of robots) writer.append(open({ ...robot, t_ms: Date.now() }));
    await drive();

    shipper = await start(SHIPPER, shipperEnv);
    await drive();
    await end(shipper, 'SIGKILL');
    await drive();
    shipper = await start(SHIPPER, shipperEnv);
    await shipped(shipper, 1);
    await end(database, 'SIGKILL');
    await drive();
    database = await start(DATABASE, databaseEnv);
    await drive();
    await Promise.all([end(shipper, 'SIGKILL'), end(database, 'SIGKILL')]);
    await drive();
    for (const robot of robots) writer.append(close({ ...robot, t_ms: Date.now() }));
    await writer.close();
    shipper = await start(SHIPPER, shipperEnv);
    database = await start(DATABASE, databaseEnv);

    const count = async () => {
      const { rows } = await pool
        .query<{ n: number }>('SELECT count(*)::int AS n FROM vlaapi.sessions WHERE closed_at IS NOT NULL')
        .catch(() => ({ rows: [] }));
      return rows[0]?.n ?? 0;
    };
    await expect.poll(count, { timeout: 60_000, interval: 200 }).toBe(robots.length);
    const { rows } = await pool.query<{ log_id: number }>('SELECT log_id FROM vlaapi.inference_logs ORDER BY log_id');
    expect(rows.map(({ log_id }) => log_id)).toEqual(acknowledged);
    expect(acknowledged).toHaveLength(6 * 4 * 40);
    const episodes = await pool.query(
      'SELECT count(*)::int AS n, min(ticks)::int AS least, max(ticks)::int AS most, bool_and(success) AS success FROM vlaapi.episodes',
    );
    expect(episodes.rows).toEqual([{ n: 6 * 4, least: 2, most: 2, success: true }]);
  } finally {
    await writer.close().catch(() => {});
    await pool.end();
    if (shipper !== null) shipper.process.kill('SIGKILL');
    await end(database, 'SIGTERM');
    await rm(dataDir, { recursive: true, force: true });
  }
});
