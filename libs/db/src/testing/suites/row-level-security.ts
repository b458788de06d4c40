import { randomUUID } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { beforeAll, describe, expect, test } from 'vitest';
import { createPool } from '../../pool.js';
import { EMPTY_BATCH } from '../../shipping-rows.js';
import { inTransaction, withCustomer } from '../../transaction.js';
import { episodeRow, incidentRow, inferenceRow, sessionRow } from '../rows.js';
import type { TestedDatabase } from './tested-database.js';

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
    ];

    beforeAll(async () => {
      for (const customer_id of [mine, theirs]) {
        await db.repo.accounts.createCustomer({ name: `tenant ${customer_id}`, customer_id });
        await db.repo.accounts.createKey(customer_id, { name: 'k' });
        await db.repo.shipping.store({
          ...EMPTY_BATCH,
          sessions: [sessionRow({ customer_id })],
          episodes: [episodeRow({ customer_id })],
          inferences: [inferenceRow({ customer_id })],
          incidents: [incidentRow({ customer_id })],
        });
      }
    });

    test.each(tables)('%s shows a customer its own row only, whatever the query forgets', async (table) => {
      const seen = await withCustomer(db.pool, mine, async (client) => {
        const { rows } = await client.query(`SELECT customer_id FROM ${table}`);
        return rows;
      });
      expect(seen).toEqual([{ customer_id: mine }]);
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
