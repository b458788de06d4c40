import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { SimReport } from '@sinew/simulator';
import { afterAll, beforeAll, expect, test } from 'vitest';

const SINEW = fileURLToPath(new URL('../../bin/sinew.js', import.meta.url));
const run = promisify(execFile);

interface Ready {
  readonly openpi: string;
}

const dir = mkdtempSync(join(tmpdir(), 'sinew-openpi-'));
const data = join(dir, 'data');
const KEY_FILE = join(data, 'demo.key');
let instance: ChildProcess;
let ready: Ready;

async function up(...args: string[]): Promise<void> {
  const all = ['up', '--no-sim', '--json', '--port', '0', '--openpi-port', '0', '--data-dir', data, ...args];
  instance = spawn(process.execPath, [SINEW, ...all], { stdio: ['ignore', 'pipe', 'ignore'] });
  const lines = createInterface({ input: instance.stdout as NodeJS.ReadableStream });
  const [line] = await Promise.race([
    once(lines, 'line'),
    once(instance, 'exit').then(([code]) => Promise.reject(new Error(`sinew up ended with ${code}`))),
  ]);
  ready = JSON.parse(String(line)) as Ready;
}

async function down(): Promise<void> {
  if (instance === undefined || instance.exitCode !== null) return;
  instance.kill('SIGTERM');
  await once(instance, 'exit');
}

beforeAll(() => up(), 180_000);
afterAll(async () => {
  await down();
  rmSync(dir, { recursive: true, force: true });
}, 60_000);

async function sim(...args: string[]): Promise<SimReport> {
  const all = ['sim', '--data-dir', data, '--robots', '8', '--episodes', '96', '--seed', '40', '--json', ...args];
  const { stdout } = await run(process.execPath, [SINEW, ...all], { timeout: 120_000 });
  return JSON.parse(stdout) as SimReport;
}

test('robots that speak openpi succeed as often as native ones: same policy, same seeds', async () => {
  const native = await sim('--pacing', 'lockstep');
  const openpi = await sim('--wire', 'openpi');
  expect(openpi).toMatchObject({ wire: 'openpi', episodes: 96, holds: {}, reconnects: 0 });
  expect(native).toMatchObject({ wire: 'sinew.v1', episodes: 96 });
  // Each within the other's 95 % interval.
  for (const [one, other] of [
    [native, openpi],
    [openpi, native],
  ] as const) {
    expect(one.success_rate).toBeGreaterThanOrEqual(other.success_95[0]);
    expect(one.success_rate).toBeLessThanOrEqual(other.success_95[1]);
  }
  expect(openpi.success_rate).toBeGreaterThan(0.85);
  const blind = await sim('--wire', 'openpi', '--blind', 'grey');
  expect(blind.success_rate).toBeLessThan(0.3);
}, 300_000);

test('the port of its own is named when all is ready, and its keyless clients need a key file', async () => {
  const upgrade = async (): Promise<number> => {
    const headers = { 'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==', 'Sec-WebSocket-Version': '13' };
    const { request } = await import('node:http');
    return new Promise((resolve, reject) => {
      const asked = request(`${ready.openpi.replace('ws', 'http')}/`, {
        headers: { ...headers, Connection: 'Upgrade', Upgrade: 'websocket' },
      });
      asked.once('response', (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      asked.once('upgrade', (response, socket) => {
        socket.destroy();
        resolve(response.statusCode ?? 0);
      });
      asked.once('error', reject);
      asked.end();
    });
  };
  expect(ready.openpi).toMatch(/^ws:\/\/127\.0\.0\.1:\d+$/);
  expect(await (await fetch(`${ready.openpi.replace('ws', 'http')}/healthz`)).text()).toBe('OK\n');
  expect(await upgrade()).toBe(401);
  await down();
  expect(existsSync(KEY_FILE)).toBe(true);
  await up('--openpi-key-file', KEY_FILE);
  expect(await upgrade()).toBe(101);
  await down();
  await expect(up('--openpi-key-file', join(dir, 'none'))).rejects.toThrow();
}, 240_000);
