import type { Pool, PoolClient } from 'pg';

/** A statement inside failed and was swallowed: nothing of the transaction was kept. */
export class TransactionAborted extends Error {
  override readonly name = 'TransactionAborted';
  constructor() {
    super('a statement of the transaction failed, so nothing of it was committed');
  }
}

/** Runs `work` in one transaction: committed when it resolves, rolled back when it throws. */
export function inTransaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  return transaction(pool, 'BEGIN', work);
}

async function transaction<T>(pool: Pool, begin: string, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  // While checked out the pool does not listen: a connection that breaks between two queries would end the process.
  const ignore = () => undefined;
  client.on('error', ignore);
  let broken: unknown;
  try {
    await client.query(begin);
    const result = await work(client);
    // Where `work` swallowed a failed statement, PostgreSQL answers COMMIT with ROLLBACK and no error.
    const { command } = await client.query('COMMIT');
    if (command !== 'COMMIT') throw new TransactionAborted();
    return result;
  } catch (error) {
    // Who did not answer that will not answer this either: whoever waits has waited long enough.
    if (isUnanswered(error)) broken = error;
    else {
      await client.query('ROLLBACK').catch((failure: unknown) => {
        broken = failure;
      });
    }
    throw error;
  } finally {
    client.off('error', ignore);
    client.release(broken === undefined ? undefined : true);
  }
}

/** The driver's, of a query that took longer than the pool allows. */
const isUnanswered = (error: unknown): boolean =>
  error instanceof Error && (error.message === 'Query read timeout' || isUnanswered(error.cause));

/** Of one transaction only. */
export interface TransactionSettings {
  readonly statement_timeout?: `${number}s`;
  readonly synchronous_commit?: 'on';
  /** For a named statement over the partitions: planning it for each value takes longer than running it. */
  readonly plan_cache_mode?: 'force_generic_plan';
}

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/**
 * Runs `work` as the role that sees one customer's rows only, whatever the SQL in it forgets. Every query made for a
 * customer goes through here, and names the customer in its WHERE as well.
 */
export function withCustomer<T>(
  pool: Pool,
  customerId: string,
  work: (client: PoolClient) => Promise<T>,
  settings: TransactionSettings = {},
): Promise<T> {
  if (!UUID.test(customerId)) return Promise.reject(new TypeError('the customer is no UUID'));
  const all = { role: 'sinew_api', 'sinew.customer_id': customerId, ...settings };
  const set = Object.entries(all).map(([name, value]) => `set_config('${name}', '${value}', true)`);
  // In one way there and back: each would cost a customer's request as much as its query.
  return transaction(pool, `BEGIN; SELECT ${set.join(', ')}`, work);
}
