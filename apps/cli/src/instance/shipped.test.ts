import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EventRecord, JournalWriter, readJournal, saveCheckpoint } from '@sinew/journal';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { journalFolder, waitUntilShipped } from './shipped.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sinew-shipped-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const record: EventRecord = {
  v: 1,
  kind: 'event',
  log_id: null,
  t_ms: 0,
  session_id: null,
  customer_id: 'c',
  robot_id: 'r',
  episode: null,
  event: 'estop',
  data: {},
};

async function write(count: number): Promise<void> {
  const options = { dir: journalFolder(dir), node: 0, budgetBytes: 64 * 1024 * 1024, now: () => Date.now() };
  const writer = await JournalWriter.open(options);
  for (let i = 0; i < count; i++) writer.append(record);
  await writer.close();
}

it('waits until the shipper has passed the last record that was written before', async () => {
  await write(3);
  const positions = [];
  for await (const { next } of readJournal({ dir: journalFolder(dir) })) positions.push(next);
  const warnings: string[] = [];
  let done = false;
  const waiting = waitUntilShipped(dir, (line) => warnings.push(line)).then(() => {
    done = true;
  });
  for (const position of positions) {
    expect(done).toBe(false);
    await saveCheckpoint(journalFolder(dir), { position, state: '' });
  }
  await waiting;
  expect(warnings).toEqual([]);
});

it('a folder without a journal has nothing to wait for: its gateway runs elsewhere', async () => {
  await expect(waitUntilShipped(dir, () => undefined)).resolves.toBeUndefined();
});
