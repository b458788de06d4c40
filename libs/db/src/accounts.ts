import { createHash, randomBytes } from 'node:crypto';
import { KEY_SCOPES, type KeyScope, type LimitOverrides } from '@sinew/contracts';
import { and, count, eq, isNull, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import type { Pool } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { apiKeys, type CustomerTier, customers } from './schema.js';
import { withCustomer } from './transaction.js';

export { KEY_SCOPES, type KeyScope };

/** What a robot needs. */
export const ROBOT_SCOPES: readonly KeyScope[] = ['stream', 'infer', 'feedback'];

export interface Customer {
  readonly customer_id: string;
  readonly name: string;
  readonly tier: CustomerTier;
  readonly is_active: boolean;
  readonly created_at: Date;
  /** Administers every customer, not only itself. */
  readonly is_operator: boolean;
  /** Single limits that differ from the tier's; null: none does. */
  readonly limits: LimitOverrides | null;
  /** Its sessions are recorded where they are served. */
  readonly record_sessions: boolean;
}

/** What authentication needs to know of a key. */
export interface KeyIdentity {
  readonly key_id: string;
  readonly customer_id: string;
  readonly tier: CustomerTier;
  readonly scopes: readonly string[];
  readonly expires_at: Date | null;
  readonly revoked_at: Date | null;
  readonly customer_active: boolean;
  /** Single limits that differ from the tier's; null: none does. */
  readonly limits: LimitOverrides | null;
  readonly is_operator: boolean;
  /** Its sessions are recorded where they are served; not given: they are not. */
  readonly record_sessions?: boolean;
}

export interface KeyInfo {
  readonly key_id: string;
  readonly customer_id: string;
  readonly customer_name: string;
  readonly name: string;
  readonly key_prefix: string;
  readonly scopes: readonly string[];
  readonly created_at: Date;
  readonly expires_at: Date | null;
  readonly revoked_at: Date | null;
  /** To the minute, as of what was shipped. */
  readonly last_used_at: Date | null;
  /** The key that this one replaced. */
  readonly rotated_from: string | null;
}

export interface Page<T> {
  readonly rows: readonly T[];
  readonly total: number;
}

/** What an administrator sees: one customer, or all of them. */
export interface AccountScope {
  /** Null: all, for operators. */
  readonly customerId: string | null;
  readonly offset: number;
  readonly limit: number;
}

export interface NewKey {
  readonly key_id: string;
  readonly customer_id: string;
  /** The key in clear: shown once, stored nowhere. */
  readonly key: string;
}

export class AmbiguousCustomer extends Error {
  override readonly name = 'AmbiguousCustomer';
  readonly customerIds: readonly string[];
  constructor(name: string, found: readonly Customer[]) {
    super(`several customers are named ${name}`);
    this.customerIds = found.map(({ customer_id }) => customer_id);
  }
}

export const KEY_PREFIX = 'vla_live_';

/** 32 random bytes: 43 characters of base64url. */
export const newKey = (): string => `${KEY_PREFIX}${randomBytes(32).toString('base64url')}`;

/** SHA-256, hex: keys are random, so a fast hash without salt is enough and one index look-up finds them. */
export const hashKey = (key: string): string => createHash('sha256').update(key, 'utf8').digest('hex');

export type Accounts = ReturnType<typeof accounts>;

/** Customers and their API keys. Our own processes' view: every customer. */
export function accounts(pool: Pool) {
  const db = drizzle(pool);
  /** As the customer's own role where one is named, so that row-level security holds beside the WHERE. */
  const scoped = <T>(customerId: string | null, work: (on: Queries) => Promise<T>): Promise<T> =>
    customerId === null ? work(db) : withCustomer(pool, customerId, (client) => work(drizzle(client)));
  return {
    async createCustomer(customer: { name: string; tier?: CustomerTier; customer_id?: string }): Promise<Customer> {
      const [row] = await db
        .insert(customers)
        .values({
          customer_id: customer.customer_id ?? uuidv7(),
          name: customer.name,
          tier: customer.tier ?? 'free',
        })
        .returning();
      if (row === undefined) throw new Error('the insert answered no row');
      return row;
    },

    /** Names are for people, and need not be unique: throws AmbiguousCustomer where several customers have this one. */
    async findCustomerByName(name: string): Promise<Customer | null> {
      const rows = await db
        .select()
        .from(customers)
        .where(eq(customers.name, name))
        .orderBy(customers.created_at)
        .limit(5);
      if (rows.length > 1) throw new AmbiguousCustomer(name, rows);
      return rows[0] ?? null;
    },

    async findCustomer(customerId: string): Promise<Customer | null> {
      const [row] = await db.select().from(customers).where(eq(customers.customer_id, customerId));
      return row ?? null;
    },

    /** Oldest first. */
    pageOfCustomers({ customerId, offset, limit }: AccountScope): Promise<Page<Customer>> {
      return scoped(customerId, async (on) => {
        const where = customerId === null ? undefined : eq(customers.customer_id, customerId);
        const [all] = await on.select({ total: count() }).from(customers).where(where);
        const order = [customers.created_at, customers.customer_id];
        const rows = await on
          .select()
          .from(customers)
          .where(where)
          .orderBy(...order)
          .limit(limit)
          .offset(offset);
        return { rows, total: all?.total ?? 0 };
      });
    },

    /** Oldest first, ended ones too. */
    pageOfKeys({ customerId, offset, limit }: AccountScope): Promise<Page<KeyInfo>> {
      return scoped(customerId, async (on) => {
        const where = customerId === null ? undefined : eq(apiKeys.customer_id, customerId);
        const [all] = await on.select({ total: count() }).from(apiKeys).where(where);
        const rows = await selectKeys(on)
          .where(where)
          .orderBy(apiKeys.created_at, apiKeys.key_id)
          .limit(limit)
          .offset(offset);
        return { rows, total: all?.total ?? 0 };
      });
    },

    /** A key of one customer, or of any where `customerId` is null (for operators). */
    findKey(keyId: string, customerId: string | null): Promise<KeyInfo | null> {
      return scoped(customerId, async (on) => {
        const own = customerId === null ? undefined : eq(apiKeys.customer_id, customerId);
        const [row] = await selectKeys(on).where(and(eq(apiKeys.key_id, keyId), own));
        return row ?? null;
      });
    },

    async createKey(
      customerId: string,
      options: { name: string; scopes?: readonly KeyScope[]; expires_at?: Date | null },
    ): Promise<NewKey> {
      const key = newKey();
      const key_id = uuidv7();
      await db.insert(apiKeys).values({
        key_id,
        customer_id: customerId,
        key_hash: hashKey(key),
        key_prefix: key.slice(0, KEY_PREFIX.length + 4),
        name: options.name,
        scopes: [...(options.scopes ?? ROBOT_SCOPES)],
        expires_at: options.expires_at ?? null,
      });
      return { key_id, customer_id: customerId, key };
    },

    /** `hash`: SHA-256, hex. Answers revoked and expired keys too, so that the caller can say why it refuses. */
    async findKeyByHash(hash: string): Promise<KeyIdentity | null> {
      const [row] = await db
        .select({
          key_id: apiKeys.key_id,
          customer_id: apiKeys.customer_id,
          tier: customers.tier,
          scopes: apiKeys.scopes,
          expires_at: apiKeys.expires_at,
          revoked_at: apiKeys.revoked_at,
          customer_active: customers.is_active,
          limits: customers.limits,
          is_operator: customers.is_operator,
          record_sessions: customers.record_sessions,
        })
        .from(apiKeys)
        .innerJoin(customers, eq(customers.customer_id, apiKeys.customer_id))
        .where(eq(apiKeys.key_hash, hash));
      return row ?? null;
    },

    listKeys(customerId?: string): Promise<KeyInfo[]> {
      return selectKeys(db)
        .where(customerId === undefined ? undefined : eq(apiKeys.customer_id, customerId))
        .orderBy(apiKeys.created_at, apiKeys.key_id);
    },

    /** False when there is no such key or it was revoked before. */
    async revokeKey(keyId: string): Promise<boolean> {
      const rows = await db
        .update(apiKeys)
        .set({ revoked_at: sql`now()` })
        .where(and(eq(apiKeys.key_id, keyId), isNull(apiKeys.revoked_at)))
        .returning({ key_id: apiKeys.key_id });
      return rows.length > 0;
    },
  };
}

type Queries = Pick<ReturnType<typeof drizzle>, 'select'>;

const selectKeys = (on: Queries) =>
  on
    .select({
      key_id: apiKeys.key_id,
      customer_id: apiKeys.customer_id,
      customer_name: customers.name,
      name: apiKeys.name,
      key_prefix: apiKeys.key_prefix,
      scopes: apiKeys.scopes,
      created_at: apiKeys.created_at,
      expires_at: apiKeys.expires_at,
      revoked_at: apiKeys.revoked_at,
      last_used_at: apiKeys.last_used_at,
      rotated_from: apiKeys.rotated_from,
    })
    .from(apiKeys)
    .innerJoin(customers, eq(customers.customer_id, apiKeys.customer_id));
