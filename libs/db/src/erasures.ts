import type { Pool, PoolClient } from 'pg';
import { type ErasedRows, eraseTables } from './erase-tables.js';
import { type ErasureScope, LOCK_ERASURES } from './erasure-filter.js';
import { inTransaction } from './transaction.js';

export interface ErasureRow extends ErasureScope {
  readonly erasure_id: string;
  /** The key that asked. */
  readonly requested_by: string | null;
  readonly requested_at: Date;
  readonly finished_at: Date | null;
  /** What became of it; complete when it is finished. */
  readonly report: Readonly<Record<string, unknown>> | null;
}

export interface ErasurePart {
  readonly part: string;
  readonly counts: Readonly<Record<string, unknown>>;
  readonly trouble: string | null;
  readonly done_at: Date | null;
}

export interface JournalPlace {
  readonly journal_id: string;
  readonly node: number;
  readonly has_shipper: boolean;
  readonly last_seen_at: Date;
}

export const TABLES_PART = 'tables';
export const journalPart = (journalId: string): string => `journal:${journalId}`;
export const shipperPart = (journalId: string): string => `shipper:${journalId}`;

export type Erasures = ReturnType<typeof erasures>;

const COLUMNS = 'erasure_id, customer_id, log_id, before, requested_by, requested_at, finished_at, report';

/** Requests to erase, and who has done which part of them. Whose they are is the caller's matter. */
export function erasures(pool: Pool) {
  return {
    /** From when this resolves nothing that it covers is stored any more. The same erasure twice is one. */
    register(row: Omit<ErasureRow, 'finished_at' | 'report'>): Promise<void> {
      return inTransaction(pool, async (client) => {
        await client.query(LOCK_ERASURES.alone);
        await client.query(
          `INSERT INTO vlaapi.erasures (erasure_id, customer_id, log_id, before, requested_by, requested_at)
           VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (erasure_id) DO NOTHING`,
          [row.erasure_id, row.customer_id, row.log_id, row.before, row.requested_by, row.requested_at],
        );
      });
    },

    async find(erasureId: string): Promise<ErasureRow | null> {
      const { rows } = await pool.query<ErasureRow>(`SELECT ${COLUMNS} FROM vlaapi.erasures WHERE erasure_id = $1`, [
        erasureId,
      ]);
      return rows[0] ?? null;
    },

    /** The erasure of one inference, where its customer asked for it before. */
    async ofLog(customerId: string, logId: number): Promise<ErasureRow | null> {
      const { rows } = await pool.query<ErasureRow>(
        `SELECT ${COLUMNS} FROM vlaapi.erasures WHERE customer_id = $1 AND log_id = $2 ORDER BY requested_at LIMIT 1`,
        [customerId, logId],
      );
      return rows[0] ?? null;
    },

    /** What this part is still to be done of, oldest first. Also of finished ones: a journal may be new to the installation. */
    async toDo(part: string): Promise<ErasureRow[]> {
      const { rows } = await pool.query<ErasureRow>(
        `SELECT ${COLUMNS} FROM vlaapi.erasures e
         WHERE NOT EXISTS (SELECT FROM vlaapi.erasure_parts p
                           WHERE p.erasure_id = e.erasure_id AND p.part = $1 AND p.done_at IS NOT NULL)
         ORDER BY requested_at, erasure_id`,
        [part],
      );
      return rows;
    },

    async unfinished(): Promise<ErasureRow[]> {
      const { rows } = await pool.query<ErasureRow>(
        `SELECT ${COLUMNS} FROM vlaapi.erasures WHERE finished_at IS NULL ORDER BY requested_at, erasure_id`,
      );
      return rows;
    },

    async parts(erasureId: string): Promise<ErasurePart[]> {
      const { rows } = await pool.query<ErasurePart>(
        `SELECT part, counts, trouble, done_at FROM vlaapi.erasure_parts WHERE erasure_id = $1 ORDER BY part`,
        [erasureId],
      );
      return rows;
    },

    async journals(): Promise<JournalPlace[]> {
      const { rows } = await pool.query<JournalPlace>(
        'SELECT journal_id, node, has_shipper, last_seen_at FROM vlaapi.journals ORDER BY node, journal_id',
      );
      return rows;
    },

    /** A gateway, or its shipper, says that there is a journal. */
    async sawJournal(journalId: string, node: number, shipper: boolean): Promise<void> {
      await pool.query(
        `INSERT INTO vlaapi.journals AS j (journal_id, node, has_shipper) VALUES ($1, $2, $3)
         ON CONFLICT (journal_id) DO UPDATE SET
           node = excluded.node, has_shipper = j.has_shipper OR excluded.has_shipper, last_seen_at = now()`,
        [journalId, node, shipper],
      );
    },

    /** `counts` replace those of before; null leaves them. What is done stays done. */
    async report(
      erasureId: string,
      part: string,
      { counts, trouble = null, done }: { counts: object | null; trouble?: string | null; done: boolean },
    ): Promise<void> {
      await pool.query(
        `INSERT INTO vlaapi.erasure_parts AS p (erasure_id, part, counts, trouble, done_at)
         VALUES ($1, $2, coalesce($3::jsonb, '{}'), $4, CASE WHEN $5 THEN now() END)
         ON CONFLICT (erasure_id, part) DO UPDATE SET
           counts = coalesce($3::jsonb, p.counts), trouble = excluded.trouble,
           done_at = coalesce(p.done_at, excluded.done_at)`,
        [erasureId, part, counts === null ? null : JSON.stringify(counts), trouble, done],
      );
    },

    /** One pass over the tables. Its counts add up over passes, and over processes that died in one. */
    async eraseTables(erasure: ErasureRow): Promise<void> {
      await eraseTables(pool, erasure, (client, { table, what, rows }) =>
        addCount(client, erasure.erasure_id, what, table, rows),
      );
    },

    /** False where it was finished before: then that report stands. */
    async finish(erasureId: string, finishedAt: Date, report: object): Promise<boolean> {
      const { rowCount } = await pool.query(
        `UPDATE vlaapi.erasures SET finished_at = $2, report = $3::jsonb WHERE erasure_id = $1 AND finished_at IS NULL`,
        [erasureId, finishedAt, JSON.stringify(report)],
      );
      return (rowCount ?? 0) > 0;
    },
  };
}

async function addCount(
  client: Pick<PoolClient, 'query'>,
  erasureId: string,
  what: keyof ErasedRows,
  table: string,
  rows: number,
): Promise<void> {
  await client.query(
    `INSERT INTO vlaapi.erasure_parts AS p (erasure_id, part, counts)
     VALUES ($1, '${TABLES_PART}', jsonb_build_object($2::text, jsonb_build_object($3::text, $4::bigint)))
     ON CONFLICT (erasure_id, part) DO UPDATE SET counts = p.counts || jsonb_build_object($2::text,
       coalesce(p.counts -> $2::text, '{}') || jsonb_build_object($3::text,
         coalesce((p.counts -> $2::text ->> $3::text)::bigint, 0) + $4::bigint))`,
    [erasureId, what, table, rows],
  );
}
