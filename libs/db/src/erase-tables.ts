import type { Pool } from 'pg';
import type { ErasureScope } from './erasure-filter.js';
import { instructionHash } from './instruction-hash.js';
import { inTransaction } from './transaction.js';

/** Rows a transaction: others want their turn, and the embedded engine has one at a time. */
const BATCH = 1_000;

interface Step {
  readonly table: string;
  readonly what: 'removed' | 'blanked';
  /** Affects at most `$4` rows; parameters as in `parametersOf`. */
  readonly sql: string;
}

/** Removes whole rows: those whose keys the inner query names. */
const removal = (table: string, key: string, where: string): Step => ({
  table,
  what: 'removed',
  sql: `DELETE FROM vlaapi.${table} WHERE (${key}) IN (SELECT ${key} FROM vlaapi.${table}
        WHERE customer_id = $1 AND ${where} LIMIT $4)`,
});

const blanking = (table: string, key: string, set: string, where: string): Step => ({
  table,
  what: 'blanked',
  sql: `UPDATE vlaapi.${table} SET ${set} WHERE (${key}) IN (SELECT ${key} FROM vlaapi.${table}
        WHERE customer_id = $1 AND ${where} LIMIT $4)`,
});

const INCIDENT_BLANK =
  'instruction = NULL, proposed_action = NULL, sent_action = NULL, log_id = NULL, log_timestamp = NULL';
const INCIDENT_TELLS = `(instruction IS NOT NULL OR proposed_action IS NOT NULL OR sent_action IS NOT NULL OR log_id IS NOT NULL)`;
const NO_LOG = '$3::bigint IS NULL';

/** Everything of a customer that began at `$2` or before. Sessions, episodes and incidents keep their frame. */
const OF_CUSTOMER: readonly Step[] = [
  removal('inference_logs', 'log_id, "timestamp"', `"timestamp" <= $2 AND ${NO_LOG}`),
  removal('context_metadata', 'context_id', `"timestamp" <= $2 AND ${NO_LOG}`),
  removal('feedback', 'feedback_id', `"timestamp" <= $2 AND ${NO_LOG}`),
  removal('quality_gate_failures', 'failure_id', `"timestamp" <= $2 AND ${NO_LOG}`),
  // Sums and the commonest instructions of whole days: those that remain are computed anew from what remains.
  removal(
    'robot_performance_metrics',
    'metric_id',
    `aggregation_date <= ($2::timestamptz AT TIME ZONE 'UTC')::date AND ${NO_LOG}`,
  ),
  blanking(
    'episodes',
    'session_id, episode',
    `instruction = '', instruction_category = 'other', instruction_hash = '${instructionHash('')}'`,
    `started_at <= $2 AND instruction <> '' AND ${NO_LOG}`,
  ),
  blanking(
    'sessions',
    'session_id',
    'limits = NULL, environment = NULL, client = NULL',
    `opened_at <= $2 AND (limits IS NOT NULL OR environment IS NOT NULL OR client IS NOT NULL) AND ${NO_LOG}`,
  ),
  blanking('safety_incidents', 'incident_id', INCIDENT_BLANK, `opened_at <= $2 AND ${INCIDENT_TELLS} AND ${NO_LOG}`),
];

const OF_LOG: readonly Step[] = [
  removal('inference_logs', 'log_id, "timestamp"', '"timestamp" <= $2 AND log_id = $3'),
  removal('context_metadata', 'context_id', '"timestamp" <= $2 AND log_id = $3'),
  removal('feedback', 'feedback_id', '"timestamp" <= $2 AND log_id = $3'),
  blanking('safety_incidents', 'incident_id', INCIDENT_BLANK, `opened_at <= $2 AND log_id = $3 AND ${INCIDENT_TELLS}`),
];

export interface ErasedRows {
  /** Rows that are gone, by table. */
  readonly removed: Readonly<Record<string, number>>;
  /** Rows that stay without what was the customer's. */
  readonly blanked: Readonly<Record<string, number>>;
}

/**
 * Erases from the tables, a batch a transaction; `note` is told each batch in its transaction, so that what a killed process had
 * done is counted. Done again it does the rest. The erasure must be registered before: until then rows could be stored again.
 */
export async function eraseTables(
  pool: Pool,
  { customer_id, log_id, before }: ErasureScope,
  note: (
    client: Pick<Pool, 'query'>,
    step: { table: string; what: 'removed' | 'blanked'; rows: number },
  ) => Promise<void>,
): Promise<void> {
  for (const { table, what, sql } of log_id === null ? OF_CUSTOMER : OF_LOG) {
    for (let rows = BATCH; rows === BATCH; ) {
      rows = await inTransaction(pool, async (client) => {
        const { rowCount } = await client.query(sql, [customer_id, before, log_id, BATCH]);
        const affected = rowCount ?? 0;
        if (affected > 0) await note(client, { table, what, rows: affected });
        return affected;
      });
    }
  }
}
