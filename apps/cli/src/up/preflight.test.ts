import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeRunFile } from '@sinew/config';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { checkPort, takeDataDir } from './preflight.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sinew-preflight-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

it('a port in use is an error that says what to do', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await expect(checkPort('127.0.0.1', port)).rejects.toMatchObject({
    message: `127.0.0.1:${port} is in use by another program`,
    advice: [expect.stringContaining(`--port ${port + 1}`)],
  });
  await new Promise((resolve) => server.close(resolve));
  await expect(checkPort('127.0.0.1', port)).resolves.toBeUndefined();
});

it('an address of another machine is an error that says what to do', async () => {
  await expect(checkPort('203.0.113.1', 8787)).rejects.toMatchObject({
    message: '203.0.113.1 is not an address of this machine',
  });
});

it('a second instance on one data folder is told which one runs there', () => {
  const lock = takeDataDir(dir, 'sinew up');
  writeRunFile(dir, {
    version: 1,
    pid: process.pid,
    started_at: '',
    http: 'http://127.0.0.1:9999',
    ws: '',
    database_url: '',
    embedded: true,
    redis_url: null,
    pids: {},
  });
  expect(() => takeDataDir(dir, 'sinew up')).toThrow(
    `sinew up is already running at http://127.0.0.1:9999 (process ${process.pid}) on the data folder ${dir}`,
  );
  lock.release();
  takeDataDir(dir, 'sinew up').release();
});
