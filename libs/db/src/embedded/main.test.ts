import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createPool } from '../pool.js';
import { freshDataDir } from '../testing/test-database.js';

// Every test starts processes, and a start waits for the machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const ENTRY = fileURLToPath(new URL('../../dist/embedded/main.js', import.meta.url));

interface Started {
  readonly process: ChildProcess;
  readonly url: string;
  readonly port: number;
  readonly created: boolean;
  readonly set_aside: string | null;
}

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

function launch(port = 0): ChildProcess {
  const env = {
    ...process.env,
    SINEW_DB_DATA_DIR: folder,
    SINEW_DB_PASSWORD: 'p@ss/word',
    SINEW_DB_PORT: String(port),
  };
  const child = spawn(process.execPath, [ENTRY], { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  children.push(child);
  child.stderr?.resume();
  return child;
}

async function start(port = 0): Promise<Started> {
  const child = launch(port);
  const exited = once(child, 'exit').then(([code]) => Promise.reject(new Error(`ended with ${code}`)));
  exited.catch(() => undefined);
  const lines = createInterface({ input: child.stdout ?? process.stdin });
  const [line] = (await Promise.race([once(lines, 'line'), exited])) as [string];
  const ready = JSON.parse(line) as Omit<Started, 'process'> & { event: string };
  expect(ready.event).toBe('ready');
  return { ...ready, process: child };
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const pool = createPool(url);
  try {
    return (await pool.query(sql)).rows;
  } finally {
    await pool.end();
  }
}

test('kill -9 under writes loses nothing that was answered, and the same port serves again', async () => {
  const first = await start();
  expect(first).toMatchObject({ created: false, set_aside: null });
  await query(first.url, 'CREATE TABLE kept (n int PRIMARY KEY)');
  const pool = createPool(first.url);
  let answered = 0;
  const write = () => pool.query('INSERT INTO kept VALUES ($1)', [answered + 1]).then(() => answered++);
  while (answered < 50) await write();
  const writing = (async () => {
    for (;;) await write();
  })();
  first.process.kill('SIGKILL');
  await expect(writing).rejects.toThrow();
  await pool.end();

  const second = await start(first.port);
  expect(second.url).toBe(first.url);
  const [row] = (await query(second.url, 'SELECT count(*) AS n, max(n) AS top FROM kept')) as {
    n: number;
    top: number;
  }[];
  expect(row?.n).toBe(row?.top);
  expect(row?.n).toBeGreaterThanOrEqual(answered);
});

test('a second process on the same folder leaves with exit code 3, and the first goes on', async () => {
  const first = await start();
  const second = launch();
  const [code] = await once(second, 'exit');
  expect(code).toBe(3);
  expect(await query(first.url, 'SELECT 1 AS v')).toEqual([{ v: 1 }]);
});

test('SIGTERM ends the clients with 57P01 and exits 0', async () => {
  const { process: child, url } = await start();
  const pool = createPool(url);
  const client = await pool.connect();
  await client.query('BEGIN');
  const ended = once(client, 'error');
  // The broken socket is one more error.
  client.on('error', () => undefined);
  child.kill('SIGTERM');
  expect(await ended).toMatchObject([{ code: '57P01' }]);
  expect(await once(child, 'exit')).toEqual([0, null]);
  client.release(true);
  await pool.end();
});

test('it leaves when its supervisor’s channel closes', async () => {
  const { process: child } = await start();
  child.disconnect();
  expect(await once(child, 'exit')).toEqual([0, null]);
});

test('settings that are missing stop the start with exit code 2', async () => {
  const child = spawn(process.execPath, [ENTRY], { env: { PATH: process.env.PATH }, stdio: 'ignore' });
  children.push(child);
  expect(await once(child, 'exit')).toEqual([2, null]);
});
