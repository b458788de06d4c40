import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EventRecord, JournalWriter, readJournal, saveCheckpoint } from '@sinew/journal';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FakeClock } from '../supervisor/fake-clock.js';
import { journalFolder, type Shipped, waitUntilShipped } from './shipped.js';

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
  let done = false;
  const waiting = waitUntilShipped(dir).finally(() => {
    done = true;
  });
  for (const position of positions) {
    expect(done).toBe(false);
    await saveCheckpoint(journalFolder(dir), { position, state: '' });
  }
  expect(await waiting).toEqual({ complete: true, faults: [] });
});

it('waits as long as the shipper moves, however long that takes, and says when it does not', async () => {
  await write(5);
  const positions = [];
  for await (const { next } of readJournal({ dir: journalFolder(dir) })) positions.push(next);
  const clock = new FakeClock();
  let result: Shipped | undefined;
  const waiting = waitUntilShipped(dir, clock).then((shipped) => {
    result = shipped;
  });
  // Almost out of patience before every step; the last step never comes.
  for (const position of positions.slice(0, -1)) {
    await asleep(clock);
    await saveCheckpoint(journalFolder(dir), { position, state: '' });
    clock.advance(14_000);
  }
  await asleep(clock);
  expect(result).toBeUndefined();
  clock.advance(15_000);
  await waiting;
  expect(result).toEqual({ complete: false, faults: [] });
});

async function asleep(clock: FakeClock): Promise<void> {
  while (clock.asleep.length === 0) await new Promise((resolve) => setImmediate(resolve));
}

it('a folder without a journal has nothing to wait for: its gateway runs elsewhere', async () => {
  expect(await waitUntilShipped(dir)).toEqual({ complete: true, faults: [] });
});
