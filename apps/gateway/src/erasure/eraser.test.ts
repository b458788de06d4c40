import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPool, migrate, repositories } from '@sinew/db';
import { startTestDatabase, type TestDatabase } from '@sinew/db/testing';
import {
  type AccountEvent,
  eraseRecords,
  type JournalRecord,
  JournalWriter,
  journalIdOf,
  readJournal,
} from '@sinew/journal';
import { createLogger } from '@sinew/telemetry';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { Eraser } from './eraser.js';

const START_MS = Date.UTC(2026, 10, 21, 12);

let database: TestDatabase;
let pool: ReturnType<typeof createPool>;
let dir: string;
let journal: JournalWriter;
let eraser: Eraser;
let customerId: string;
const world = {
  now: START_MS,
  busy: false,
  recordings: 0,
  syncFault: null as Error | null,
  recorded: [] as AccountEvent[],
  told: [] as string[],
};

beforeAll(async () => {
  database = await startTestDatabase();
  pool = createPool(database.url);
  await migrate(pool);
});
afterAll(async () => {
  await pool.end();
  await database.close();
});

beforeEach(async () => {
  await pool.query('TRUNCATE vlaapi.journals, vlaapi.erasures CASCADE');
  dir = mkdtempSync(join(tmpdir(), 'sinew-eraser-'));
  customerId = uuidv7();
  Object.assign(world, { now: START_MS, busy: false, recordings: 0, syncFault: null, recorded: [], told: [] });
  journal = await JournalWriter.open({
    dir,
    node: 5,
    budgetBytes: 1 << 28,
    mayKeepText: () => true,
    now: () => world.now,
  });
  eraser = new Eraser({
    erasures: repositories(pool).erasures,
    durable: {
      async record(events) {
        world.recorded.push(...events);
      },
    },
    folders: async () => [
      {
        dir,
        async sync() {
          if (world.syncFault !== null) throw world.syncFault;
          await journal.sync();
        },
      },
    ],
    journalId: () => journalIdOf(dir),
    node: () => 5,
    erase: eraseRecords,
    busy: () => world.busy,
    eraseRecordings: async () => world.recordings,
    forget: async () => undefined,
    shipped: async () => undefined,
    latestMs: () => world.now,
    publish: async (id) => void world.told.push(id),
    now: () => world.now,
    wait: async () => undefined,
    log: createLogger('gateway', 'silent'),
  });
});
afterEach(async () => {
  await eraser.close();
  await journal.close();
  rmSync(dir, { recursive: true });
});

function append(log_id: number, t_ms: number): void {
  journal.append({
    v: 1,
    kind: 'inference',
    log_id,
    t_ms,
    session_id: null,
    customer_id: customerId,
    request_id: uuidv7(),
    instruction: 'pick up the red cube',
    chunk: new Uint8Array(64),
    state: [1, 2],
  } as unknown as JournalRecord);
}

async function kinds(): Promise<string[]> {
  await journal.sync();
  const all: string[] = [];
  for await (const { record } of readJournal({ dir })) all.push(record.kind);
  return all;
}

const ask = (logId: number | null = null) => eraser.request({ customerId, logId, requestedBy: customerId });
const reportOf = async (id: string) => {
  const row = await repositories(pool).erasures.find(id);
  if (row === null) throw new Error('there is none');
  return eraser.report(row);
};

it('counts the recordings that it removed with the journal beside them, once', async () => {
  world.recordings = 2;
  const { erasure_id } = await ask();
  await eraser.wake();
  world.recordings = 0;
  await eraser.wake();
  expect(await reportOf(erasure_id)).toMatchObject({
    status: 'complete',
    journals: [{ node: 5, removed: { recordings: 2 } }],
  });
});

it('is complete at once where nothing of the customer goes on', async () => {
  append(1, START_MS - 1);
  const { erasure_id } = await ask();
  await eraser.wake();
  expect(await reportOf(erasure_id)).toMatchObject({
    status: 'complete',
    journals: [{ node: 5, removed: { inference: 1 }, removed_before: 0 }],
    pending: [],
  });
  expect(await kinds()).toEqual(['erased']);
  expect(world.told).toEqual([erasure_id]);
  // Recorded when it was asked for, and when it was done.
  expect(world.recorded.map(({ event, data }) => [event, (data.row as { finished_at?: string }).finished_at])).toEqual([
    ['erase', undefined],
    ['erase', new Date(START_MS).toISOString()],
  ]);
});

it('looks again where something goes on: what had begun before is written down late', async () => {
  append(1, START_MS - 1);
  world.busy = true;
  const { erasure_id } = await ask();
  await eraser.wake();
  expect(await reportOf(erasure_id)).toMatchObject({
    status: 'running',
    pending: [{ part: 'tables' }, { part: 'journal', node: 5 }],
  });
  expect(await kinds()).toEqual(['erased']);
  append(2, START_MS - 1);
  append(2 ** 50, START_MS + 9_000);
  world.now = START_MS + 10_000;
  await eraser.wake();
  expect(await reportOf(erasure_id)).toMatchObject({
    status: 'complete',
    journals: [{ removed: { inference: 2 }, removed_before: 0 }],
  });
  expect(await kinds()).toEqual(['erased', 'erased', 'inference']);
});

it('says what keeps it from being done, and goes on when that is over', async () => {
  append(1, START_MS - 1);
  world.syncFault = new Error('the disk is full');
  const { erasure_id } = await ask();
  await eraser.wake();
  expect(await reportOf(erasure_id)).toMatchObject({
    status: 'running',
    pending: [{ part: 'tables' }, { part: 'journal', trouble: 'the disk is full' }],
  });
  world.syncFault = null;
  await eraser.wake();
  expect(await reportOf(erasure_id)).toMatchObject({ status: 'complete', journals: [{ removed: { inference: 1 } }] });
});

it('waits for a journal that is elsewhere, and for its shipper', async () => {
  const { erasures } = repositories(pool);
  const elsewhere = uuidv7();
  await erasures.sawJournal(elsewhere, 9, true);
  const { erasure_id } = await ask(7);
  await eraser.wake();
  world.now = START_MS + 10_000;
  await eraser.wake();
  expect((await reportOf(erasure_id)).pending).toMatchObject([
    { part: 'journal', journal_id: elsewhere, node: 9 },
    { part: 'shipper', journal_id: elsewhere, node: 9 },
  ]);
  const counts = { removed: { inference: 1 }, blanked: {}, removed_before: 0, unreadable_bytes: 0 };
  await erasures.report(erasure_id, `journal:${elsewhere}`, { counts, done: true });
  await erasures.report(erasure_id, `shipper:${elsewhere}`, { counts: null, done: true });
  await eraser.wake();
  expect(await reportOf(erasure_id)).toMatchObject({ status: 'complete', log_id: 7, pending: [] });
});
