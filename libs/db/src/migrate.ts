import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Pool } from 'pg';
import { inTransaction } from './transaction.js';

/** The migrations' folder at the top of the repository; the same from `src` and from `dist`. */
export const MIGRATIONS = fileURLToPath(new URL('../../../drizzle', import.meta.url));

/** Of this application alone: two advisory locks with one number would wait for each other's purposes. */
const LOCK = 0x53_69_6e_65;

export interface MigrationFile {
  readonly name: string;
  readonly sql: string;
  /** SHA-256, hex. */
  readonly hash: string;
}

/** In the order in which they are applied. */
export async function readMigrations(folder: string): Promise<MigrationFile[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort();
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(join(folder, name), 'utf8');
      return { name, sql, hash: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}

export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}

/**
 * Brings the database to the newest schema; answers the migrations applied now. All in one transaction under an advisory
 * lock of that transaction, so that several starters at once are safe (a session lock excludes nobody in the embedded
 * database, where everybody has the same session). A migration that changed after it was applied stops the start.
 */
export async function migrate(pool: Pool, folder: string = MIGRATIONS): Promise<string[]> {
  const files = await readMigrations(folder);
  return inTransaction(pool, async (client) => {
    await client.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
    await client.query(`CREATE TABLE IF NOT EXISTS public.sinew_migrations (
      name text PRIMARY KEY, hash text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`);
    const { rows } = await client.query<{ name: string; hash: string }>(
      'SELECT name, hash FROM public.sinew_migrations',
    );
    const applied = new Map(rows.map((row) => [row.name, row.hash]));
    const done: string[] = [];
    for (const { name, sql, hash } of files) {
      const before = applied.get(name);
      if (before === hash) continue;
      if (before !== undefined) throw new MigrationError(`migration ${name} changed after it was applied`);
      await client.query(sql);
      await client.query('INSERT INTO public.sinew_migrations (name, hash) VALUES ($1, $2)', [name, hash]);
      done.push(name);
    }
    return done;
  });
}

/**
 * Whether these applied migrations made the schema: the database was empty until now, so that a journal or accounts beside
 * it are not in it.
 */
export const madeSchema = (applied: readonly string[]): boolean => applied.some((name) => name.startsWith('0001_'));
