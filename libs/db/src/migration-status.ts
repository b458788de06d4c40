import type { Pool } from 'pg';
import { MIGRATIONS, readMigrations } from './migrate.js';
import { missingPartitions, presentPartitions, strayRows } from './partitions.js';

export interface AppliedMigration {
  readonly name: string;
  readonly applied_at: Date;
}

/** Where a database stands; nothing is changed by asking. */
export interface MigrationStatus {
  readonly applied: readonly AppliedMigration[];
  readonly pending: readonly string[];
  /** Changed after they were applied: the next migration would stop there. */
  readonly changed: readonly string[];
  /** Applied by a newer version of the software. */
  readonly unknown: readonly string[];
  readonly partitions: {
    readonly present: readonly string[];
    /** Of this month and the three ahead. */
    readonly missing: readonly string[];
    /** Rows in the default partition; null before there is one. */
    readonly strays: number | null;
  };
  /** Nothing is pending, changed or missing. */
  readonly up_to_date: boolean;
}

/** `pool` null: there is no database yet. */
export async function migrationStatus(
  pool: Pool | null,
  now: Date,
  folder: string = MIGRATIONS,
): Promise<MigrationStatus> {
  const files = await readMigrations(folder);
  const known = pool === null ? [] : await appliedMigrations(pool);
  const hashes = new Map(known.map(({ name, hash }) => [name, hash]));
  const pending = files.filter(({ name }) => !hashes.has(name)).map(({ name }) => name);
  const changed = files.filter(({ name, hash }) => hashes.has(name) && hashes.get(name) !== hash);
  const partitions = await partitionStatus(pool, now);
  return {
    applied: known.map(({ name, applied_at }) => ({ name, applied_at })),
    pending,
    changed: changed.map(({ name }) => name),
    unknown: known.map(({ name }) => name).filter((name) => !files.some((file) => file.name === name)),
    partitions,
    up_to_date: pending.length === 0 && changed.length === 0 && partitions.missing.length === 0,
  };
}

async function partitionStatus(pool: Pool | null, now: Date): Promise<MigrationStatus['partitions']> {
  const present = pool === null ? null : await presentPartitions(pool);
  if (pool === null || present === null) return { present: [], missing: missingPartitions([], now), strays: null };
  return { present, missing: missingPartitions(present, now), strays: await strayRows(pool) };
}

async function appliedMigrations(pool: Pool): Promise<(AppliedMigration & { readonly hash: string })[]> {
  const { rows: found } = await pool.query<{ there: boolean }>(
    "SELECT to_regclass('public.sinew_migrations') IS NOT NULL AS there",
  );
  if (found[0]?.there !== true) return [];
  const { rows } = await pool.query<AppliedMigration & { readonly hash: string }>(
    'SELECT name, hash, applied_at FROM public.sinew_migrations ORDER BY name',
  );
  return rows;
}
