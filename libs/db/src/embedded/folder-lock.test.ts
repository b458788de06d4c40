import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FolderLocked, lockFolder } from './folder-lock.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sinew-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const path = () => join(folder, 'database.lock');

test('a held folder is refused, naming the holder, and free again after its release', async () => {
  const release = await lockFolder(folder);
  await expect(lockFolder(folder)).rejects.toMatchObject({ name: 'FolderLocked', pid: process.pid });
  await release();
  await (await lockFolder(folder))();
  expect(readdirSync(folder)).toEqual([]);
});

test('of many at once exactly one gets it', async () => {
  const results = await Promise.allSettled(Array.from({ length: 20 }, () => lockFolder(folder)));
  expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
  for (const result of results) if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(FolderLocked);
  expect(readdirSync(folder)).toEqual(['database.lock']);
});

test('a lock whose process was killed is taken over, by one of many', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  await once(child, 'spawn');
  writeFileSync(path(), JSON.stringify({ pid: child.pid, started: '', token: 'killed' }));
  await expect(lockFolder(folder)).rejects.toMatchObject({ pid: child.pid });
  child.kill('SIGKILL');
  await once(child, 'exit');
  const results = await Promise.allSettled(Array.from({ length: 20 }, () => lockFolder(folder)));
  expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
  expect(readdirSync(folder)).toEqual(['database.lock']);
});

test('a lock whose taker was killed while it took over is taken over from it, by one of many', async () => {
  const dead = { pid: 2 ** 22 + 1, started: '' };
  writeFileSync(path(), JSON.stringify({ ...dead, token: 'first' }));
  writeFileSync(`${path()}.after-first`, JSON.stringify({ ...dead, token: 'second' }));
  const results = await Promise.allSettled(Array.from({ length: 20 }, () => lockFolder(folder)));
  expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
  expect(readdirSync(folder)).toEqual(['database.lock']);
});

test.runIf(existsSync('/proc/self/stat'))('a recycled process id is not the holder', async () => {
  writeFileSync(path(), JSON.stringify({ pid: process.pid, started: 'another boot 42', token: 'old' }));
  await (await lockFolder(folder))();
});

test('a file that is no lock is nobody’s', async () => {
  writeFileSync(path(), 'half a fi');
  await (await lockFolder(folder))();
});
