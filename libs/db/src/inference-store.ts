import type { Pool, PoolClient } from 'pg';
import { BinaryRows, type ColumnType, Unencodable } from './copy/binary-rows.js';
import { copyIn } from './copy/copy-in.js';
import { instructionHash } from './instruction-hash.js';
import type { InferenceRow } from './shipping-rows.js';
import { storableJson } from './storable-json.js';

export interface StoredInferences {
  readonly inserted: readonly InferenceRow[];
  /** log_ids that were not stored because another inference holds their place. */
  readonly conflicts: number[];
}

/** Within a transaction. Idempotent: what stands there already is left alone. `waiting`: the server has all rows, and works alone. */
export type StoreInferences = (
  client: PoolClient,
  rows: readonly InferenceRow[],
  waiting?: () => void,
) => Promise<StoredInferences>;

/** The table's columns, in the order in which they are sent. */
const COLUMNS = {
  log_id: 'bigint',
  timestamp: 'timestamptz',
  request_id: 'uuid',
  customer_id: 'uuid',
  key_id: 'uuid',
  session_id: 'uuid',
  episode: 'integer',
  robot_id: 'text',
  robot_type: 'text',
  model_name: 'text',
  model_version: 'text',
  instruction: 'text',
  instruction_hash: 'text',
  instruction_category: 'text',
  image_shape: 'integer[]',
  observation_seq: 'bigint',
  observation_age_ms: 'double',
  base_tick: 'bigint',
  state: 'double[]',
  action_vector: 'double[]',
  action_magnitude: 'double',
  chunk: 'bytea',
  chunk_steps: 'integer',
  action_dim: 'integer',
  safety_score: 'double',
  safety_flags: 'jsonb',
  inference_latency_ms: 'double',
  queue_wait_ms: 'double',
  decode_ms: 'double',
  gpu_compute_ms: 'double',
  status: 'text',
  error_message: 'text',
} as const satisfies Readonly<Record<string, ColumnType>>;

type Column = keyof typeof COLUMNS;
const ENTRIES = Object.entries(COLUMNS) as [Column, ColumnType][];
const NAMES = ENTRIES.map(([name]) => `"${name}"`).join(', ');
const SQL_TYPES: Readonly<Record<ColumnType, string>> = {
  bigint: 'bigint',
  integer: 'int',
  double: 'float8',
  text: 'text',
  uuid: 'uuid',
  timestamptz: 'timestamptz',
  jsonb: 'jsonb',
  bytea: 'text',
  'integer[]': 'int[]',
  'double[]': 'float8[]',
};

const ONLY_NEW = 'ON CONFLICT DO NOTHING RETURNING log_id, request_id';
const FROM_JSON = `INSERT INTO vlaapi.inference_logs (${NAMES})
  SELECT ${ENTRIES.map(([name, type]) => (type === 'bytea' ? `decode("${name}", 'base64')` : `"${name}"`)).join(', ')}
  FROM jsonb_to_recordset($1::jsonb) AS r(${ENTRIES.map(([name, type]) => `"${name}" ${SQL_TYPES[type]}`).join(', ')})
  ${ONLY_NEW}`;

/** COPY may not write into a table with policies, and cannot skip what stands there: rows wait in a table of the connection's own. */
const STAGE = `CREATE TEMPORARY TABLE IF NOT EXISTS pg_temp.sinew_staged_inferences
  (LIKE vlaapi.inference_logs) ON COMMIT DELETE ROWS; SAVEPOINT before_copy`;
const UNSTAGE = 'ROLLBACK TO SAVEPOINT before_copy';
const COPY = `COPY pg_temp.sinew_staged_inferences (${NAMES}) FROM STDIN (FORMAT binary)`;
const FROM_STAGE = `INSERT INTO vlaapi.inference_logs (${NAMES})
  SELECT ${NAMES} FROM pg_temp.sinew_staged_inferences`;
const NEW_FROM_STAGE = `${FROM_STAGE} ${ONLY_NEW}`;

/** Few enough to keep one statement's JSON small; enough for 48,000 rows/s in the embedded engine. */
export const JSON_ROWS = 1_000;

interface Returned {
  readonly log_id: number;
  readonly request_id: string;
}

/** One statement with the rows as JSON: runs everywhere. */
export const storeAsJson: StoreInferences = async (client, rows, waiting) => {
  const hash = hasher();
  const prepared = rows.map((row) => ({
    ...row,
    instruction_hash: hash(row.instruction),
    chunk: Buffer.from(row.chunk).toString('base64'),
  }));
  const storing = client.query<Returned>(FROM_JSON, [storableJson(prepared)]);
  waiting?.();
  const { rows: returned } = await storing;
  return sorted(client, rows, returned);
};

/** COPY in binary, then an INSERT, once a transaction: for a server that takes it. What COPY cannot hold goes as JSON. */
export const storeByCopy: StoreInferences = async (client, rows, waiting) => {
  await client.query(STAGE);
  try {
    await copyIn(client, COPY, binaryPieces(rows));
  } catch (error) {
    if (!(error instanceof Unencodable)) throw error;
    await client.query(UNSTAGE);
    return storeAsJson(client, rows, waiting);
  }
  await client.query('SAVEPOINT before_insert');
  try {
    const storing = client.query(FROM_STAGE);
    waiting?.();
    await storing;
    return { inserted: rows, conflicts: [] };
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === UNIQUE_VIOLATION)) throw error;
  }
  // Some stand there already, as after a crash. To look for each before it is made, and to tell of each, takes longer than making it.
  await client.query('ROLLBACK TO SAVEPOINT before_insert');
  const { rows: returned } = await client.query<Returned>(NEW_FROM_STAGE);
  return sorted(client, rows, returned);
};

/** Whether this server takes COPY from this user: the embedded one does not. */
export async function takesCopy(pool: Pool): Promise<boolean> {
  const { rows } = await pool.query<{ may: boolean }>(
    "SELECT has_database_privilege(current_database(), 'TEMPORARY') AS may",
  );
  if (rows[0]?.may !== true) return false;
  try {
    await pool.query('COPY (SELECT 1) TO STDOUT');
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === FEATURE_NOT_SUPPORTED) return false;
    throw error;
  }
}

const FEATURE_NOT_SUPPORTED = '0A000';
const UNIQUE_VIOLATION = '23505';

/** Some 100 KB: large enough for one system call, small enough that the server begins early. */
const PIECE_ROWS = 100;

function* binaryPieces(rows: readonly InferenceRow[]): Generator<Buffer> {
  const hash = hasher();
  const bytes = new BinaryRows();
  for (const [i, row] of rows.entries()) {
    if (i > 0 && i % PIECE_ROWS === 0) yield bytes.borrow();
    bytes.row(ENTRIES.length);
    for (const [name, type] of ENTRIES) {
      bytes.column(type, name === 'instruction_hash' ? hash(row.instruction) : row[name]);
    }
  }
  bytes.end();
  yield bytes.borrow();
}

/** Few robots say many different things: one hash an instruction, not one a row. */
function hasher(): (instruction: string) => string {
  const known = new Map<string, string>();
  return (instruction) => {
    let hash = known.get(instruction);
    if (hash === undefined) {
      hash = instructionHash(instruction);
      known.set(instruction, hash);
    }
    return hash;
  };
}

async function sorted(
  client: PoolClient,
  rows: readonly InferenceRow[],
  returned: readonly Returned[],
): Promise<StoredInferences> {
  if (returned.length === rows.length) return { inserted: rows, conflicts: [] };
  const keys = new Set(returned.map((row) => `${row.log_id}/${row.request_id}`));
  const inserted = rows.filter((row) => keys.has(`${row.log_id}/${row.request_id.toLowerCase()}`));
  // Not inserted is either "stood there already" (sent twice) or "another row has its log_id, or its request_id and time".
  const { rows: missing } = await client.query<{ log_id: number }>(
    `SELECT r.log_id FROM jsonb_to_recordset($1::jsonb) AS r(log_id bigint, "timestamp" timestamptz, request_id uuid)
     WHERE NOT EXISTS (SELECT FROM vlaapi.inference_logs l
                       WHERE l.log_id = r.log_id AND l."timestamp" = r."timestamp" AND l.request_id = r.request_id)
     ORDER BY r.log_id`,
    [storableJson(rows.map(({ log_id, timestamp, request_id }) => ({ log_id, timestamp, request_id })))],
  );
  return { inserted, conflicts: missing.map((row) => row.log_id) };
}
