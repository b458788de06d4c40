import pg from 'pg';

/** log_ids and counts fit a JavaScript number exactly (below 2^53); anything beyond is an error, never a rounded value. */
function exactInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`bigint ${text} does not fit a number`);
  return value;
}

const types = new pg.TypeOverrides();
types.setTypeParser(pg.types.builtins.INT8, exactInteger);

export interface PoolOptions {
  readonly max?: number;
  readonly applicationName?: string;
  /** A query that is not answered for so long fails, and its connection is thrown away: for who answers somebody waiting. */
  readonly queryTimeoutMs?: number;
  /** An idle connection broke (the server went away). The pool replaces it; without a listener it would end the process. */
  readonly onError?: (error: Error) => void;
}

export function createPool(url: string, options: PoolOptions = {}): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: options.max ?? 10,
    application_name: options.applicationName ?? 'sinew',
    // A server that is away refuses at once; this bounds one that hangs, and the wait for a free connection.
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 30_000,
    ...(options.queryTimeoutMs === undefined ? {} : { query_timeout: options.queryTimeoutMs }),
    keepAlive: true,
    types,
  });
  pool.on('error', (error) => options.onError?.(withoutClient(error)));
  return pool;
}

/** The pool hangs the whole client on its errors: pages of a driver's inside in every log line. */
export function withoutClient(error: Error): Error {
  if ('client' in error) delete error.client;
  return error;
}
