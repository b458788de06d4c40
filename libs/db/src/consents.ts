import { and, count, desc, eq, getTableColumns, inArray } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import type { Pool } from 'pg';
import { customerConsentAudit, customerDataConsent, customers } from './schema.js';
import { withCustomer } from './transaction.js';

const { consent_id: _, ...consentSelection } = getTableColumns(customerDataConsent);

export type ConsentRow = Omit<typeof customerDataConsent.$inferSelect, 'consent_id'>;
export type ConsentAuditRow = Omit<typeof customerConsentAudit.$inferSelect, 'audit_id'>;
/** What is agreed to; who it is of, its version and its moment are added when it is stored. */
export type ConsentTerms = Omit<ConsentRow, 'customer_id' | 'consent_version' | 'consented_at'>;

export interface ConsentChange {
  readonly terms: ConsentTerms;
  readonly at: Date;
  /** The key of the request; null where no request made the change. */
  readonly changed_by: string | null;
  readonly request_id: string | null;
  readonly reason: string | null;
  /** The version that whoever asks has seen, 0 where there was none; a later one is not overwritten. */
  readonly expected_version?: number;
}

export type ConsentResult =
  | { readonly kind: 'changed'; readonly row: ConsentRow }
  | { readonly kind: 'conflict'; readonly version: number }
  | { readonly kind: 'no_customer' };

/** Called with both rows before they are stored; where it rejects, they are not. */
export type RecordConsent = (row: ConsentRow, audit: ConsentAuditRow) => Promise<void>;

export type Consents = ReturnType<typeof consents>;

/** What customers have consented to, and the account of every change. */
export function consents(pool: Pool) {
  return {
    /** Null without a row. `customer` tells that from no customer at all. */
    find(customerId: string): Promise<{ readonly customer: boolean; readonly row: ConsentRow | null }> {
      return withCustomer(pool, customerId, async (client) => {
        const db = drizzle(client);
        const [found] = await db
          .select({ row: consentSelection })
          .from(customers)
          .leftJoin(customerDataConsent, eq(customerDataConsent.customer_id, customers.customer_id))
          .where(eq(customers.customer_id, customerId));
        return { customer: found !== undefined, row: found?.row ?? null };
      });
    },

    /** For our own processes' caches: the rows of many customers, by customer. */
    async findMany(customerIds: readonly string[]): Promise<ReadonlyMap<string, ConsentRow>> {
      const rows = await drizzle(pool)
        .select(consentSelection)
        .from(customerDataConsent)
        .where(inArray(customerDataConsent.customer_id, [...customerIds]));
      return new Map(rows.map((row) => [row.customer_id, row]));
    },

    /**
     * Makes the next version and its account in one transaction, one change of a customer at a time. `record` runs within it,
     * so that what is recorded elsewhere first has the version and the order that the database gives it.
     */
    change(customerId: string, change: ConsentChange, record: RecordConsent): Promise<ConsentResult> {
      return withCustomer(pool, customerId, async (client): Promise<ConsentResult> => {
        // A row that is not there yet cannot be locked.
        await client.query("SELECT pg_advisory_xact_lock(hashtextextended('sinew.consent.' || $1, 0))", [customerId]);
        const db = drizzle(client);
        const ofCustomer = eq(customerDataConsent.customer_id, customerId);
        const [customer] = await db
          .select({ id: customers.customer_id })
          .from(customers)
          .where(eq(customers.customer_id, customerId));
        if (customer === undefined) return { kind: 'no_customer' };
        const [previous] = await db.select(consentSelection).from(customerDataConsent).where(ofCustomer);
        const version = previous?.consent_version ?? 0;
        if (change.expected_version !== undefined && change.expected_version !== version) {
          return { kind: 'conflict', version };
        }
        const { terms, at, changed_by, request_id, reason } = change;
        const row: ConsentRow = {
          ...terms,
          customer_id: customerId,
          consent_version: version + 1,
          consented_at: at,
        };
        const audit: ConsentAuditRow = {
          customer_id: customerId,
          consent_version: version + 1,
          action: actionOf(previous, row),
          changed_by,
          request_id,
          reason,
          changed_at: at,
          previous: previous ?? null,
          current: row,
        };
        await record(row, audit);
        if (previous === undefined) await db.insert(customerDataConsent).values(row);
        else {
          const changed = await db
            .update(customerDataConsent)
            .set(row)
            .where(and(ofCustomer, eq(customerDataConsent.consent_version, version)))
            .returning({ version: customerDataConsent.consent_version });
          if (changed.length !== 1) throw new Error(`version ${version} of the consent went away under its lock`);
        }
        await db.insert(customerConsentAudit).values(audit);
        return { kind: 'changed', row };
      });
    },

    /** Newest first. */
    audit(
      customerId: string,
      { limit, offset }: { readonly limit: number; readonly offset: number },
    ): Promise<{ readonly customer: boolean; readonly rows: ConsentAuditRow[]; readonly total: number }> {
      return withCustomer(pool, customerId, async (client) => {
        const db = drizzle(client);
        const ofCustomer = eq(customerConsentAudit.customer_id, customerId);
        const [customer] = await db
          .select({ id: customers.customer_id })
          .from(customers)
          .where(eq(customers.customer_id, customerId));
        const [all] = await db.select({ total: count() }).from(customerConsentAudit).where(ofCustomer);
        const rows = await db
          .select()
          .from(customerConsentAudit)
          .where(ofCustomer)
          .orderBy(desc(customerConsentAudit.consent_version))
          .limit(limit)
          .offset(offset);
        return { customer: customer !== undefined, rows, total: all?.total ?? 0 };
      });
    },
  };
}

function actionOf(previous: ConsentRow | undefined, { consent_tier }: ConsentRow): ConsentAuditRow['action'] {
  if (consent_tier === 'none') return 'revoke';
  return previous === undefined || previous.consent_tier === 'none' ? 'grant' : 'update';
}
