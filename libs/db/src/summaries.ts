import type { Pool } from 'pg';

/** Brings the materialised views up to date, in one transaction; readers go on with the old rows until it is done. */
export async function refreshSummaries(pool: Pool): Promise<void> {
  await pool.query('SELECT vlaapi.refresh_summaries()');
}
