import type { FeedbackEntry, FeedbackFilter, FeedbackStats, FeedbackType } from '@sinew/contracts';
import type { Pool } from 'pg';
import { withCustomer } from './transaction.js';

/** What the database knows of the log that feedback is about. */
export interface FeedbackLog {
  /** The chunk's first entry; empty where the policy gave none. */
  readonly action: readonly number[];
  readonly model_name: string;
}

/** What has to be known before a report is stored. */
export interface FeedbackGround {
  /** Null where it is not in the database, or another customer's. */
  readonly log: FeedbackLog | null;
  /** For the row, where the log was found: it is recorded elsewhere before it is stored. One that is not used leaves a gap. */
  readonly feedback_id: number | null;
  /** The row that came with the same key before; then nothing else was looked for. */
  readonly earlier: FeedbackRow | null;
}

/** A report as it is stored: the columns that its sender determines. */
export interface FeedbackRow {
  readonly feedback_id: number;
  readonly customer_id: string;
  readonly key_id: string;
  readonly log_id: number;
  readonly log_timestamp: Date;
  readonly feedback_type: FeedbackType;
  readonly rating: number | null;
  readonly corrected_action: readonly number[] | null;
  readonly original_action: readonly number[] | null;
  readonly correction_delta: readonly number[] | null;
  readonly correction_magnitude: number | null;
  readonly failure_reason: string | null;
  readonly notes: string | null;
  readonly timestamp: Date;
  readonly idempotency_key: string | null;
}

const COLUMNS = [
  'feedback_id',
  'customer_id',
  'key_id',
  'log_id',
  'log_timestamp',
  'feedback_type',
  'rating',
  'corrected_action',
  'original_action',
  'correction_delta',
  'correction_magnitude',
  'failure_reason',
  'notes',
  '"timestamp"',
  'idempotency_key',
] as const;

/** Reasons that the statistics name. */
const TOP_REASONS = 10;

export type Feedback = ReturnType<typeof feedback>;

/** What one customer reported. */
export function feedback(pool: Pool) {
  return {
    async find(
      customerId: string,
      about: { readonly log_id: number; readonly timestamp: Date },
      idempotencyKey: string | null,
    ): Promise<FeedbackGround> {
      const { rows } = await pool.query<Found>({
        name: 'feedback_ground',
        text: GROUND,
        values: [customerId, idempotencyKey, about.log_id, about.timestamp],
      });
      const [row] = rows;
      if (row === undefined) throw new Error('the look-up answered no row');
      const { action, model_name, next_id, ...earlier } = row;
      if (earlier.feedback_id !== null) return { log: null, feedback_id: null, earlier };
      const log = action === null || model_name === null ? null : { action, model_name };
      return { log, feedback_id: next_id, earlier: null };
    },

    /** For the row of a log that was found elsewhere. */
    async nextId(): Promise<number> {
      const { rows } = await pool.query<{ feedback_id: number }>(
        "SELECT nextval('vlaapi.feedback_feedback_id_seq') AS feedback_id",
      );
      const [row] = rows;
      if (row === undefined) throw new Error('the sequence answered no row');
      return row.feedback_id;
    },

    /**
     * Stores the row, committed to disk when this resolves; answers what stands there: this row, or the one that came with
     * the same key before. Where it rejects, the row may stand there or not: storing it again stores it once.
     */
    async store(row: FeedbackRow): Promise<FeedbackRow> {
      const { rows } = await pool.query<FeedbackRow>({
        name: 'feedback_store',
        text: STORE,
        values: [JSON.stringify(row)],
      });
      const [stored] = rows;
      if (stored === undefined || !isSame(stored, row))
        throw new Error(`number ${row.feedback_id} is another report's`);
      return stored;
    },

    /** One page, newest first. */
    list(
      customerId: string,
      filter: FeedbackFilter,
      page: { readonly page: number; readonly per_page: number },
    ): Promise<{ readonly entries: FeedbackEntry[]; readonly total: number }> {
      return withCustomer(pool, customerId, async (client) => {
        const { where, values } = condition(customerId, filter);
        const counted = await client.query<{ n: number }>(
          `SELECT count(*) AS n FROM vlaapi.feedback WHERE ${where}`,
          values,
        );
        const { rows } = await client.query<Omit<FeedbackEntry, 'timestamp'> & { timestamp: Date }>(
          `SELECT feedback_id, log_id, feedback_type, customer_id, "timestamp", rating, corrected_action, original_action,
             correction_delta, correction_magnitude, failure_reason, notes
           FROM vlaapi.feedback WHERE ${where} ORDER BY "timestamp" DESC, feedback_id DESC
           LIMIT $5 OFFSET $6`,
          [...values, page.per_page, (page.page - 1) * page.per_page],
        );
        const entries = rows.map((row) => ({ ...row, timestamp: row.timestamp.toISOString() }));
        return { entries, total: counted.rows[0]?.n ?? 0 };
      });
    },

    /** `now`: where a period without an end ends. */
    statistics(customerId: string, filter: FeedbackFilter, now: Date): Promise<FeedbackStats> {
      return withCustomer(pool, customerId, async (client) => {
        const { where, values } = condition(customerId, filter);
        const counts = (await client.query<Counts>(`${COUNTS} WHERE ${where}`, values)).rows[0];
        if (counts === undefined) throw new Error('the count answered no row');
        const { rows: reasons } = await client.query<{ reason: string; count: number }>(
          `SELECT failure_reason AS reason, count(*) AS count FROM vlaapi.feedback
           WHERE ${where} AND failure_reason IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ${TOP_REASONS}`,
          values,
        );
        const inferences = await client.query<{ n: number; since: Date | null }>(
          `SELECT count(*) AS n, (SELECT created_at FROM vlaapi.customers WHERE customer_id = $1) AS since
           FROM vlaapi.inference_logs
           WHERE customer_id = $1 AND ($2::timestamptz IS NULL OR "timestamp" >= $2)
             AND ($3::timestamptz IS NULL OR "timestamp" < $3)`,
          [customerId, filter.start, filter.end],
        );
        const { n: used, since } = inferences.rows[0] ?? { n: 0, since: null };
        const start = filter.start ?? since ?? now;
        // The last millisecond that belongs to it.
        const end = filter.end === null ? now : new Date(filter.end.getTime() - 1);
        return {
          customer_id: customerId,
          total_feedback_count: counts.total,
          total_inference_count: used,
          feedback_rate: used === 0 ? 0 : Math.min(1, counts.logs / used),
          feedback_by_type: {
            success_rating: counts.successes,
            safety_rating: counts.safeties,
            action_correction: counts.corrections,
            failure_report: counts.failures,
          },
          average_success_rating: counts.average_success,
          average_safety_rating: counts.average_safety,
          correction_count: counts.corrections,
          average_correction_magnitude: counts.average_magnitude,
          failure_count: counts.failures,
          top_failure_reasons: reasons,
          period: { start: start.toISOString(), end: end.toISOString() },
        };
      });
    },
  };
}

type Found = (FeedbackRow | Record<keyof FeedbackRow, null>) & {
  readonly action: number[] | null;
  readonly model_name: string | null;
  readonly next_id: number | null;
};

// Both take the customer's role themselves (drizzle/0015): a transaction from here would be three ways there and back.
const GROUND = `
SELECT ${COLUMNS.map((column) => `(g.earlier).${column}`).join(', ')}, g.action, g.model AS model_name, g.next_id
FROM vlaapi.feedback_ground($1, $2, $3, $4) AS g`;
const STORE = `SELECT ${COLUMNS.join(', ')} FROM vlaapi.feedback_store($1::jsonb)`;

/** What came with its key before, or this very row. */
const isSame = (stored: FeedbackRow, row: FeedbackRow): boolean =>
  stored.feedback_id !== row.feedback_id
    ? stored.idempotency_key === row.idempotency_key
    : stored.log_id === row.log_id && stored.timestamp.getTime() === row.timestamp.getTime();

interface Counts {
  readonly total: number;
  readonly logs: number;
  readonly successes: number;
  readonly safeties: number;
  readonly corrections: number;
  readonly failures: number;
  readonly average_success: number | null;
  readonly average_safety: number | null;
  readonly average_magnitude: number | null;
}

const COUNTS = `SELECT count(*) AS total, count(DISTINCT log_id) AS logs,
  count(*) FILTER (WHERE feedback_type = 'success_rating') AS successes,
  count(*) FILTER (WHERE feedback_type = 'safety_rating') AS safeties,
  count(*) FILTER (WHERE feedback_type = 'action_correction') AS corrections,
  count(*) FILTER (WHERE feedback_type = 'failure_report') AS failures,
  avg(rating) FILTER (WHERE feedback_type = 'success_rating')::float8 AS average_success,
  avg(rating) FILTER (WHERE feedback_type = 'safety_rating')::float8 AS average_safety,
  avg(correction_magnitude) AS average_magnitude
FROM vlaapi.feedback`;

/** The customer's own rows that the filter lets through: $1 to $4. */
function condition(customerId: string, { type, start, end }: FeedbackFilter): { where: string; values: unknown[] } {
  return {
    where: `customer_id = $1 AND ($2::text IS NULL OR feedback_type = $2)
      AND ($3::timestamptz IS NULL OR "timestamp" >= $3) AND ($4::timestamptz IS NULL OR "timestamp" < $4)`,
    values: [customerId, type, start, end],
  };
}
