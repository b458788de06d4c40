import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureDataDir } from '@sinew/config';
import { processStart } from './process-identity.js';

export interface LockHolder {
  readonly pid: number;
  readonly started: string;
  /** What it is doing there: `sinew up`. */
  readonly command: string;
}

export interface DataDirLock {
  release(): void;
}

const lockPath = (dataDir: string): string => join(dataDir, 'instance.lock');

/**
 * One process at a time may run the embedded parts of a data folder: two databases on one folder corrupt it. Returns the
 * lock, or whoever holds it. A holder that died, even by kill -9 or power cut, holds nothing.
 */
export function lockDataDir(dataDir: string, command: string): DataDirLock | LockHolder {
  ensureDataDir(dataDir);
  const path = lockPath(dataDir);
  const mine: LockHolder = { pid: process.pid, started: processStart(process.pid) ?? '', command };
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(mine), { mode: 0o600 });
  try {
    for (;;) {
      try {
        linkSync(draft, path); // appears with its content or not at all, unlike open + write
        return { release: () => rmSync(path, { force: true }) };
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
      }
      const holder = lockHolder(dataDir);
      if (holder !== null) return holder;
      rmSync(path, { force: true });
    }
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Who works in this data folder right now, or null. */
export function lockHolder(dataDir: string): LockHolder | null {
  let holder: LockHolder;
  try {
    holder = JSON.parse(readFileSync(lockPath(dataDir), 'utf8')) as LockHolder;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    if (error instanceof SyntaxError) return null; // torn by a power cut: nobody holds it
    throw error;
  }
  return processStart(holder.pid) === holder.started ? holder : null;
}

export const isLock = (result: DataDirLock | LockHolder): result is DataDirLock => 'release' in result;
