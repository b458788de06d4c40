import { schema } from '@sinew/db';
import type { AccountEvent } from '@sinew/journal';
import { getTableColumns, getTableName, type Table } from 'drizzle-orm';
import type { Pool } from 'pg';

export type Queries = Pick<Pool, 'query'>;
type Row = Readonly<Record<string, unknown>>;

/** Puts an event into the database: the same for a new change and for one read back. Doing it twice does it once. */
export async function applyEvent(database: Queries, { event, data }: AccountEvent): Promise<void> {
  const { row } = data;
  switch (event) {
    case 'customer':
      return data.action === 'delete' ? undefined : storeCustomer(database, data.action, row);
    case 'key':
      return applyKey(database, data.action, row);
    case 'consent':
      return applyConsent(database, row, data.audit);
    case 'feedback':
      return insertFeedback(database, [row]);
    case 'erase':
      return applyErasure(database, row);
  }
}

async function storeCustomer(database: Queries, action: 'create' | 'update', row: Row): Promise<void> {
  // An update stands for its customer also where damage took the creation.
  const changed = ['name', 'tier', 'is_active', 'is_operator', 'limits', 'record_sessions'].map(
    (column) => `${column} = excluded.${column}`,
  );
  const conflict = action === 'create' ? 'DO NOTHING' : `DO UPDATE SET ${changed.join(', ')}`;
  await insertRows(database, schema.customers, [row], `ON CONFLICT (customer_id) ${conflict}`);
}

async function applyKey(database: Queries, action: 'create' | 'update' | 'revoke', row: Row): Promise<void> {
  switch (action) {
    case 'create':
      return insertRows(database, schema.apiKeys, [row], 'ON CONFLICT (key_id) DO NOTHING', true);
    case 'update':
      await database.query('UPDATE vlaapi.api_keys SET expires_at = $2 WHERE key_id = $1', [
        row.key_id,
        row.expires_at,
      ]);
      return;
    case 'revoke':
      await database.query('UPDATE vlaapi.api_keys SET revoked_at = $2 WHERE key_id = $1 AND revoked_at IS NULL', [
        row.key_id,
        row.revoked_at,
      ]);
  }
}

/** A later version stands, in whatever order they come. */
async function applyConsent(database: Queries, row: Row, audit: Row | undefined): Promise<void> {
  const { consent_id: _, ...consent } = row;
  const changed = Object.keys(getTableColumns(schema.customerDataConsent))
    .filter((column) => column !== 'consent_id' && column !== 'customer_id')
    .map((column) => `${column} = excluded.${column}`);
  await insertRows(
    database,
    schema.customerDataConsent,
    [consent],
    `ON CONFLICT (customer_id) DO UPDATE SET ${changed.join(', ')}
     WHERE customer_data_consent.consent_version < excluded.consent_version`,
    true,
  );
  if (audit === undefined) return;
  const { audit_id: __, ...accounted } = audit;
  await insertRows(database, schema.customerConsentAudit, [accounted], 'ON CONFLICT DO NOTHING');
}

/** Rows of one shape: the same columns in each. */
export const insertFeedback = (database: Queries, rows: readonly Row[]): Promise<void> =>
  insertRows(database, schema.feedback, rows, 'ON CONFLICT DO NOTHING', true);

/** What was reported before it is gone; the record of the erasure itself stays. */
async function applyErasure(database: Queries, row: Row): Promise<void> {
  const changed = 'finished_at = excluded.finished_at, report = excluded.report';
  await insertRows(
    database,
    schema.erasures,
    [row],
    `ON CONFLICT (erasure_id) DO UPDATE SET ${changed}
    WHERE erasures.finished_at IS NULL`,
  );
  await database.query(
    `DELETE FROM vlaapi.feedback
     WHERE customer_id = $1 AND "timestamp" <= $2 AND ($3::bigint IS NULL OR log_id = $3)`,
    [row.customer_id, row.before, row.log_id ?? null],
  );
}

/**
 * Inserts rows given as JSON, with only the columns that they name, so that rows recorded before a column existed get its
 * default. `ofCustomers`: where damage took the customer, its rows stay out: they would belong to nobody.
 */
async function insertRows(
  database: Queries,
  table: Table,
  rows: readonly Row[],
  conflict: string,
  ofCustomers = false,
): Promise<void> {
  const known = Object.values(getTableColumns(table)).map((column) => column.name);
  const named = known.filter((column) => rows[0]?.[column] !== undefined).map((column) => `"${column}"`);
  const name = `vlaapi.${getTableName(table)}`;
  const where = ofCustomers ? 'WHERE customer_id IN (SELECT customer_id FROM vlaapi.customers)' : '';
  await database.query(
    `INSERT INTO ${name} (${named.join(', ')})
     SELECT ${named.join(', ')} FROM jsonb_populate_recordset(NULL::${name}, $1::jsonb) ${where} ${conflict}`,
    [JSON.stringify(rows)],
  );
}
