import type { Pool } from 'pg';
import { withCustomer } from './transaction.js';

/** Rows a page: a page is a transaction, and what is in memory. A log with its chunk is about 2 KB. */
const PAGE_ROWS = 500;

interface Source {
  /** What a line is called, and its table or `FROM`. */
  readonly kind: string;
  readonly from: string;
  /** SELECT list of the row that goes out. */
  readonly columns: string;
  /** Unique together, and what the pages are ordered by: name and type. */
  readonly key: readonly (readonly [string, string])[];
  /** When a row began; rows that begin while the export runs are left out, so that it ends. */
  readonly time?: string;
}

const KEY_COLUMNS =
  'key_id, customer_id, name, key_prefix, scopes, created_at, expires_at, revoked_at, last_used_at, rotated_from';
const CHUNK = `translate(encode(chunk, 'base64'), E'\\n', '') AS chunk_base64`;

/** Everything that is kept about a customer, in this order. Keys without their hashes. */
const SOURCES: readonly Source[] = [
  source('customer', 'customers', '*', [['customer_id', 'uuid']]),
  source('key', 'api_keys', KEY_COLUMNS, [['key_id', 'uuid']]),
  source('consent', 'customer_data_consent', '*', [['consent_id', 'bigint']]),
  source('consent_change', 'customer_consent_audit', '*', [['audit_id', 'bigint']], 'changed_at'),
  source(
    'session',
    'sessions',
    '*',
    [
      ['opened_at', 'timestamptz'],
      ['session_id', 'uuid'],
    ],
    'opened_at',
  ),
  source(
    'episode',
    'episodes',
    '*',
    [
      ['started_at', 'timestamptz'],
      ['session_id', 'uuid'],
      ['episode', 'integer'],
    ],
    'started_at',
  ),
  source(
    'log',
    'inference_logs',
    `*, ${CHUNK}`,
    [
      ['"timestamp"', 'timestamptz'],
      ['log_id', 'bigint'],
    ],
    '"timestamp"',
  ),
  source(
    'context',
    'context_metadata',
    '*',
    [
      ['"timestamp"', 'timestamptz'],
      ['context_id', 'bigint'],
    ],
    '"timestamp"',
  ),
  source(
    'incident',
    'safety_incidents',
    '*',
    [
      ['opened_at', 'timestamptz'],
      ['incident_id', 'uuid'],
    ],
    'opened_at',
  ),
  source(
    'feedback',
    'feedback',
    '*',
    [
      ['"timestamp"', 'timestamptz'],
      ['feedback_id', 'bigint'],
    ],
    '"timestamp"',
  ),
  source(
    'refusal',
    'quality_gate_failures',
    '*',
    [
      ['"timestamp"', 'timestamptz'],
      ['failure_id', 'uuid'],
    ],
    '"timestamp"',
  ),
  source('robot_performance', 'robot_performance_metrics', '*', [['metric_id', 'bigint']]),
  source('usage', 'usage_days', '*', [
    ['day', 'date'],
    ['tier', 'text'],
    ['model_name', 'text'],
  ]),
  source(
    'erasure',
    'erasures',
    '*',
    [
      ['requested_at', 'timestamptz'],
      ['erasure_id', 'uuid'],
    ],
    'requested_at',
  ),
];

function source(kind: string, from: string, columns: string, key: Source['key'], time?: string): Source {
  return { kind, from, columns, key, ...(time === undefined ? {} : { time }) };
}

export interface ExportedLine {
  readonly kind: string;
  /** JSON of the row, without a line break. */
  readonly row: string;
}

/**
 * Everything in the database about one customer that began before `at`, a page at a time: nothing is read ahead of its reader.
 * Every page is a transaction of its own, so a slow reader holds up nobody; the rows of different pages may be of different
 * moments.
 */
export async function* exportCustomer(
  pool: Pool,
  customerId: string,
  at: Date,
): AsyncGenerator<readonly ExportedLine[], void, undefined> {
  for (const each of SOURCES) yield* pagesOf(pool, customerId, at, each);
}

interface PageRow {
  readonly row: string;
  readonly key: readonly string[];
}

async function* pagesOf(
  pool: Pool,
  customerId: string,
  at: Date,
  { kind, from, columns, key, time }: Source,
): AsyncGenerator<readonly ExportedLine[], void, undefined> {
  const names = key.map(([name]) => name).join(', ');
  const after = key.map(([, type], i) => `$${i + 3}::text::${type}`).join(', ');
  const until = time === undefined ? '$2::timestamptz IS NOT NULL' : `${time} <= $2`;
  const shown = from === 'inference_logs' ? `(to_jsonb(r) - 'chunk')::text` : 'to_json(r)::text';
  let last: readonly string[] | null = null;
  for (;;) {
    // The key as text: a time keeps its microseconds.
    const sql: string = `SELECT ${shown} AS row, ARRAY[${key.map(([name]) => `r.${name}::text`).join(', ')}] AS key
      FROM (SELECT ${columns} FROM vlaapi.${from}
            WHERE customer_id = $1 AND ${until} ${last === null ? '' : `AND (${names}) > (${after})`}
            ORDER BY ${names} LIMIT ${PAGE_ROWS}) AS r
      ORDER BY ${key.map(([name]) => `r.${name}`).join(', ')}`;
    const parameters: unknown[] = [customerId, at, ...(last ?? [])];
    const rows: PageRow[] = await withCustomer(pool, customerId, async (client) => {
      // Otherwise times in the rows, and the keys of the next page, depend on the server.
      await client.query("SET LOCAL timezone = 'UTC'");
      return (await client.query<PageRow>(sql, parameters)).rows;
    });
    if (rows.length > 0) yield rows.map(({ row }) => ({ kind, row }));
    last = rows.at(-1)?.key ?? null;
    if (rows.length < PAGE_ROWS || last === null) return;
  }
}
