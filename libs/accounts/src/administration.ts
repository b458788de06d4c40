import { AccountName, type LimitOverrides } from '@sinew/contracts';
import {
  accounts,
  type Customer,
  type CustomerTier,
  hashKey,
  inTransaction,
  KEY_PREFIX,
  type KeyScope,
  newKey,
  withCustomer,
} from '@sinew/db';
import type { Pool, PoolClient } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { applyEvent } from './apply-event.js';
import type { DurableRecord } from './durable-record.js';
import { customerEvent, keyEvent } from './events.js';

export interface CustomerWish {
  readonly name: string;
  readonly tier?: CustomerTier;
  readonly is_operator?: boolean;
  readonly limits?: LimitOverrides | null;
  readonly record_sessions?: boolean;
}

export interface CustomerChange extends Partial<CustomerWish> {
  readonly is_active?: boolean;
}

export interface KeyWish {
  readonly name: string;
  readonly scopes: readonly KeyScope[];
  /** Null: never. */
  readonly expires_at: Date | null;
}

export interface MadeKey {
  readonly key_id: string;
  readonly customer_id: string;
  readonly name: string;
  readonly key_prefix: string;
  readonly scopes: readonly string[];
  readonly created_at: Date;
  readonly expires_at: Date | null;
  readonly rotated_from: string | null;
  /** The key in clear: shown once, stored nowhere. */
  readonly key: string;
}

export interface Rotation {
  /** How long the old key works beside the new one. */
  readonly grace_ms: number;
  /** Of the new key; not given: it lives as long as the old one was made to. */
  readonly expires_at?: Date | null;
}

export type Rotated =
  | { readonly kind: 'rotated'; readonly key: MadeKey; readonly old_expires_at: Date }
  /** `ended`: revoked or expired, so that there is nothing to replace. */
  | { readonly kind: 'missing' | 'ended' };

export interface Revoked {
  readonly revoked_at: Date;
  /** False where it was revoked before. */
  readonly now: boolean;
}

/** A key as it stands, without what it was. */
interface KeyRow {
  readonly key_id: string;
  readonly customer_id: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly created_at: Date;
  readonly expires_at: Date | null;
  readonly revoked_at: Date | null;
}

/** A wish that no database would take; nothing was recorded. */
export class AccountFault extends Error {
  override readonly name = 'AccountFault';
}

const KEY_COLUMNS = 'key_id, customer_id, name, scopes, created_at, expires_at, revoked_at';

/**
 * Changes to customers and keys: each recorded first, then made, in one transaction that holds the row meanwhile, so that
 * two changes at once stand in the record in the order in which they were made. Who may ask for what is the caller's matter.
 */
export class AccountAdministration {
  constructor(
    private readonly pool: Pool,
    private readonly durable: DurableRecord,
    private readonly now: () => Date = () => new Date(),
  ) {}

  /** The customer of this name, made where there is none. */
  async customerNamed(name: string, wish: Omit<CustomerWish, 'name'> = {}): Promise<Customer> {
    return (await accounts(this.pool).findCustomerByName(name)) ?? (await this.createCustomer({ ...wish, name }));
  }

  async createCustomer({ name, tier, is_operator, limits, record_sessions }: CustomerWish): Promise<Customer> {
    const customer: Customer = {
      customer_id: uuidv7(),
      name: checkedName(name),
      tier: tier ?? 'free',
      is_active: true,
      created_at: this.now(),
      is_operator: is_operator ?? false,
      limits: limits ?? null,
      record_sessions: record_sessions ?? false,
    };
    const made = customerEvent('create', customer);
    await this.durable.record([made]);
    await applyEvent(this.pool, made);
    return customer;
  }

  /** Null where there is no such customer. */
  async updateCustomer(customerId: string, change: CustomerChange): Promise<Customer | null> {
    const named = change.name === undefined ? {} : { name: checkedName(change.name) };
    return inTransaction(this.pool, async (client) => {
      const before = await lockedCustomer(client, customerId);
      if (before === null) return null;
      const given = Object.entries({ ...change, ...named }).filter(([, value]) => value !== undefined);
      const after: Customer = { ...before, ...Object.fromEntries(given) };
      const event = customerEvent('update', after);
      await this.durable.record([event]);
      await applyEvent(client, event);
      return after;
    });
  }

  /** Its customer is recorded with it: a key is of no use without. */
  async createKey(customer: Customer, wish: KeyWish): Promise<MadeKey> {
    const made = this.#make(customer.customer_id, wish, null);
    await this.durable.record([customerEvent('create', customer), made.event]);
    await withCustomer(this.pool, customer.customer_id, (client) => applyEvent(client, made.event));
    return made.key;
  }

  /** Null where the customer has no such key. Recorded also where it was revoked before: that may have failed half way. */
  revokeKey(key: { readonly key_id: string; readonly customer_id: string }): Promise<Revoked | null> {
    return withCustomer(this.pool, key.customer_id, async (client) => {
      const before = await lockedKey(client, key);
      if (before === null) return null;
      const revoked_at = before.revoked_at ?? this.now();
      const event = keyEvent('revoke', { key_id: key.key_id, customer_id: key.customer_id, revoked_at });
      await this.durable.record([event]);
      await applyEvent(client, event);
      return { revoked_at, now: before.revoked_at === null };
    });
  }

  /**
   * A new key with the old one's name, scopes and customer. The old one works for the grace period, never longer than it
   * would have, and has expired then.
   */
  rotateKey(key: { readonly key_id: string; readonly customer_id: string }, wish: Rotation): Promise<Rotated> {
    return withCustomer<Rotated>(this.pool, key.customer_id, async (client) => {
      const old = await lockedKey(client, key);
      if (old === null) return { kind: 'missing' };
      const now = this.now();
      const ends = old.expires_at;
      if (old.revoked_at !== null || (ends !== null && ends <= now)) return { kind: 'ended' };
      const lifetime = ends === null ? null : new Date(now.getTime() + ends.getTime() - old.created_at.getTime());
      const expires_at = wish.expires_at === undefined ? lifetime : wish.expires_at;
      const scopes = old.scopes as readonly KeyScope[];
      const made = this.#make(old.customer_id, { name: old.name, scopes, expires_at }, old.key_id);
      const graceEnds = new Date(now.getTime() + wish.grace_ms);
      const old_expires_at = ends !== null && ends < graceEnds ? ends : graceEnds;
      const ending = { key_id: old.key_id, customer_id: old.customer_id, expires_at: old_expires_at };
      const events = [made.event, keyEvent('update', ending)];
      await this.durable.record(events);
      for (const event of events) await applyEvent(client, event);
      return { kind: 'rotated', key: made.key, old_expires_at };
    });
  }

  #make(customerId: string, wish: KeyWish, rotatedFrom: string | null) {
    const key = newKey();
    const row = {
      key_id: uuidv7(),
      customer_id: customerId,
      name: checkedName(wish.name),
      key_prefix: key.slice(0, KEY_PREFIX.length + 4),
      scopes: [...wish.scopes],
      created_at: this.now(),
      expires_at: wish.expires_at,
      rotated_from: rotatedFrom,
    };
    return { key: { ...row, key } satisfies MadeKey, event: keyEvent('create', { ...row, key_hash: hashKey(key) }) };
  }
}

/** Checked before it is recorded: what is in the record must go into a database again. */
function checkedName(name: string): string {
  const parsed = AccountName.safeParse(name);
  if (parsed.success) return parsed.data;
  throw new AccountFault(`the name ${parsed.error.issues[0]?.message ?? 'is not valid'}`);
}

/** Held until the transaction ends. */
async function lockedKey(client: PoolClient, key: { key_id: string; customer_id: string }): Promise<KeyRow | null> {
  const { rows } = await client.query<KeyRow>(
    `SELECT ${KEY_COLUMNS} FROM vlaapi.api_keys WHERE key_id = $1 AND customer_id = $2 FOR UPDATE`,
    [key.key_id, key.customer_id],
  );
  return rows[0] ?? null;
}

async function lockedCustomer(client: PoolClient, customerId: string): Promise<Customer | null> {
  const { rows } = await client.query<Customer>(
    `SELECT customer_id, name, tier, is_active, created_at, is_operator, limits, record_sessions
     FROM vlaapi.customers WHERE customer_id = $1 FOR UPDATE`,
    [customerId],
  );
  return rows[0] ?? null;
}
