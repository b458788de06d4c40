import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type DataDirLock, isLock, lockDataDir, lockHolder } from './data-dir-lock.js';
import { processStart } from './process-identity.js';

describe('data folder lock', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'sinew-lock-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  const forge = (holder: object): void => writeFileSync(join(dir, 'instance.lock'), JSON.stringify(holder));

  it('names its holder to the second one, and is free again after release', () => {
    const lock = lockDataDir(dir, 'sinew up') as DataDirLock;
    expect(isLock(lock)).toBe(true);
    expect(lockDataDir(dir, 'sinew logs')).toMatchObject({ pid: process.pid, command: 'sinew up' });
    lock.release();
    expect(lockHolder(dir)).toBeNull();
    expect(isLock(lockDataDir(dir, 'sinew logs'))).toBe(true);
    expect(readdirSync(dir)).toEqual(['instance.lock']);
  });

  it('a holder that died holds nothing', () => {
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    forge({ pid, started: 'whenever', command: 'sinew up' });
    expect(lockHolder(dir)).toBeNull();
    expect(isLock(lockDataDir(dir, 'sinew up'))).toBe(true);
  });

  it('another process that got the same id later holds nothing either', () => {
    forge({ pid: process.pid, started: 'before the reboot', command: 'sinew up' });
    expect(isLock(lockDataDir(dir, 'sinew up'))).toBe(true);
    expect(lockHolder(dir)?.started).toBe(processStart(process.pid));
  });

  it('a lock file torn by a power cut holds nothing', () => {
    writeFileSync(join(dir, 'instance.lock'), '{"pid": 1');
    expect(isLock(lockDataDir(dir, 'sinew up'))).toBe(true);
  });
});
