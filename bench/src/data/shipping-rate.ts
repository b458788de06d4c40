import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { copyIn, createPool, repositories } from '@sinew/db';
import { JournalReader, JournalWriter, loadCheckpoint, saveCheckpoint } from '@sinew/journal';
import { ReadAhead, SHIP_AT_ONCE, Shipper, ShippingDatabase } from '@sinew/worker';
import type { PoolClient } from 'pg';
import { BenchError, progress } from '../command.js';
import { copyOut } from './copy-out.js';
import { InferenceRecords } from './inference-records.js';
import type { ScratchDatabase } from './scratch-database.js';

const PIECE_BYTES = 128 * 1_024;

export interface ShippingRound {
  /** Rows a second: journal file to committed row, with reading, mapping and checkpoints; and raw COPY of these rows. */
  readonly shipped_per_s: number;
  /** Null where the database takes no COPY. */
  readonly copied_per_s: number | null;
  readonly ratio: number | null;
  /** Of the shipper's own process, µs a row. */
  readonly shipper_cpu_us: number;
}

export interface ShippingResult {
  readonly rows: number;
  readonly bytes_a_row: number | null;
  readonly rounds: readonly ShippingRound[];
}

/**
 * The shipper itself, less its process: it reads a journal, maps, stores, and saves its checkpoint, batch after batch. Then COPY of the very
 * same rows, as bytes that the server itself wrote, in one transaction into a table with the same columns, checks and indexes.
 */
export async function shippingRate(database: ScratchDatabase, rows: number, rounds: number): Promise<ShippingResult> {
  const pool = createPool(database.url, { max: 2, applicationName: 'sinew bench' });
  const { accounts } = repositories(pool);
  const { customer_id } = await accounts.createCustomer({ name: 'bench', tier: 'enterprise' });
  const key = await accounts.createKey(customer_id, { name: 'bench', scopes: ['stream'] });
  const records = new InferenceRecords(customer_id, key.key_id);
  const client = await pool.connect();
  const results: ShippingRound[] = [];
  let bytes: number | null = null;
  try {
    // The first is not told: a shipper runs for months, and its compilers need some ten thousand rows.
    for (let round = 0; round <= rounds; round++) {
      progress(round === 0 ? 'shipping, until all is compiled' : `shipping, round ${round} of ${rounds}`);
      await client.query('TRUNCATE vlaapi.inference_logs, vlaapi.sessions, vlaapi.episodes');
      await settle(client);
      const ship = await shipJournal(database.url, records, rows);
      const copy = database.kind === 'embedded' ? null : await copySame(client, rows);
      if (round === 0) continue;
      bytes = copy === null ? null : Math.round(copy.bytes / rows);
      const copied = copy === null ? null : (rows * 1_000) / copy.ms;
      const shipped = (rows * 1_000) / ship.ms;
      results.push({
        shipped_per_s: Math.round(shipped),
        copied_per_s: copied === null ? null : Math.round(copied),
        ratio: copied === null ? null : Number((shipped / copied).toFixed(3)),
        shipper_cpu_us: Number(((ship.cpuMs * 1_000) / rows).toFixed(1)),
      });
    }
  } finally {
    client.release();
    await pool.end();
  }
  return { rows, bytes_a_row: bytes, rounds: results };
}

async function shipJournal(
  databaseUrl: string,
  records: InferenceRecords,
  rows: number,
): Promise<{ ms: number; cpuMs: number }> {
  const dir = await mkdtemp(join(tmpdir(), 'sinew-bench-'));
  const database = new ShippingDatabase(databaseUrl, join(dir, 'refused.ndjson'), () => {});
  try {
    await writeJournal(dir, records, rows);
    const reader = await JournalReader.open({ dir, from: (await loadCheckpoint(dir))?.position ?? null });
    const source = new ReadAhead(reader, SHIP_AT_ONCE);
    const shipper = new Shipper(
      {
        source,
        store: database,
        saveCheckpoint: (next) => saveCheckpoint(dir, next),
        queueStatistics: async () => {},
        now: () => Date.now(),
      },
      null,
    );
    // The first connection is the process's, not the rows'.
    await database.isDurable();
    const cpu = process.cpuUsage();
    const beganMs = performance.now();
    while (shipper.counters.inserted < rows && (await shipper.ship()));
    const ms = performance.now() - beganMs;
    const { user, system } = process.cpuUsage(cpu);
    await source.settled();
    await reader.close();
    if (shipper.counters.inserted !== rows) {
      throw new BenchError(`${shipper.counters.inserted} of ${rows} rows arrived: ${JSON.stringify(shipper.counters)}`);
    }
    return { ms, cpuMs: (user + system) / 1_000 };
  } finally {
    await database.close();
    await rm(dir, { recursive: true, force: true });
  }
}

async function writeJournal(dir: string, records: InferenceRecords, rows: number): Promise<void> {
  const writer = await JournalWriter.open({ dir, node: 0, budgetBytes: 16 * 1_024 ** 3, now: () => Date.now() });
  for (const record of records.openings(Date.now())) writer.append(record);
  for (let n = 0; n < rows; n++) {
    writer.append(records.next(writer.nextLogId(), Date.now()));
    if (n % 1_000 === 999) await writer.sync();
  }
  await writer.close();
}

async function copySame(client: PoolClient, rows: number): Promise<{ ms: number; bytes: number }> {
  const bytes = await copyOut(client, 'COPY (SELECT * FROM vlaapi.inference_logs) TO STDOUT (FORMAT binary)');
  await client.query('DROP TABLE IF EXISTS bench_copied');
  await client.query('CREATE TABLE bench_copied (LIKE vlaapi.inference_logs INCLUDING ALL)');
  await settle(client);
  const beganMs = performance.now();
  await copyIn(client, 'COPY bench_copied FROM STDIN (FORMAT binary)', pieces(bytes));
  const ms = performance.now() - beganMs;
  const { rows: counted } = await client.query<{ n: number }>('SELECT count(*) AS n FROM bench_copied');
  if (counted[0]?.n !== rows) throw new BenchError('COPY did not bring all rows');
  await client.query('DROP TABLE bench_copied');
  return { ms, bytes: bytes.length };
}

function* pieces(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
}

/** Both begin with the server's writes done, where this user may ask for that. */
async function settle(client: PoolClient): Promise<void> {
  await client.query('CHECKPOINT').catch(() => {});
}
