import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  demoKeyPath,
  ensureDataDir,
  type RunFile,
  readDemoKey,
  readRunFile,
  removeRunFile,
  runFilePath,
  writeDemoKey,
  writeRunFile,
} from './run-file.js';

const run: RunFile = {
  version: 1,
  pid: 42,
  started_at: '2026-01-01T00:00:00.000Z',
  http: 'http://127.0.0.1:8787',
  ws: 'ws://127.0.0.1:8787/v1/stream',
  database_url: 'postgres://sinew:secret@127.0.0.1:5555/sinew',
  embedded: true,
  redis_url: null,
  pids: { gateway: 43 },
};

describe('run file', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'sinew-config-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  it('comes back as written and leaves no temporary file', () => {
    writeRunFile(dir, run);
    writeRunFile(dir, { ...run, pid: 44 });
    expect(readRunFile(dir)).toEqual({ ...run, pid: 44 });
    expect(readdirSync(dir)).toEqual(['run.json']);
  });

  it('holds a password: only its owner can read it, and the demo key', () => {
    writeRunFile(dir, run);
    writeDemoKey(dir, 'vla_live_x');
    expect(statSync(runFilePath(dir)).mode & 0o777).toBe(0o600);
    expect(statSync(demoKeyPath(dir)).mode & 0o777).toBe(0o600);
    expect(readDemoKey(dir)).toBe('vla_live_x');
  });

  it('a new data folder is private too', () => {
    const fresh = join(dir, 'a', 'b');
    ensureDataDir(fresh);
    expect(statSync(fresh).mode & 0o777).toBe(0o700);
  });

  it('is null when there is none', () => {
    expect(readRunFile(dir)).toBeNull();
    expect(readDemoKey(dir)).toBeNull();
    writeRunFile(dir, run);
    removeRunFile(dir);
    expect(readRunFile(dir)).toBeNull();
  });

  it('one of another version is refused with what to do', () => {
    writeFileSync(runFilePath(dir), '{"version":99}');
    expect(() => readRunFile(dir)).toThrow(/another version of sinew; delete it/);
  });
});
