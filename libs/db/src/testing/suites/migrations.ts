import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { getTableColumns, getTableName } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { MIGRATIONS, MigrationError, madeSchema, migrate, readMigrations } from '../../migrate.js';
import { migrationStatus } from '../../migration-status.js';
import { makePartitions } from '../../partitions.js';
import { createPool } from '../../pool.js';
import * as schema from '../../schema.js';
import { inTransaction, TransactionAborted } from '../../transaction.js';
import type { TestedDatabase } from './tested-database.js';

export function registerMigrationTests(db: TestedDatabase): void {
  describe('migrations', () => {
    test('their status on an empty database: everything is to do, and asking does nothing', async () => {
      const now = new Date('2026-11-30T23:59:59Z');
      const found = await migrationStatus(db.pool, now);
      expect(found).toEqual(await migrationStatus(null, now));
      expect(found).toMatchObject({ applied: [], changed: [], unknown: [], up_to_date: false });
      expect(found.pending[0]).toMatch(/^0001_/);
      expect(found.partitions).toEqual({
        present: [],
        missing: ['2026_11', '2026_12', '2027_01', '2027_02'].map((month) => `inference_logs_${month}`),
        strays: null,
      });
    });

    test('several starters at once apply each of them once, and later starters none', async () => {
      const starters = [createPool(db.url), createPool(db.url), createPool(db.url)];
      const applied = await Promise.all(starters.map((starter) => migrate(starter)));
      await Promise.all(starters.map((starter) => starter.end()));
      const winner = applied.filter((names) => names.length > 0);
      expect(winner).toHaveLength(1);
      expect(winner[0]).toEqual([...(winner[0] ?? [])].sort());
      expect(applied.map(madeSchema).sort()).toEqual([false, false, true]);
      expect(await migrate(db.pool)).toEqual([]);
    });

    test('one that changed after it was applied stops the start', async () => {
      const { rows } = await db.pool.query(
        "UPDATE public.sinew_migrations SET hash = 'x' WHERE name LIKE '0001%' RETURNING name",
      );
      await expect(migrate(db.pool)).rejects.toThrow(MigrationError);
      const changed = await migrationStatus(db.pool, new Date());
      expect(changed).toMatchObject({ changed: [rows[0].name], pending: [], up_to_date: false });
      const sql = await readFile(`${MIGRATIONS}/${rows[0].name}`, 'utf8');
      const hash = createHash('sha256').update(sql).digest('hex');
      await db.pool.query('UPDATE public.sinew_migrations SET hash = $1 WHERE name = $2', [hash, rows[0].name]);
      expect(await migrate(db.pool)).toEqual([]);
    });

    test('their status afterwards names what is applied, and a partition that is gone', async () => {
      const found = await migrationStatus(db.pool, new Date());
      expect(found).toMatchObject({ pending: [], changed: [], unknown: [], up_to_date: true });
      expect(found.applied.map(({ name }) => name)).toEqual((await readMigrations(MIGRATIONS)).map(({ name }) => name));
      expect(found.partitions).toMatchObject({ missing: [], strays: 0 });
      const last = found.partitions.present.at(-1) ?? '';
      await db.pool.query(`DROP TABLE vlaapi.${last}`);
      const without = await migrationStatus(db.pool, new Date());
      expect(without).toMatchObject({ partitions: { missing: [last] }, pending: [], up_to_date: false });
      expect(await makePartitions(db.pool, new Date())).toEqual([last]);
      expect(await migrationStatus(db.pool, new Date())).toEqual(found);
    });

    test('made the indexes that questions need: unique, partial, GIN and HNSW among them', async () => {
      const { rows } = await db.pool.query<{ name: string; def: string }>(
        `SELECT c.relname AS name, pg_get_indexdef(c.oid) AS def FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
         WHERE c.relnamespace = 'vlaapi'::regnamespace AND NOT c.relispartition`,
      );
      expect(rows.length).toBeGreaterThanOrEqual(30);
      const like = (text: string) => rows.filter(({ def }) => def.includes(text)).map(({ name }) => name);
      expect(like('USING gin')).toEqual(
        expect.arrayContaining([
          'inference_logs_flags',
          'sessions_environment',
          'context_metadata_workspace',
          'robot_performance_failures',
        ]),
      );
      const hnsw = like('vector_cosine_ops)');
      expect(hnsw.sort()).toEqual(['context_metadata_embedding', 'instruction_analytics_embedding']);
      for (const { def } of rows.filter(({ name }) => hnsw.includes(name))) {
        expect(def).toMatch(/USING hnsw .*m='?16'?, ef_construction='?64'?/);
      }
    });

    test('made the tables that the drizzle schema describes, column by column', async () => {
      const { rows } = await db.pool.query<{ table_name: string; column_name: string; is_nullable: string }>(
        "SELECT table_name, column_name, is_nullable FROM information_schema.columns WHERE table_schema = 'vlaapi'",
      );
      const tables = [
        schema.customers,
        schema.apiKeys,
        schema.sessions,
        schema.episodes,
        schema.inferenceLogs,
        schema.safetyIncidents,
        schema.instructionHours,
        schema.instructionAnalytics,
        schema.feedback,
        schema.contextMetadata,
        schema.robotPerformanceMetrics,
        schema.qualityGateFailures,
        schema.customerDataConsent,
        schema.customerConsentAudit,
        schema.erasures,
        schema.archiveMetadata,
        schema.usageDays,
      ];
      for (const table of tables) {
        const described = Object.values(getTableColumns(table))
          .map((column) => `${column.name} ${column.notNull ? 'NO' : 'YES'}`)
          .sort();
        const made = rows
          .filter((row) => row.table_name === getTableName(table))
          .map((row) => `${row.column_name} ${row.is_nullable}`)
          .sort();
        expect(made, getTableName(table)).toEqual(described);
      }
    });
  });

  describe('transactions', () => {
    test('one in which a failed statement was swallowed is not taken for committed', async () => {
      const attempt = inTransaction(db.pool, async (client) => {
        await client.query('SELECT 1/0').catch(() => undefined);
        return 'done';
      });
      await expect(attempt).rejects.toThrow(TransactionAborted);
    });

    test('one whose work throws leaves its connection usable', async () => {
      const single = createPool(db.url, { max: 1 });
      await expect(inTransaction(single, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
      expect((await single.query('SELECT 1 AS v')).rows).toEqual([{ v: 1 }]);
      await single.end();
    });
  });
}
