import type { Pool } from 'pg';

const PARENT = 'inference_logs';
const MONTHS_AHEAD = 3;

/**
 * Makes the monthly partitions of `inference_logs` from last month (a journal may still bring its rows) to three months
 * ahead, and of earlier months whose rows are strays; answers the new ones.
 */
export async function makePartitions(pool: Pool, now: Date): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>('SELECT name FROM vlaapi.make_partitions($1, 1, $2) AS name', [
    now,
    MONTHS_AHEAD,
  ]);
  return rows.map((row) => row.name);
}

/**
 * Makes the partitions that rows of these times (ISO 8601) need and nobody made: a journal restored after long holds rows
 * of months before the database was made. Not of months that are not due yet: a row from there has a wrong clock, stays a
 * stray and is alerted on.
 */
export async function makePartitionsFor(pool: Pool, timestamps: readonly string[]): Promise<void> {
  const months = [...new Set(timestamps.map((timestamp) => `${timestamp.slice(0, 7)}-01T00:00:00Z`))];
  if (months.length === 0) return;
  const { rows } = await pool.query<{ month: Date }>(
    `SELECT month FROM unnest($1::timestamptz[]) AS month
     WHERE month < now() + make_interval(months => $2)
       AND to_regclass('vlaapi.inference_logs_' || to_char(month AT TIME ZONE 'UTC', 'YYYY_MM')) IS NULL`,
    [months, MONTHS_AHEAD],
  );
  for (const { month } of rows) await pool.query('SELECT vlaapi.make_partitions($1, 0, 0)', [month]);
}

/** Rows that no monthly partition takes. More than none is a reason to look. */
export async function strayRows(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ n: number }>('SELECT count(*) AS n FROM vlaapi.inference_logs_default');
  return rows[0]?.n ?? 0;
}

/** The monthly partitions there are, oldest first; null where there is no table to have any. */
export async function presentPartitions(pool: Pool): Promise<string[] | null> {
  const { rows } = await pool.query<{ name: string | null }>(
    `SELECT c.relname AS name FROM pg_class p
     LEFT JOIN pg_inherits i ON i.inhparent = p.oid LEFT JOIN pg_class c ON c.oid = i.inhrelid
     WHERE p.oid = to_regclass('vlaapi.inference_logs') ORDER BY 1`,
  );
  if (rows.length === 0) return null;
  return rows.flatMap(({ name }) => (name === null || name === `${PARENT}_default` ? [] : [name]));
}

/** Those of this month (UTC) and the months ahead that are not among the present ones. */
export function missingPartitions(present: readonly string[], now: Date): string[] {
  const due = Array.from({ length: MONTHS_AHEAD + 1 }, (_, ahead) => {
    const month = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + ahead, 1));
    return `${PARENT}_${month.toISOString().slice(0, 7).replace('-', '_')}`;
  });
  return due.filter((name) => !present.includes(name));
}
