import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashKey } from '@sinew/db';
import { JournalWriter, readJournal } from '@sinew/journal';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../supervisor/fake-clock.js';
import { JournaledAccounts } from './account-journal.js';
import type { Pool } from './open-database.js';

const CUSTOMER = {
  customer_id: '01980000-0000-7000-8000-00000000000a',
  name: 'demo',
  tier: 'free',
  is_active: true,
  created_at: new Date(0),
} as const;
const KEY = { key_id: '01980000-0000-7000-8000-00000000000b', customer_id: CUSTOMER.customer_id };
const WISH = { name: 'arm 1', scopes: ['stream'], expires_at: null } as const;

describe('JournaledAccounts', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'sinew-accounts-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  /** A database that writes down how much the journal held when it was asked, and answers `rows`. */
  function database(answer: () => Promise<{ rows: unknown[] }> = async () => ({ rows: [] })) {
    const journaledBefore: number[] = [];
    const query = async () => {
      journaledBefore.push((await journaled()).length);
      return answer();
    };
    return { pool: { query } as unknown as Pool, journaledBefore };
  }

  async function journaled(): Promise<Record<string, unknown>[]> {
    const found: Record<string, unknown>[] = [];
    if (!existsSync(join(dir, 'accounts'))) return found;
    for await (const { record } of readJournal({ dir: join(dir, 'accounts') })) {
      if (record.kind === 'event') found.push({ event: record.event, ...record.data });
    }
    return found;
  }

  it('a key is in the journal before it is in the database, as its hash', async () => {
    const { pool, journaledBefore } = database();
    const { key, key_id } = await new JournaledAccounts(pool, dir).createKey(CUSTOMER, WISH);
    expect(journaledBefore).toEqual([2]);
    const events = await journaled();
    expect(events).toMatchObject([
      { event: 'customer', action: 'create', row: { name: 'demo' } },
      { event: 'key', action: 'create', row: { key_id, name: 'arm 1', key_hash: hashKey(key), revoked_at: null } },
    ]);
    expect(JSON.stringify(events)).not.toContain(key);
  });

  it('a revocation that the database did not hear of stands in the journal, and is recorded again when tried again', async () => {
    const { pool } = database(() => Promise.reject(new Error('the database went away')));
    await expect(new JournaledAccounts(pool, dir).revokeKey(KEY)).rejects.toThrow();
    expect(await journaled()).toMatchObject([{ action: 'revoke', row: { key_id: KEY.key_id } }]);
    expect(await new JournaledAccounts(database().pool, dir).revokeKey(KEY)).toBe(false);
    expect(await journaled()).toHaveLength(2);
  });

  it('waits while another command writes the journal', async () => {
    const other = await JournalWriter.open({
      dir: join(dir, 'accounts'),
      node: 0,
      budgetBytes: 2 ** 24,
      now: Date.now,
    });
    const clock = new FakeClock();
    const revoking = new JournaledAccounts(database().pool, dir, clock).revokeKey(KEY);
    await asleep(clock);
    await other.close();
    clock.advance(50);
    await revoking;
    expect(await journaled()).toHaveLength(1);
  });

  it('changes nothing, and says so in words, where the journal stays taken', async () => {
    const other = await JournalWriter.open({
      dir: join(dir, 'accounts'),
      node: 0,
      budgetBytes: 2 ** 24,
      now: Date.now,
    });
    const clock = new FakeClock();
    const { pool, journaledBefore } = database();
    const creating = new JournaledAccounts(pool, dir, clock).createKey(CUSTOMER, WISH);
    const refused = expect(creating).rejects.toMatchObject({
      name: 'Failure',
      message: expect.stringMatching(/^nothing was changed/),
    });
    await asleep(clock);
    clock.advance(10_000);
    await refused;
    expect(journaledBefore).toEqual([]);
    await other.close();
  });

  it('changes nothing where the journal cannot be written at all', async () => {
    writeFileSync(join(dir, 'accounts'), 'in the way');
    const { pool, journaledBefore } = database();
    await expect(new JournaledAccounts(pool, dir).revokeKey(KEY)).rejects.toThrow();
    expect(journaledBefore).toEqual([]);
  });

  it("a database of the user's own keeps what it is told: no journal", async () => {
    await new JournaledAccounts(database().pool, null).createKey(CUSTOMER, WISH);
    expect(existsSync(join(dir, 'accounts'))).toBe(false);
  });
});

async function asleep(clock: FakeClock): Promise<void> {
  while (clock.asleep.length === 0) await new Promise((resolve) => setImmediate(resolve));
}
