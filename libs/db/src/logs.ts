import { and, desc, eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import type { Pool } from 'pg';
import { inferenceLogs } from './schema.js';
import { withCustomer } from './transaction.js';

export type InferenceLog = typeof inferenceLogs.$inferSelect;

export interface LogFilter {
  readonly session_id?: string;
  readonly robot_id?: string;
}

export type Logs = ReturnType<typeof logs>;

/** One row an inference. */
export function logs(pool: Pool) {
  return {
    /** The newest `count` rows of all customers, newest first. For operators. */
    last(count: number, filter: LogFilter = {}): Promise<InferenceLog[]> {
      return newest(pool, count, conditions(filter));
    },

    /** The newest `count` rows of one customer, newest first. */
    lastOf(customerId: string, count: number, filter: LogFilter = {}): Promise<InferenceLog[]> {
      const where = and(eq(inferenceLogs.customer_id, customerId), conditions(filter));
      return withCustomer(pool, customerId, (client) => newest(client, count, where));
    },
  };
}

function conditions(filter: LogFilter) {
  return and(
    filter.session_id === undefined ? undefined : eq(inferenceLogs.session_id, filter.session_id),
    filter.robot_id === undefined ? undefined : eq(inferenceLogs.robot_id, filter.robot_id),
  );
}

function newest(
  client: Parameters<typeof drizzle>[0] & object,
  count: number,
  where: ReturnType<typeof conditions>,
): Promise<InferenceLog[]> {
  return (
    drizzle(client as Pool)
      .select()
      .from(inferenceLogs)
      .where(where)
      // By time first: partitions are ordered by it, so only the newest are read.
      .orderBy(desc(inferenceLogs.timestamp), desc(inferenceLogs.log_id))
      .limit(count)
  );
}
