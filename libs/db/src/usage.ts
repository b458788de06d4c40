import { INFERENCE_MICRO_DOLLARS, isCharged, tierOf } from '@sinew/contracts';
import type { Pool, PoolClient } from 'pg';
import type { InferenceRow } from './shipping-rows.js';
import { withCustomer } from './transaction.js';

/** What a customer used of one model on one day (UTC), at the tier that it had then. */
export interface UsageDay {
  /** `2026-11-06` */
  readonly day: string;
  readonly tier: string;
  readonly model_name: string;
  readonly inferences: number;
  /** Of these, not charged: an error of ours, or a chunk that came to nothing. */
  readonly rejected: number;
  readonly micro_dollars: number;
}

export type Usage = ReturnType<typeof usage>;

export function usage(pool: Pool) {
  return {
    /** One customer's own, oldest first; both days (`2026-11-06`) included. */
    ofCustomer(customerId: string, { from, to }: { from: string; to: string }): Promise<UsageDay[]> {
      return withCustomer(pool, customerId, async (client) => {
        const { rows } = await client.query<UsageDay>(
          `SELECT day::text AS day, tier, model_name, inferences, rejected, micro_dollars FROM vlaapi.usage_days
           WHERE customer_id = $1 AND day BETWEEN $2::date AND $3::date ORDER BY usage_days.day, tier, model_name`,
          [customerId, from, to],
        );
        return rows;
      });
    },

    /** Inferences in the month that begins on this day (`2026-11-01`), of those of these customers that have any. For gateways. */
    async ofMonth(customerIds: readonly string[], month: string): Promise<Map<string, number>> {
      const { rows } = await pool.query<{ customer_id: string; inferences: number }>(
        `SELECT customer_id, sum(inferences)::bigint AS inferences FROM vlaapi.usage_days
         WHERE customer_id = ANY ($1::uuid[]) AND day >= $2::date AND day < $2::date + interval '1 month'
         GROUP BY customer_id`,
        [customerIds, month],
      );
      return new Map(rows.map((row) => [row.customer_id, row.inferences]));
    },
  };
}

interface UsageRow {
  readonly customer_id: string;
  readonly day: string;
  readonly tier: ReturnType<typeof tierOf>;
  readonly model_name: string;
  inferences: number;
  rejected: number;
  micro_dollars: number;
}

/**
 * Adds inferences to their customers' days, in the transaction that stored them: `stored` are those that were new, so that a batch
 * that is sent twice is counted once. The tier is the customer's of this moment, seconds after the inference.
 */
export async function addUsage(client: PoolClient, stored: readonly InferenceRow[]): Promise<void> {
  if (stored.length === 0) return;
  const ids = [...new Set(stored.map((row) => row.customer_id))];
  const { rows: customers } = await client.query<{ customer_id: string; tier: string }>(
    'SELECT customer_id, tier FROM vlaapi.customers WHERE customer_id = ANY ($1::uuid[])',
    [ids],
  );
  const tiers = new Map(customers.map((row) => [row.customer_id, row.tier]));
  const days = new Map<string, UsageRow>();
  let row: UsageRow | undefined;
  for (const { customer_id, timestamp, model_name, status } of stored) {
    // A row's time is ISO 8601 in UTC: its day is written in it. Mostly it is that of the row before.
    const day = timestamp.slice(0, 10);
    if (row?.customer_id !== customer_id || row.day !== day || row.model_name !== model_name) {
      const key = `${customer_id}\n${day}\n${model_name}`;
      row = days.get(key);
      if (row === undefined) {
        const tier = tierOf(tiers.get(customer_id) ?? 'free');
        row = { customer_id, day, tier, model_name, inferences: 0, rejected: 0, micro_dollars: 0 };
        days.set(key, row);
      }
    }
    const { tier } = row;
    row.inferences++;
    if (isCharged(status)) row.micro_dollars += INFERENCE_MICRO_DOLLARS[tier];
    else row.rejected++;
  }
  // In one order, so that two shippers never wait for each other.
  await client.query(
    `INSERT INTO vlaapi.usage_days AS u (customer_id, day, tier, model_name, inferences, rejected, micro_dollars)
     SELECT * FROM jsonb_to_recordset($1::jsonb) AS r(customer_id uuid, day date, tier text, model_name text,
       inferences bigint, rejected bigint, micro_dollars bigint)
     ORDER BY customer_id, day, tier, model_name
     ON CONFLICT (customer_id, day, tier, model_name) DO UPDATE SET
       inferences = u.inferences + excluded.inferences,
       rejected = u.rejected + excluded.rejected,
       micro_dollars = u.micro_dollars + excluded.micro_dollars`,
    [JSON.stringify([...days.values()])],
  );
}
