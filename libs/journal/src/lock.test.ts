import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, unlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { withFolder } from './fixtures.js';
import { FolderLock } from './lock.js';

/** Why files cannot be read at present. */
const disk = vi.hoisted(() => ({ refusal: null as string | null, refused: 0 }));

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  const read = async (...args: Parameters<typeof real.readFile>) => {
    if (disk.refusal === null) return real.readFile(...args);
    disk.refused++;
    throw Object.assign(new Error(disk.refusal), { code: disk.refusal });
  };
  return { ...real, readFile: read };
});

afterEach(() => {
  disk.refusal = null;
  vi.useRealTimers();
});

async function holder(dir: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(join(dir, 'writer.1.lock'), 'utf8')) as Record<string, unknown>;
}

describe('[J5] folder lock', () => {
  it('refuses a second holder, and lets the next one in after release', () =>
    withFolder(async (dir) => {
      const first = await FolderLock.take(dir, 'writer');
      await expect(FolderLock.take(dir, 'writer')).rejects.toMatchObject({ code: 'locked' });
      await first.release();
      await (await FolderLock.take(dir, 'writer')).release();
      expect(await readdir(dir)).toEqual(['writer.2.lock']);
    }));

  it('keeps writer and reader apart', () =>
    withFolder(async (dir) => {
      const writer = await FolderLock.take(dir, 'writer');
      const reader = await FolderLock.take(dir, 'reader');
      await writer.release();
      await reader.release();
    }));

  it('lets a killed process go at once', () =>
    withFolder(async (dir) => {
      const script = `
        const { FolderLock } = await import(${JSON.stringify(new URL('../dist/lock.js', import.meta.url).href)});
        await FolderLock.take(${JSON.stringify(dir)}, 'writer');
        process.stdout.write('held');
        setInterval(() => {}, 1000);`;
      const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(child.stdout, 'data');
      await expect(FolderLock.take(dir, 'writer')).rejects.toMatchObject({ code: 'locked' });
      child.kill('SIGKILL');
      await once(child, 'exit');
      await (await FolderLock.take(dir, 'writer')).release();
    }));

  it('is not fooled by another process under the same id', () =>
    withFolder(async (dir) => {
      const lock = await FolderLock.take(dir, 'writer');
      const dead = { ...(await holder(dir)), token: 'dead', started: '1' };
      await lock.release();
      await writeFile(join(dir, 'writer.1.lock'), JSON.stringify(dead));
      await (await FolderLock.take(dir, 'writer')).release();
    }));

  it('believes the heartbeat of a holder on another host', () =>
    withFolder(async (dir) => {
      const path = join(dir, 'writer.1.lock');
      await writeFile(path, JSON.stringify({ token: 'x', host: 'elsewhere', pid: process.pid, started: null }));
      await expect(FolderLock.take(dir, 'writer')).rejects.toMatchObject({ code: 'locked' });
      const old = Date.now() / 1000 - 60;
      await utimes(path, old, old);
      await (await FolderLock.take(dir, 'writer')).release();
    }));

  it('gives a dead holder’s lock to exactly one of many who come at once', () =>
    withFolder(async (dir) => {
      const path = join(dir, 'writer.1.lock');
      await writeFile(path, JSON.stringify({ token: 'x', host: 'elsewhere', pid: 1, started: null }));
      await utimes(path, 1, 1);
      for (let round = 0; round < 20; round++) {
        const tries = await Promise.allSettled(Array.from({ length: 8 }, () => FolderLock.take(dir, 'writer')));
        const held = tries.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
        expect(held).toHaveLength(1);
        await held[0]?.release();
      }
    }));

  it('is not lost where its file cannot be read for a while, only where it is gone', () =>
    withFolder(async (dir) => {
      vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
      let lost = 0;
      let tell = () => {};
      const told = new Promise<void>((resolve) => (tell = resolve));
      const lock = await FolderLock.take(dir, 'writer', () => {
        lost++;
        tell();
      });
      disk.refusal = 'EMFILE';
      await vi.advanceTimersByTimeAsync(15_000);
      expect(disk.refused).toBe(3);
      expect(lost).toBe(0);
      disk.refusal = null;
      await unlink(join(dir, 'writer.1.lock'));
      await vi.advanceTimersByTimeAsync(5_000);
      await told;
      expect(lost).toBe(1);
      await lock.release();
    }));
});
