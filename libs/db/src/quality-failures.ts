import type { PoolClient } from 'pg';
import type { QualityFailureRow } from './shipping-rows.js';

/** Never changed once stored: a record shipped twice is one row. */
export async function storeQualityFailures(client: PoolClient, rows: readonly QualityFailureRow[]): Promise<void> {
  await client.query(
    `INSERT INTO vlaapi.quality_gate_failures (failure_id, customer_id, session_id, robot_type, field, reason, rule, count,
       "timestamp", source)
     SELECT * FROM jsonb_to_recordset($1::jsonb) AS r(failure_id uuid, customer_id uuid, session_id uuid, robot_type text,
       field text, reason text, rule text, count bigint, "timestamp" timestamptz, source text)
     ON CONFLICT (failure_id) DO NOTHING`,
    [JSON.stringify(rows)],
  );
}
