import type { Pool } from 'pg';
import { inTransaction } from './transaction.js';

export type GatewayNodes = ReturnType<typeof gatewayNodes>;

/** Leases of the node numbers 0…63 that are part of every log_id. All times are the database's own. */
export function gatewayNodes(pool: Pool) {
  return {
    /** The lowest number that is free, held for `forMs` from now; null where all 64 are taken. */
    take(holder: string, forMs: number): Promise<number | null> {
      return inTransaction(pool, async (client) => {
        await client.query("SELECT pg_advisory_xact_lock(hashtext('vlaapi.gateway_nodes'))");
        const { rows } = await client.query<{ node: number }>(
          `INSERT INTO vlaapi.gateway_nodes AS held (node, holder, renewed_at, free_from)
           SELECT n, $1, clock_timestamp(), clock_timestamp() + $2 * interval '1 ms'
           FROM generate_series(0, 63) AS n LEFT JOIN vlaapi.gateway_nodes AS taken ON taken.node = n
           WHERE taken.node IS NULL OR taken.free_from <= clock_timestamp()
           ORDER BY n LIMIT 1
           ON CONFLICT (node) DO UPDATE SET
             holder = excluded.holder, renewed_at = excluded.renewed_at, free_from = excluded.free_from
           RETURNING node`,
          [holder, forMs],
        );
        return rows[0]?.node ?? null;
      });
    },

    /** False where the number is not this holder's any more. */
    async renew(node: number, holder: string, forMs: number): Promise<boolean> {
      const { rowCount } = await pool.query(
        `UPDATE vlaapi.gateway_nodes SET renewed_at = clock_timestamp(), free_from = clock_timestamp() + $3 * interval '1 ms'
         WHERE node = $1 AND holder = $2`,
        [node, holder, forMs],
      );
      return rowCount === 1;
    },

    /** Gives it back: free for others after `afterMs`, by which the clocks of two gateways may differ. */
    async release(node: number, holder: string, afterMs: number): Promise<void> {
      await pool.query(
        `UPDATE vlaapi.gateway_nodes SET free_from = clock_timestamp() + $3 * interval '1 ms' WHERE node = $1 AND holder = $2`,
        [node, holder, afterMs],
      );
    },
  };
}
