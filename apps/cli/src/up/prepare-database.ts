import { AccountAdministration, commandRecord } from '@sinew/accounts';
import { readDemoKey, writeDemoKey } from '@sinew/config';
import { accounts, createPool, hashKey, migrate, ROBOT_SCOPES } from '@sinew/db';
import { Failure } from '../failure.js';
import { bringUpToDate } from '../instance/bring-up-to-date.js';
import { REBUILD_ADVICE } from '../instance/embedded-database.js';
import { checkDatabase, type Pool } from '../instance/open-database.js';

const DEMO_CUSTOMER = 'demo';

/**
 * The newest schema and, in an embedded database, a customer and a key to begin with. Answers the demo key, or null on a
 * database of the user's own, where keys are theirs to make.
 */
export async function prepareDatabase(
  databaseUrl: string,
  { dataDir, embedded }: { readonly dataDir: string; readonly embedded: boolean },
  say: (text: string) => void,
): Promise<string | null> {
  const pool = createPool(databaseUrl, { max: 1, applicationName: 'sinew up' });
  try {
    await checkDatabase(pool, embedded ? 'running' : 'configured');
    const restored = await (embedded ? bringUpToDate(pool, dataDir) : migrate(pool).then(() => null)).catch(
      schemaFailure(embedded),
    );
    if (restored !== null) {
      const { customers, keys, faults } = restored;
      say(
        `the database was lost: ${customers} customers and ${keys} keys are restored, inferences follow from the journal`,
      );
      if (faults.length > 0)
        say(`the journal of accounts is damaged in ${faults.length} places: compare sinew keys list`);
    }
    return embedded ? await demoKey(pool, dataDir) : null;
  } finally {
    await pool.end();
  }
}

const schemaFailure =
  (embedded: boolean) =>
  (error: unknown): never => {
    throw new Failure(
      `the schema cannot be brought up to date: ${error instanceof Error ? error.message : String(error)}`,
      [embedded ? REBUILD_ADVICE : 'DATABASE_URL must allow it, with pgvector there'],
    );
  };

/** The one in demo.key while it works; else a new one: the database folder may have been deleted, the key revoked. */
async function demoKey(pool: Pool, dataDir: string): Promise<string> {
  const kept = readDemoKey(dataDir);
  if (kept !== null) {
    const known = await accounts(pool).findKeyByHash(hashKey(kept));
    const works = known !== null && known.revoked_at === null && known.customer_active;
    // Earlier versions made it without the scope for feedback.
    if (works && ROBOT_SCOPES.every((scope) => known.scopes.includes(scope))) return kept;
  }
  const administration = new AccountAdministration(pool, commandRecord(dataDir));
  // Whoever reads demo.key owns the data folder, and with it everything in it.
  const rank = { tier: 'enterprise', is_operator: true } as const;
  const found = await administration.customerNamed(DEMO_CUSTOMER, rank);
  // `sinew keys create` may have made it before.
  const customer = found.is_operator ? found : await administration.updateCustomer(found.customer_id, rank);
  if (customer === null) throw new Failure(`the customer ${DEMO_CUSTOMER} was just deleted`, ['start again']);
  const { key } = await administration.createKey(customer, {
    name: 'demo',
    scopes: ROBOT_SCOPES,
    expires_at: null,
  });
  writeDemoKey(dataDir, key);
  return key;
}
