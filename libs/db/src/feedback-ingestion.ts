import type { Pool } from 'pg';
import { lockInstructions, recomputeTotals } from './instruction-statistics.js';
import { inTransaction } from './transaction.js';

/** Rows a transaction. */
const PAGE = 1_000;
/** A log that has not come for so long does not come any more: it was refused, or erased. */
const LONGEST_WAIT = '7 days';

export interface Ingested {
  /** Rows that became part of the statistics now. */
  readonly processed: number;
  /** Rows whose log is not in the database yet: they wait for the next sweep. */
  readonly waiting: number;
}

export type FeedbackIngestion = ReturnType<typeof feedbackIngestion>;

/** What follows a stored report. Our own processes' view: every customer. */
export function feedbackIngestion(pool: Pool) {
  return {
    /**
     * Completes the rows from their logs and brings the ratings into the statistics of their instructions. A row is taken
     * once, however often it is asked for.
     */
    process(feedbackIds: readonly number[]): Promise<Ingested> {
      return inTransaction(pool, async (client) => {
        // Before anything is read: who recomputes an hour marks the same rows.
        await lockInstructions(client);
        const { rows } = await client.query<{ instruction_hash: string; feedback_type: string }>(COMPLETE, [
          feedbackIds,
        ]);
        const rated = rows.filter((row) => row.feedback_type === 'success_rating');
        await recomputeTotals(client, [...new Set(rated.map((row) => row.instruction_hash))]);
        const { rows: left } = await client.query<{ n: number }>(
          'SELECT count(*) AS n FROM vlaapi.feedback WHERE feedback_id = ANY ($1) AND processed_at IS NULL',
          [feedbackIds],
        );
        return { processed: rows.length, waiting: left[0]?.n ?? 0 };
      });
    },

    /** What no job took, because queuing it failed or its log was late; rows above `after`, lowest numbers first. */
    async unprocessed(after: number): Promise<number[]> {
      const { rows } = await pool.query<{ feedback_id: number }>(
        `SELECT feedback_id FROM vlaapi.feedback
         WHERE processed_at IS NULL AND feedback_id > $1 AND "timestamp" > now() - interval '${LONGEST_WAIT}'
         ORDER BY feedback_id LIMIT ${PAGE}`,
        [after],
      );
      return rows.map((row) => row.feedback_id);
    },
  };
}

// A correction that was stored without its log gets its original and delta here.
const COMPLETE = `
UPDATE vlaapi.feedback f SET
  session_id = l.session_id, episode = l.episode, instruction_hash = l.instruction_hash,
  episode_judged = EXISTS (SELECT FROM vlaapi.episodes e
    WHERE e.session_id = l.session_id AND e.episode = l.episode AND e.success IS NOT NULL),
  original_action = CASE WHEN fills THEN l.action_vector ELSE f.original_action END,
  correction_delta = CASE WHEN fills THEN d.delta ELSE f.correction_delta END,
  correction_magnitude = CASE WHEN fills THEN d.magnitude ELSE f.correction_magnitude END,
  processed_at = now()
FROM vlaapi.feedback own
JOIN vlaapi.inference_logs l ON l.log_id = own.log_id AND l."timestamp" = own.log_timestamp
  AND l.customer_id = own.customer_id
CROSS JOIN LATERAL (SELECT own.original_action IS NULL
  AND cardinality(own.corrected_action) = cardinality(l.action_vector)) AS c(fills)
CROSS JOIN LATERAL (SELECT array_agg(new - old ORDER BY i), sqrt(sum((new - old) ^ 2))
  FROM unnest(own.corrected_action, l.action_vector) WITH ORDINALITY AS u(new, old, i) WHERE fills) AS d(delta, magnitude)
WHERE f.feedback_id = own.feedback_id AND own.feedback_id = ANY ($1) AND own.processed_at IS NULL
  AND f.processed_at IS NULL
RETURNING f.instruction_hash, f.feedback_type`;
