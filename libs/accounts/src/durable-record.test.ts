import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashKey, KEY_PREFIX } from '@sinew/db';
import { JournalWriter, readJournal } from '@sinew/journal';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { COMMAND_FOLDER, commandRecord, GATEWAY_FOLDER, GatewayRecord, RecordFailed } from './durable-record.js';
import { customerEvent, feedbackEvent, keyEvent } from './events.js';
import { ManualWait } from './testing/manual-wait.js';

const CUSTOMER = {
  customer_id: '01980000-0000-7000-8000-00000000000a',
  name: 'demo',
  tier: 'free',
  created_at: new Date(0),
};
const REVOKED = keyEvent('revoke', {
  key_id: '01980000-0000-7000-8000-00000000000b',
  customer_id: CUSTOMER.customer_id,
  revoked_at: new Date(0),
});

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sinew-accounts-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

async function recorded(folder: string): Promise<Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = [];
  if (!existsSync(join(dir, folder))) return found;
  for await (const { record } of readJournal({ dir: join(dir, folder) })) {
    if (record.kind === 'event') found.push({ event: record.event, customer_id: record.customer_id, ...record.data });
  }
  return found;
}

const otherWriter = (folder: string): Promise<JournalWriter> =>
  JournalWriter.open({ dir: join(dir, folder), node: 0, budgetBytes: 2 ** 24, now: Date.now });

describe('the record of commands', () => {
  test('keeps rows as the database has them, word for word', async () => {
    const row = {
      ...CUSTOMER,
      key_id: REVOKED.data.row.key_id as string,
      key_hash: hashKey('a key'),
      key_prefix: `${KEY_PREFIX}Abc1`,
      name: 'line 1, call 030 1234567',
    };
    await commandRecord(dir).record([customerEvent('create', CUSTOMER), keyEvent('create', row)]);
    const plain = { created_at: '1970-01-01T00:00:00.000Z' };
    expect(await recorded(COMMAND_FOLDER)).toEqual([
      { event: 'customer', customer_id: CUSTOMER.customer_id, action: 'create', row: { ...CUSTOMER, ...plain } },
      { event: 'key', customer_id: CUSTOMER.customer_id, action: 'create', row: { ...row, ...plain } },
    ]);
  });

  test('waits while another command writes', async () => {
    const other = await otherWriter(COMMAND_FOLDER);
    const wait = new ManualWait();
    const recording = commandRecord(dir, wait).record([REVOKED]);
    await wait.asleep();
    await other.close();
    wait.advance(50);
    await recording;
    expect(await recorded(COMMAND_FOLDER)).toHaveLength(1);
  });

  test('fails in words where the folder stays taken', async () => {
    const other = await otherWriter(COMMAND_FOLDER);
    const wait = new ManualWait();
    const refused = expect(commandRecord(dir, wait).record([REVOKED])).rejects.toThrow(RecordFailed);
    await wait.asleep();
    wait.advance(10_000);
    await refused;
    await other.close();
    expect(await recorded(COMMAND_FOLDER)).toEqual([]);
  });

  test('fails where the folder cannot be written at all', async () => {
    writeFileSync(join(dir, COMMAND_FOLDER), 'in the way');
    await expect(commandRecord(dir).record([REVOKED])).rejects.toThrow();
  });
});

describe('the record of a gateway', () => {
  const embedded = async () => false;

  test('opens its folder with the first change, and keeps it until it is closed', async () => {
    const record = new GatewayRecord(dir, embedded);
    expect(existsSync(join(dir, GATEWAY_FOLDER))).toBe(false);
    await Promise.all([record.record([REVOKED]), record.record([REVOKED])]);
    await expect(otherWriter(GATEWAY_FOLDER)).rejects.toMatchObject({ code: 'locked' });
    await record.close();
    await (await otherWriter(GATEWAY_FOLDER)).close();
    expect(await recorded(GATEWAY_FOLDER)).toHaveLength(2);
  });

  test('has no folder with a database that keeps what it is told', async () => {
    const record = new GatewayRecord(dir, async () => true);
    await record.record([REVOKED]);
    expect(await record.folder()).toBeNull();
    expect(existsSync(join(dir, GATEWAY_FOLDER))).toBe(false);
    await record.close();
  });

  test('reports leave room for what a customer has a right to', async () => {
    const record = new GatewayRecord(dir, embedded, undefined, 64 * 1024);
    const report = feedbackEvent({ customer_id: CUSTOMER.customer_id, feedback_id: 1, notes: 'n'.repeat(2_000) });
    let reports = 0;
    const refused = await (async () => {
      for (; ; reports++) await record.record([report]);
    })().catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(RecordFailed);
    await record.record([REVOKED]);
    await record.close();
    const events = await recorded(GATEWAY_FOLDER);
    expect(events.map(({ event }) => event)).toEqual([...Array.from({ length: reports }, () => 'feedback'), 'key']);
  });

  test('tries again with the next change where it could not be opened', async () => {
    let away = true;
    const record = new GatewayRecord(dir, async () => {
      if (away) throw new Error('the database is away');
      return false;
    });
    await expect(record.record([REVOKED])).rejects.toThrow('away');
    away = false;
    await record.record([REVOKED]);
    await record.close();
    expect(await recorded(GATEWAY_FOLDER)).toHaveLength(1);
  });
});
