import type { PoolClient } from 'pg';
import type { ShippedBatch } from './shipping-rows.js';

/** What an erasure covers: everything of a customer, or one inference and what was said of it, up to `before`. */
export interface ErasureScope {
  readonly customer_id: string;
  readonly log_id: number | null;
  readonly before: Date;
}

/**
 * Erasing and storing exclude each other: whoever stores rows holds this in share, whoever registers an erasure alone. So what is
 * stored before an erasure is seen by it, and what is stored after has seen it.
 */
export const LOCK_ERASURES = {
  shared: "SELECT pg_advisory_xact_lock_shared(hashtext('vlaapi.erasures'))",
  alone: "SELECT pg_advisory_xact_lock(hashtext('vlaapi.erasures'))",
} as const;

export interface Admitted {
  readonly batch: ShippedBatch;
  /** Inferences that an erasure covers: not stored, and never will be. */
  readonly erased: number;
}

/**
 * The batch without what erasures cover, in the transaction that stores it. What a journal still holds, or holds again, does not
 * come back that way, however late it is shipped.
 */
export async function withoutErased(client: PoolClient, batch: ShippedBatch): Promise<Admitted> {
  const customers = new Set<string>();
  for (const rows of [batch.sessions, batch.episodes, batch.inferences, batch.incidents, batch.failures])
    for (const { customer_id } of rows) customers.add(customer_id);
  if (customers.size === 0) return { batch, erased: 0 };
  let [first, last] = [Number.MAX_SAFE_INTEGER, 0];
  for (const rows of [batch.inferences, batch.incidents])
    for (const { log_id } of rows) {
      if (log_id === null) continue;
      first = Math.min(first, log_id);
      last = Math.max(last, log_id);
    }
  await client.query(LOCK_ERASURES.shared);
  // Those between the batch's first and last, of which few are not its own: a list of thousands would be read on both sides.
  const { rows } = await client.query<ErasureScope>(
    `SELECT customer_id, log_id, before FROM vlaapi.erasures
     WHERE customer_id = ANY ($1::uuid[]) AND (log_id IS NULL OR log_id BETWEEN $2::bigint AND $3::bigint)`,
    [[...customers], first, last],
  );
  return rows.length === 0 ? { batch, erased: 0 } : admitted(batch, rows);
}

function admitted(batch: ShippedBatch, erasures: readonly ErasureScope[]): Admitted {
  const whole = (customerId: string, iso: string): boolean =>
    erasures.some((each) => each.log_id === null && reaches(each, customerId, iso));
  const covers = (row: { customer_id: string; log_id: number | null }, iso: string): boolean =>
    erasures.some((each) => (each.log_id ?? row.log_id) === row.log_id && reaches(each, row.customer_id, iso));
  const inferences = batch.inferences.filter((row) => !covers(row, row.timestamp));
  return {
    erased: batch.inferences.length - inferences.length,
    batch: {
      ...batch,
      inferences,
      failures: batch.failures.filter((row) => !whole(row.customer_id, row.timestamp)),
      sessions: batch.sessions.map((row) =>
        whole(row.customer_id, row.opened_at) ? { ...row, limits: null, environment: null, client: null } : row,
      ),
      episodes: batch.episodes.map((row) =>
        whole(row.customer_id, row.started_at) ? { ...row, instruction: '' } : row,
      ),
      incidents: batch.incidents.map((row) =>
        covers(row, row.opened_at)
          ? { ...row, instruction: null, proposed_action: null, sent_action: null, log_id: null, log_timestamp: null }
          : row,
      ),
    },
  };
}

const reaches = ({ customer_id, before }: ErasureScope, customerId: string, iso: string): boolean =>
  customer_id === customerId && Date.parse(iso) <= before.getTime();
