import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Accounts, Customer, KeyScope, NewKey } from '@sinew/db';
import { hashKey } from '@sinew/db';
import { type CustomerEvent, JournalWriter, type KeyEvent, RECORD_VERSION, readJournal } from '@sinew/journal';
import type { Pool } from './open-database.js';

const FOLDER = 'accounts';
const BUDGET_BYTES = 64 * 1024 * 1024;

type AccountEvent = CustomerEvent | KeyEvent;

/**
 * Accounts that survive the loss of the embedded database, which runs without fsync: every change is in the database and
 * fsynced in a journal of its own (the gateway's has one writer, the gateway) before it is answered. `migrate --rebuild`
 * reads it back.
 */
export class JournaledAccounts {
  constructor(
    private readonly store: Accounts,
    /** Null with a database that keeps what it is told. */
    private readonly dataDir: string | null,
  ) {}

  async customerNamed(name: string): Promise<Customer> {
    return (await this.store.findCustomerByName(name)) ?? (await this.store.createCustomer({ name }));
  }

  /** Its customer is recorded with it: a key is of no use without. */
  async createKey(
    customer: Customer,
    wish: { readonly name: string; readonly scopes: readonly KeyScope[]; readonly expires_at: Date | null },
  ): Promise<NewKey> {
    const made = await this.store.createKey(customer.customer_id, wish);
    const stored = (await this.store.listKeys(customer.customer_id)).find((key) => key.key_id === made.key_id);
    if (stored === undefined) throw new Error('a key that was just made is not there');
    const { customer_name: _, last_used_at: __, ...row } = stored;
    const about = head(customer.customer_id);
    await this.#record([
      { ...about, event: 'customer', data: { action: 'create', row: columnsOf(customer) } },
      { ...about, event: 'key', data: { action: 'create', row: columnsOf({ ...row, key_hash: hashKey(made.key) }) } },
    ]);
    return made;
  }

  /** False when it was revoked before. */
  async revokeKey(key: { readonly key_id: string; readonly customer_id: string }): Promise<boolean> {
    const revoked = await this.store.revokeKey(key.key_id);
    const data = { action: 'revoke', row: { key_id: key.key_id, revoked_at: new Date().toISOString() } } as const;
    if (revoked) await this.#record([{ ...head(key.customer_id), event: 'key', data }]);
    return revoked;
  }

  async #record(events: readonly AccountEvent[]): Promise<void> {
    if (this.dataDir === null) return;
    const writer = await JournalWriter.open({
      dir: join(this.dataDir, FOLDER),
      node: 0,
      budgetBytes: BUDGET_BYTES,
      fsyncMs: 0,
      now: () => Date.now(),
    });
    try {
      for (const event of events) writer.append(event);
      await writer.sync();
    } finally {
      await writer.close();
    }
  }
}

/** Puts the journaled accounts into an empty database; answers how many customers and keys there are then. */
export async function restoreAccounts(pool: Pool, dataDir: string): Promise<{ customers: number; keys: number }> {
  const dir = join(dataDir, FOLDER);
  const customers = new Set<string>();
  let keys = 0;
  if (!existsSync(dir)) return { customers: 0, keys };
  for await (const { record } of readJournal({ dir })) {
    if (record.kind !== 'event') continue;
    if (record.event === 'customer') {
      await pool.query(
        `INSERT INTO vlaapi.customers SELECT * FROM jsonb_populate_record(NULL::vlaapi.customers, $1::jsonb)
         ON CONFLICT (customer_id) DO NOTHING`,
        [JSON.stringify(record.data.row)],
      );
      customers.add(record.customer_id);
    } else if (record.event === 'key' && record.data.action === 'create') {
      await pool.query(
        `INSERT INTO vlaapi.api_keys SELECT * FROM jsonb_populate_record(NULL::vlaapi.api_keys, $1::jsonb)
         ON CONFLICT (key_id) DO NOTHING`,
        [JSON.stringify(record.data.row)],
      );
      keys++;
    } else if (record.event === 'key') {
      const { key_id, revoked_at } = record.data.row;
      await pool.query('UPDATE vlaapi.api_keys SET revoked_at = $2 WHERE key_id = $1', [key_id, revoked_at]);
    }
  }
  return { customers: customers.size, keys };
}

const head = (customerId: string) =>
  ({
    v: RECORD_VERSION,
    kind: 'event',
    log_id: null,
    t_ms: Date.now(),
    session_id: null,
    customer_id: customerId,
    robot_id: null,
    episode: null,
  }) as const;

/** Plain values: dates as the database reads them. */
const columnsOf = (row: object): Record<string, unknown> => JSON.parse(JSON.stringify(row)) as Record<string, unknown>;
