import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EXIT_FOLDER_HELD } from '@sinew/config';
import { JournalWriter, loadCheckpoint, readJournal } from '@sinew/journal';
import { describe, expect, it } from 'vitest';
import { inference } from './test-records.js';

const ENTRY = fileURLToPath(new URL('../../dist/shipper/main.js', import.meta.url));

async function withFolder(run: (dataDir: string) => Promise<void>): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'sinew-shipper-'));
  try {
    await run(dataDir);
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** An address where nothing listens. */
async function nowhere(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return `postgresql://x:y@127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 1}/z`;
}

async function startShipper(dataDir: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [ENTRY], {
    env: { ...process.env, SINEW_DATA_DIR: dataDir, DATABASE_URL: await nowhere(), SINEW_LOG_LEVEL: 'silent' },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const [line] = (await once(child.stdout as NonNullable<typeof child.stdout>, 'data')) as [Buffer];
  expect(JSON.parse(line.toString())).toMatchObject({ event: 'ready' });
  return child;
}

async function oneRecord(dataDir: string): Promise<void> {
  const writer = await JournalWriter.open({ dir: join(dataDir, 'journal'), node: 0, budgetBytes: 1e8, now: Date.now });
  writer.append(inference());
  await writer.close();
}

describe('the shipper’s process', () => {
  it('[J4] serves without a database, says so, and leaves on SIGTERM with nothing lost and exit code 0', () =>
    withFolder(async (dataDir) => {
      await oneRecord(dataDir);
      const child = await startShipper(dataDir);
      let status: Record<string, unknown> = {};
      while (status.state !== 'retrying') [status] = (await once(child, 'message')) as [Record<string, unknown>];
      expect(status).toMatchObject({ type: 'status', inserted: 0 });
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      expect(await gone).toEqual([0, null]);
      const dir = join(dataDir, 'journal');
      expect(await loadCheckpoint(dir)).toBeNull();
      const kept = [];
      for await (const { record } of readJournal({ dir })) kept.push(record.kind);
      expect(kept).toEqual(['inference']);
    }));

  it('leaves when its parent is gone', () =>
    withFolder(async (dataDir) => {
      const child = await startShipper(dataDir);
      const gone = once(child, 'exit');
      child.disconnect();
      expect(await gone).toEqual([0, null]);
    }));

  it('takes a closed standard input for nothing: only its supervisor’s channel, or a signal, ends it', () =>
    withFolder(async (dataDir) => {
      await oneRecord(dataDir);
      const child = spawn(process.execPath, [ENTRY], {
        env: { ...process.env, SINEW_DATA_DIR: dataDir, DATABASE_URL: await nowhere(), SINEW_LOG_LEVEL: 'info' },
        stdio: ['pipe', 'ignore', 'pipe'],
      });
      child.stdin.end();
      let log = '';
      for await (const chunk of child.stderr) {
        log += String(chunk);
        // It has tried the database by then, and would have seen the end of its input long before.
        if (log.includes('cannot store')) child.kill('SIGTERM');
      }
      expect(log).toContain('"cause":"SIGTERM"');
      expect(log).not.toContain('standard input');
    }));

  it('[J5] refuses a folder that another shipper reads', () =>
    withFolder(async (dataDir) => {
      const first = await startShipper(dataDir);
      const second = spawn(process.execPath, [ENTRY], {
        env: { ...process.env, SINEW_DATA_DIR: dataDir, DATABASE_URL: 'postgresql://x:y@127.0.0.1:1/z' },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      const gone = once(second, 'exit');
      const [message] = (await once(second.stderr, 'data')) as [Buffer];
      expect(message.toString()).toMatch(/is held by process \d+/);
      expect(await gone).toEqual([EXIT_FOLDER_HELD, null]);
      first.kill('SIGKILL');
      await once(first, 'exit');
    }));
});
