import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Accounts,
  accounts,
  type Customer,
  hashKey,
  inTransaction,
  KEY_PREFIX,
  type KeyScope,
  type NewKey,
  newKey,
} from '@sinew/db';
import {
  type CustomerEvent,
  JournalError,
  type JournalFault,
  JournalWriter,
  type KeyEvent,
  RECORD_VERSION,
  readJournal,
} from '@sinew/journal';
import { v7 as uuidv7 } from 'uuid';
import { Failure } from '../failure.js';
import { type Clock, systemClock } from '../supervisor/clock.js';
import type { Pool } from './open-database.js';

const FOLDER = 'accounts';
const BUDGET_BYTES = 64 * 1024 * 1024;
/** Another command holds the journal for a moment only. */
const LOCK_PATIENCE_MS = 10_000;
const LOOK_EVERY_MS = 50;

type AccountEvent = CustomerEvent | KeyEvent;
type Queries = Pick<Pool, 'query'>;

/**
 * Accounts that survive the loss of the embedded database, which runs without fsync: every change is fsynced in a journal
 * of its own (the gateway's has one writer, the gateway) before the database has it. In this order nothing that fails half
 * way does harm: a key that stands in the journal alone was shown to nobody, and a revocation there holds.
 */
export class JournaledAccounts {
  readonly #store: Accounts;

  constructor(
    private readonly pool: Pool,
    /** Null with a database that keeps what it is told. */
    private readonly dataDir: string | null,
    private readonly clock: Clock = systemClock,
  ) {
    this.#store = accounts(pool);
  }

  async customerNamed(name: string): Promise<Customer> {
    return (await this.#store.findCustomerByName(name)) ?? (await this.#store.createCustomer({ name }));
  }

  /** Its customer is recorded with it: a key is of no use without. */
  async createKey(
    customer: Customer,
    wish: { readonly name: string; readonly scopes: readonly KeyScope[]; readonly expires_at: Date | null },
  ): Promise<NewKey> {
    const key = newKey();
    const key_id = uuidv7();
    const row = {
      ...wish,
      key_id,
      customer_id: customer.customer_id,
      key_hash: hashKey(key),
      key_prefix: key.slice(0, KEY_PREFIX.length + 4),
      created_at: new Date(),
      revoked_at: null,
      last_used_at: null,
    };
    const about = head(customer.customer_id);
    const made: KeyEvent = { ...about, event: 'key', data: { action: 'create', row: columnsOf(row) } };
    await this.#record([{ ...about, event: 'customer', data: { action: 'create', row: columnsOf(customer) } }, made]);
    await apply(this.pool, made);
    return { key_id, customer_id: customer.customer_id, key };
  }

  /** False when it was revoked before: recorded all the same, as the first time may have failed half way. */
  async revokeKey(key: { readonly key_id: string; readonly customer_id: string }): Promise<boolean> {
    const row = { key_id: key.key_id, revoked_at: new Date().toISOString() };
    await this.#record([{ ...head(key.customer_id), event: 'key', data: { action: 'revoke', row } }]);
    return this.#store.revokeKey(key.key_id);
  }

  async #record(events: readonly AccountEvent[]): Promise<void> {
    if (this.dataDir === null) return;
    try {
      const writer = await this.#open(join(this.dataDir, FOLDER));
      try {
        for (const event of events) writer.append(event);
        await writer.sync();
      } finally {
        await writer.close();
      }
    } catch (error) {
      if (!(error instanceof JournalError)) throw error;
      throw new Failure(`nothing was changed: the change could not be recorded (${error.message})`);
    }
  }

  /** Waits for its turn: two commands at once both get through. */
  async #open(dir: string): Promise<JournalWriter> {
    const until = this.clock.now() + LOCK_PATIENCE_MS;
    for (;;) {
      try {
        return await JournalWriter.open({ dir, node: 0, budgetBytes: BUDGET_BYTES, fsyncMs: 0, now: () => Date.now() });
      } catch (error) {
        const held = error instanceof JournalError && error.code === 'locked';
        if (!held || this.clock.now() >= until) throw error;
        await this.clock.sleep(LOOK_EVERY_MS);
      }
    }
  }
}

export interface RestoredAccounts {
  readonly customers: number;
  readonly keys: number;
  /** Damage: what it cost is not restored. Torn ends are none, as nobody was answered on them. */
  readonly faults: readonly JournalFault[];
}

/** Puts the journaled accounts into an empty database, all or none; answers what was there to restore. */
export async function restoreAccounts(pool: Pool, dataDir: string): Promise<RestoredAccounts> {
  const dir = join(dataDir, FOLDER);
  const customers = new Set<string>();
  const keys = new Set<unknown>();
  const faults: JournalFault[] = [];
  if (!existsSync(dir)) return { customers: 0, keys: 0, faults };
  const onFault = (fault: JournalFault): void => {
    if (fault.reason !== 'torn') faults.push(fault);
  };
  await inTransaction(pool, async (client) => {
    for await (const { record } of readJournal({ dir, onFault })) {
      if (record.kind !== 'event' || (record.event !== 'customer' && record.event !== 'key')) continue;
      await apply(client, record);
      customers.add(record.customer_id);
      if (record.event === 'key') keys.add(record.data.row.key_id);
    }
  });
  return { customers: customers.size, keys: keys.size, faults };
}

/** The same for a new change and for one read back. Doing it twice does it once. */
async function apply(database: Queries, { event, data }: AccountEvent): Promise<void> {
  const row = JSON.stringify(data.row);
  if (event === 'customer') {
    await database.query(
      `INSERT INTO vlaapi.customers SELECT * FROM jsonb_populate_record(NULL::vlaapi.customers, '{"is_operator": false}' || $1::jsonb)
       ON CONFLICT (customer_id) DO NOTHING`,
      [row],
    );
  } else if (data.action === 'create') {
    // Where damage took the customer, its keys stay out: they would name nobody.
    await database.query(
      `INSERT INTO vlaapi.api_keys SELECT k.* FROM jsonb_populate_record(NULL::vlaapi.api_keys, $1::jsonb) k
       JOIN vlaapi.customers USING (customer_id) ON CONFLICT (key_id) DO NOTHING`,
      [row],
    );
  } else {
    const { key_id, revoked_at } = data.row;
    await database.query('UPDATE vlaapi.api_keys SET revoked_at = $2 WHERE key_id = $1 AND revoked_at IS NULL', [
      key_id,
      revoked_at,
    ]);
  }
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
