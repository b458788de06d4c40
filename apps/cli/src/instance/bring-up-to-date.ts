import { type RestoredAccounts, restoreAccounts } from '@sinew/accounts';
import { migrate } from '@sinew/db';
import { clearCheckpoint } from '@sinew/journal';
import type { Pool } from './open-database.js';
import { journalFolder } from './shipped.js';

/**
 * The newest schema in an embedded database. One that was lost (deleted, or its files set aside as broken) comes back from
 * the journals: accounts at once, which are answered then; inferences by the next shipper, which begins anew. Killed at any
 * point, the next start does the rest.
 */
export async function bringUpToDate(pool: Pool, dataDir: string): Promise<RestoredAccounts | null> {
  if (!(await isTrue(pool, `to_regclass('vlaapi.customers') IS NOT NULL`)))
    await clearCheckpoint(journalFolder(dataDir));
  await migrate(pool);
  if (await isTrue(pool, 'EXISTS (SELECT FROM vlaapi.customers)')) return null;
  const restored = await restoreAccounts(pool, dataDir);
  return restored.customers > 0 || restored.faults.length + restored.refused > 0 ? restored : null;
}

async function isTrue(pool: Pool, condition: string): Promise<boolean> {
  const { rows } = await pool.query<{ is: boolean }>(`SELECT ${condition} AS is`);
  return rows[0]?.is === true;
}
