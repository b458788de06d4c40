import { randomUUID } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { beforeAll, describe, expect, test } from 'vitest';
import { createPool } from '../../pool.js';
import { EMPTY_BATCH } from '../../shipping-rows.js';
import { refreshSummaries } from '../../summaries.js';
import { inTransaction, withCustomer } from '../../transaction.js';
import { episodeRow, incidentRow, inferenceRow, sessionRow } from '../rows.js';
import type { TestedDatabase } from './tested-database.js';

/** A row of every table that no shipped batch makes; $1: the customer. */
const OTHER_ROWS = [
  `INSERT INTO vlaapi.feedback (customer_id, log_id, log_timestamp, feedback_type, rating)
   VALUES ($1, 1, now(), 'success_rating', 5)`,
  `INSERT INTO vlaapi.context_metadata (log_id, customer_id, "timestamp", robot_type, workspace_bounds, environment_type)
   VALUES ((random() * 1e12)::bigint, $1, now(), 'franka_panda', '{}', 'lab')`,
  `INSERT INTO vlaapi.robot_performance_metrics (customer_id, robot_type, model_name, aggregation_date, total_inferences,
     success_count, success_rate) VALUES ($1, 'franka_panda', 'tabletop-v1', now()::date, 1, 1, 1)`,
  `INSERT INTO vlaapi.quality_gate_failures (failure_id, customer_id, field, reason, rule, count, "timestamp", source)
   VALUES (gen_random_uuid(), $1, 'instruction', 'too short', 'instruction', 1, now(), 'rest')`,
  `INSERT INTO vlaapi.customer_data_consent (customer_id, consent_tier, consent_version, consented_at, can_store_images,
     can_store_embeddings, can_use_for_training, anonymization_level)
   VALUES ($1, 'analytics', 1, now(), false, true, false, 'full')`,
  `INSERT INTO vlaapi.customer_consent_audit (customer_id, consent_version, action, current)
   VALUES ($1, 1, 'grant', '{}')`,
  `INSERT INTO vlaapi.erasures (erasure_id, customer_id, before) VALUES (gen_random_uuid(), $1, now())`,
];

export function registerRowLevelSecurityTests(db: TestedDatabase): void {
  describe('row-level security', () => {
    const mine = uuidv7();
    const theirs = uuidv7();
    const count = 'SELECT count(*) AS n FROM';
    const tables = [
      'vlaapi.inference_logs',
      'vlaapi.sessions',
      'vlaapi.episodes',
      'vlaapi.safety_incidents',
      'vlaapi.customers',
      'vlaapi.api_keys',
      'vlaapi.feedback',
      'vlaapi.context_metadata',
      'vlaapi.robot_performance_metrics',
      'vlaapi.quality_gate_failures',
      'vlaapi.customer_data_consent',
      'vlaapi.customer_consent_audit',
      'vlaapi.erasures',
      'vlaapi.usage_days',
    ];
    const summaries = ['daily_usage_summary', 'monthly_billing_summary', 'safety_trend_summary', 'feedback_analytics'];

    beforeAll(async () => {
      for (const customer_id of [mine, theirs]) {
        await db.repo.accounts.createCustomer({ name: `tenant ${customer_id}`, customer_id });
        await db.repo.accounts.createKey(customer_id, { name: 'k' });
        const now = new Date().toISOString();
        await db.repo.shipping.store({
          ...EMPTY_BATCH,
          sessions: [sessionRow({ customer_id })],
          episodes: [episodeRow({ customer_id })],
          inferences: [inferenceRow({ customer_id, timestamp: now })],
          incidents: [incidentRow({ customer_id, opened_at: now, last_violation_at: now })],
        });
        for (const insert of OTHER_ROWS) await db.pool.query(insert, [customer_id]);
      }
      await refreshSummaries(db.pool);
    });

    test.each(tables)('%s shows a customer its own row only, whatever the query forgets', async (table) => {
      const seen = await withCustomer(db.pool, mine, async (client) => {
        const { rows } = await client.query(`SELECT customer_id FROM ${table}`);
        return rows;
      });
      expect(seen).toEqual([{ customer_id: mine }]);
    });

    test.each(summaries)('a customer reads its own rows of %s, and never the whole of it', async (summary) => {
      const own = `SELECT DISTINCT customer_id FROM vlaapi.own_${summary}`;
      const seen = await withCustomer(db.pool, mine, async (client) => (await client.query(own)).rows);
      expect(seen).toEqual([{ customer_id: mine }]);
      const nobody = await inTransaction(db.pool, async (client) => {
        await client.query('SET LOCAL ROLE sinew_api');
        return (await client.query(own)).rows;
      });
      expect(nobody).toEqual([]);
      const whole = withCustomer(db.pool, mine, (client) => client.query(`SELECT * FROM vlaapi.${summary}`));
      await expect(whole).rejects.toMatchObject({ code: '42501' });
    });

    test('every table and view that sinew_api may read is one of those above', async () => {
      const { rows } = await db.pool.query(
        `SELECT DISTINCT table_name FROM information_schema.column_privileges
         WHERE grantee = 'sinew_api' AND table_schema = 'vlaapi' ORDER BY 1`,
      );
      const known = [...tables.map((table) => table.replace('vlaapi.', '')), ...summaries.map((name) => `own_${name}`)];
      expect(rows.map((row) => row.table_name)).toEqual(known.sort());
    });

    test.each([
      ['feedback', OTHER_ROWS[0]],
      ['consent', OTHER_ROWS[4]],
      ['audit', OTHER_ROWS[5]],
      ['erasures', OTHER_ROWS[6]],
    ])('a customer’s query writes no %s of another customer', async (_what, sql) => {
      const attempt = withCustomer(db.pool, mine, (client) => client.query(sql ?? '', [theirs]));
      await expect(attempt).rejects.toMatchObject({ code: '42501' });
    });

    test.each(tables)('%s shows nothing where no customer is named', async (table) => {
      const seen = await inTransaction(db.pool, async (client) => {
        await client.query('SET LOCAL ROLE sinew_api');
        return (await client.query(`${count} ${table}`)).rows[0].n;
      });
      expect(seen).toBe(0);
    });

    test('is forced, so that it binds the tables’ owner too', async () => {
      const { rows } = await db.pool.query(
        `SELECT n.nspname || '.' || c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = 'vlaapi' AND c.relrowsecurity AND c.relforcerowsecurity ORDER BY 1`,
      );
      expect(rows.map((row) => row.name)).toEqual([...tables].sort());
    });

    test.each([
      ['writes', `INSERT INTO vlaapi.customers (customer_id, name) VALUES ('${randomUUID()}', 'x')`],
      ['deletes', 'DELETE FROM vlaapi.inference_logs'],
      ['deletes incidents', 'DELETE FROM vlaapi.safety_incidents'],
      ['reads past the parent’s policies', 'SELECT * FROM vlaapi.inference_logs_default'],
      ['reads key hashes', 'SELECT key_hash FROM vlaapi.api_keys'],
      ['reads across customers’ statistics', 'SELECT * FROM vlaapi.instruction_analytics'],
      ['changes whose a key is or what it may do', "UPDATE vlaapi.api_keys SET scopes = '{admin}'"],
      ['deletes feedback', 'DELETE FROM vlaapi.feedback'],
      ['changes the consent audit', 'UPDATE vlaapi.customer_consent_audit SET action = action'],
      ['changes usage', 'UPDATE vlaapi.usage_days SET micro_dollars = 0'],
      ['reads the archive’s inventory', 'SELECT * FROM vlaapi.archive_metadata'],
      ['refreshes summaries', 'SELECT vlaapi.refresh_summaries()'],
      ['makes partitions', 'SELECT vlaapi.make_partitions(now(), 0, 0)'],
    ])('a customer’s query never %s', async (_what, sql) => {
      await expect(withCustomer(db.pool, mine, (client) => client.query(sql))).rejects.toMatchObject({ code: '42501' });
    });

    test('nobody who runs as our own role deletes an incident', async () => {
      const attempt = inTransaction(db.pool, async (client) => {
        await client.query('SET LOCAL ROLE sinew_service');
        await client.query('DELETE FROM vlaapi.safety_incidents');
      });
      await expect(attempt).rejects.toMatchObject({ code: '42501' });
    });

    test.each([
      'UPDATE vlaapi.customer_consent_audit SET action = action',
      'DELETE FROM vlaapi.customer_consent_audit',
      'TRUNCATE vlaapi.customer_consent_audit',
    ])('not even the owner may %s', async (sql) => {
      const { rows: before } = await db.pool.query('SELECT count(*) AS n FROM vlaapi.customer_consent_audit');
      await expect(db.pool.query(sql)).rejects.toMatchObject({ code: '42501' });
      const { rows } = await db.pool.query('SELECT count(*) AS n FROM vlaapi.customer_consent_audit');
      expect(rows).toEqual(before);
      expect(rows[0].n).toBeGreaterThan(0);
    });

    test('the role and the customer end with their transaction, on the very connection', async () => {
      const single = createPool(db.url, { max: 1 });
      const state = async () =>
        (
          await single.query(
            "SELECT pg_backend_pid() AS pid, current_user AS who, coalesce(current_setting('sinew.customer_id', true), '') AS customer",
          )
        ).rows[0];
      try {
        const before = await state();
        expect(before.customer).toBe('');
        const inside = await withCustomer(
          single,
          mine,
          async (client) => (await client.query('SELECT current_user AS who')).rows,
        );
        expect(inside).toEqual([{ who: 'sinew_api' }]);
        expect(await state()).toEqual(before);
      } finally {
        await single.end();
      }
    });
  });
}
