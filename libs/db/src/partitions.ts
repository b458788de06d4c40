import type { Pool } from 'pg';

const MONTHS_AHEAD = 3;

/** Makes the monthly partitions of `inference_logs` from the current month to three months ahead; answers the new ones. */
export async function makePartitions(pool: Pool, now: Date): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>('SELECT name FROM vlaapi.make_partitions($1, $2) AS name', [
    now,
    MONTHS_AHEAD,
  ]);
  return rows.map((row) => row.name);
}

/** Rows that no monthly partition takes. More than none is a reason to look. */
export async function strayRows(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ n: number }>('SELECT count(*) AS n FROM vlaapi.inference_logs_default');
  return rows[0]?.n ?? 0;
}
