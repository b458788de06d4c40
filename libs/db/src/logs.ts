import { desc } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import type { Pool } from 'pg';
import { inferenceLogs } from './schema.js';

export type InferenceLog = typeof inferenceLogs.$inferSelect;

export type Logs = ReturnType<typeof logs>;

/** One row an inference. */
export function logs(pool: Pool) {
  return {
    /** The newest `count` rows of all customers, newest first. For operators. */
    last(count: number): Promise<InferenceLog[]> {
      return (
        drizzle(pool)
          .select()
          .from(inferenceLogs)
          // By time first: partitions are ordered by it, so only the newest are read.
          .orderBy(desc(inferenceLogs.timestamp), desc(inferenceLogs.log_id))
          .limit(count)
      );
    },
  };
}
