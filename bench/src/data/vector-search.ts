import { createHash } from 'node:crypto';
import { createPool } from '@sinew/db';
import type { PoolClient } from 'pg';
import { progress } from '../command.js';
import { Latencies, type Percentiles } from '../stats/latencies.js';
import { gaussian, seeded } from '../stats/random.js';
import type { ScratchDatabase } from './scratch-database.js';

const DIM = 384;
const NEIGHBOURS = 10;
const INSERT_ROWS = 500;
/** Of how many searches the recall is told. */
const EXACT_SEARCHES = 50;
const EF_SEARCH = [40, 100, 400] as const;

export interface VectorResult {
  readonly vectors: number;
  readonly dimensions: number;
  readonly spread: string;
  readonly fill_s: number;
  readonly index_s: number;
  readonly searches: readonly {
    readonly ef_search: number;
    readonly latency_ms: Percentiles | null;
    /** Share of the true ten nearest among the ten that were found. */
    readonly recall: number;
  }[];
  readonly exact_ms: Percentiles | null;
}

/**
 * kNN over `instruction_analytics.instruction_embedding` (HNSW, cosine, m 16, ef_construction 64). `uniform`: random directions, the
 * worst that recall can meet, for in 384 dimensions all are nearly as far from each other; `clustered`: 1,000 directions with noise around
 * them, as embeddings of instructions lie.
 */
export async function vectorSearch(
  database: ScratchDatabase,
  vectors: number,
  searches: number,
  spread: string,
): Promise<VectorResult> {
  const pool = createPool(database.url, { max: 1, applicationName: 'sinew bench' });
  const client = await pool.connect();
  const draw = vectorsOf(spread);
  try {
    progress(`filling ${vectors} vectors`);
    await client.query('DROP INDEX vlaapi.instruction_analytics_embedding');
    const fill_s = await timed(() => fill(client, vectors, draw));
    progress('building the index');
    await client.query("SET maintenance_work_mem = '512MB'").catch(() => {});
    const index_s = await timed(() =>
      client.query(`CREATE INDEX instruction_analytics_embedding ON vlaapi.instruction_analytics
        USING hnsw (instruction_embedding vector_cosine_ops) WITH (m = 16, ef_construction = 64)`),
    );
    await client.query('ANALYZE vlaapi.instruction_analytics');
    const asked = Array.from({ length: searches }, draw);
    const checked = asked.slice(0, EXACT_SEARCHES);
    progress('searching exactly');
    await client.query('SET enable_indexscan = off');
    const exact = new Latencies();
    const truth: number[][] = [];
    for (const vector of checked) truth.push(await search(client, vector, exact));
    await client.query('RESET enable_indexscan');
    // A planner that scans a small table all the same would show its recall, not the index's.
    await client.query('SET enable_seqscan = off');
    const results: VectorResult['searches'][number][] = [];
    for (const ef_search of EF_SEARCH) {
      progress(`searching by the index, ef_search ${ef_search}`);
      await client.query(`SET hnsw.ef_search = ${ef_search}`);
      const latency = new Latencies();
      let found = 0;
      for (const [i, vector] of asked.entries()) {
        const ids = await search(client, vector, latency);
        const nearest = truth[i];
        if (nearest !== undefined) found += ids.filter((id) => nearest.includes(id)).length;
      }
      results.push({
        ef_search,
        latency_ms: latency.summary(),
        recall: Number((found / (NEIGHBOURS * checked.length)).toFixed(3)),
      });
    }
    return { vectors, dimensions: DIM, spread, fill_s, index_s, searches: results, exact_ms: exact.summary() };
  } finally {
    await client.query('TRUNCATE vlaapi.instruction_analytics').catch(() => {});
    client.release();
    await pool.end();
  }
}

async function fill(client: PoolClient, vectors: number, draw: () => string): Promise<void> {
  for (let first = 0; first < vectors; first += INSERT_ROWS) {
    const count = Math.min(INSERT_ROWS, vectors - first);
    const hashes = Array.from({ length: count }, (_, i) =>
      createHash('sha256')
        .update(String(first + i))
        .digest('hex'),
    );
    await client.query(
      `INSERT INTO vlaapi.instruction_analytics
         (instruction_hash, instruction_category, instruction_embedding, total_uses, common_robots, first_seen, last_seen)
       SELECT hash, 'pick', embedding::vector, 1, '{}', now(), now() FROM unnest($1::text[], $2::text[]) AS r(hash, embedding)`,
      [hashes, Array.from({ length: count }, draw)],
    );
  }
}

async function search(client: PoolClient, vector: string, latency: Latencies): Promise<number[]> {
  const beganMs = performance.now();
  const { rows } = await client.query<{ analytics_id: number }>({
    // Without a name: a prepared statement would keep the plan that it was given before the index was allowed.
    text: `SELECT analytics_id FROM vlaapi.instruction_analytics
           ORDER BY instruction_embedding <=> $1::vector LIMIT ${NEIGHBOURS}`,
    values: [vector],
  });
  latency.record(performance.now() - beganMs);
  return rows.map(({ analytics_id }) => analytics_id);
}

const CENTRES = 1_000;
const CLUSTER_NOISE = 0.5;

/** Unit vectors as pgvector reads them. */
function vectorsOf(spread: string): () => string {
  const random = seeded(7);
  const direction = (): number[] => unit(Array.from({ length: DIM }, () => gaussian(random)));
  if (spread === 'uniform') return () => text(direction());
  const centres = Array.from({ length: CENTRES }, direction);
  return () => {
    const centre = centres[Math.floor(random() * CENTRES)] ?? [];
    const noise = direction();
    return text(unit(centre.map((value, i) => value + CLUSTER_NOISE * (noise[i] ?? 0))));
  };
}

function unit(values: readonly number[]): number[] {
  const length = Math.hypot(...values);
  return values.map((value) => value / length);
}

const text = (values: readonly number[]): string => `[${values.map((value) => value.toFixed(6)).join(',')}]`;

async function timed(work: () => Promise<unknown>): Promise<number> {
  const beganMs = performance.now();
  await work();
  return Number(((performance.now() - beganMs) / 1_000).toFixed(2));
}
