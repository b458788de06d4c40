import { readDemoKey, writeDemoKey } from '@sinew/config';
import { type Accounts, accounts, createPool, hashKey, migrate } from '@sinew/db';
import { Failure } from '../failure.js';
import { JournaledAccounts } from '../instance/account-journal.js';
import { checkDatabase } from '../instance/open-database.js';

const DEMO_CUSTOMER = 'demo';

/**
 * The newest schema and, in an embedded database, a customer and a key to begin with. Answers the demo key, or null on a
 * database of the user's own, where keys are theirs to make.
 */
export async function prepareDatabase(
  databaseUrl: string,
  { dataDir, embedded }: { readonly dataDir: string; readonly embedded: boolean },
): Promise<string | null> {
  const pool = createPool(databaseUrl, { max: 1, applicationName: 'sinew up' });
  try {
    await checkDatabase(pool, embedded ? 'running' : 'configured');
    await migrate(pool).catch((error: unknown) => {
      throw new Failure(
        `the schema cannot be brought up to date: ${error instanceof Error ? error.message : String(error)}`,
        [
          embedded
            ? 'sinew migrate --rebuild makes the database anew from the journal'
            : 'DATABASE_URL must allow it, with pgvector there',
        ],
      );
    });
    return embedded ? await demoKey(accounts(pool), dataDir) : null;
  } finally {
    await pool.end();
  }
}

/** The one in demo.key while it works; else a new one: the database folder may have been deleted, the key revoked. */
async function demoKey(store: Accounts, dataDir: string): Promise<string> {
  const kept = readDemoKey(dataDir);
  if (kept !== null) {
    const known = await store.findKeyByHash(hashKey(kept));
    if (known !== null && known.revoked_at === null && known.customer_active) return kept;
  }
  const journaled = new JournaledAccounts(store, dataDir);
  const customer = await journaled.customerNamed(DEMO_CUSTOMER);
  const { key } = await journaled.createKey(customer, {
    name: 'demo',
    scopes: ['stream', 'infer'],
    expires_at: null,
  });
  writeDemoKey(dataDir, key);
  return key;
}
