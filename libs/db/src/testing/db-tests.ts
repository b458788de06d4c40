import { randomUUID } from 'node:crypto';
import { getTableColumns, getTableName } from 'drizzle-orm';
import type { Pool } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hashKey, KEY_PREFIX } from '../accounts.js';
import { instructionHash } from '../instruction-hash.js';
import { MIGRATIONS, MigrationError, migrate } from '../migrate.js';
import { makePartitions, strayRows } from '../partitions.js';
import { createPool } from '../pool.js';
import { type Repositories, repositories } from '../repositories.js';
import * as schema from '../schema.js';
import { inTransaction, TransactionAborted, withCustomer } from '../transaction.js';
import { episodeRow, inferenceRow, sessionRow } from './rows.js';

export interface TestTarget {
  readonly url: string;
  close(): Promise<void>;
}

/** What every database that we run on must do: the embedded one and a real PostgreSQL run these same tests. */
export function registerDbTests(name: string, connect: () => Promise<TestTarget>): void {
  describe(`the database on ${name}`, () => {
    let target: TestTarget;
    let pool: Pool;
    let repo: Repositories;

    beforeAll(async () => {
      target = await connect();
      pool = createPool(target.url);
      repo = repositories(pool);
    });
    afterAll(async () => {
      await pool?.end();
      await target?.close();
    });

    describe('migrations', () => {
      test('several starters at once apply each of them once, and later starters none', async () => {
        const starters = [createPool(target.url), createPool(target.url), createPool(target.url)];
        const applied = await Promise.all(starters.map((starter) => migrate(starter)));
        await Promise.all(starters.map((starter) => starter.end()));
        const winner = applied.filter((names) => names.length > 0);
        expect(winner).toHaveLength(1);
        expect(winner[0]).toEqual([...(winner[0] ?? [])].sort());
        expect(await migrate(pool)).toEqual([]);
      });

      test('one that changed after it was applied stops the start', async () => {
        const { rows } = await pool.query(
          "UPDATE public.sinew_migrations SET hash = 'x' WHERE name LIKE '0001%' RETURNING name",
        );
        await expect(migrate(pool)).rejects.toThrow(MigrationError);
        const { createHash } = await import('node:crypto');
        const { readFile } = await import('node:fs/promises');
        const sql = await readFile(`${MIGRATIONS}/${rows[0].name}`, 'utf8');
        const hash = createHash('sha256').update(sql).digest('hex');
        await pool.query('UPDATE public.sinew_migrations SET hash = $1 WHERE name = $2', [hash, rows[0].name]);
        expect(await migrate(pool)).toEqual([]);
      });

      test('made the tables that the drizzle schema describes, column by column', async () => {
        const { rows } = await pool.query<{ table_name: string; column_name: string; is_nullable: string }>(
          "SELECT table_name, column_name, is_nullable FROM information_schema.columns WHERE table_schema = 'vlaapi'",
        );
        const tables = [
          schema.customers,
          schema.apiKeys,
          schema.sessions,
          schema.episodes,
          schema.inferenceLogs,
          schema.instructionHours,
          schema.instructionAnalytics,
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
        const attempt = inTransaction(pool, async (client) => {
          await client.query('SELECT 1/0').catch(() => undefined);
          return 'done';
        });
        await expect(attempt).rejects.toThrow(TransactionAborted);
      });

      test('one whose work throws leaves its connection usable', async () => {
        const single = createPool(target.url, { max: 1 });
        await expect(inTransaction(single, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
        expect((await single.query('SELECT 1 AS v')).rows).toEqual([{ v: 1 }]);
        await single.end();
      });
    });

    describe('partitions', () => {
      const partitionsOf = async () => {
        const { rows } = await pool.query<{ name: string; bounds: string }>(
          `SELECT c.relname AS name, pg_get_expr(c.relpartbound, c.oid) AS bounds
           FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
           WHERE i.inhparent = 'vlaapi.inference_logs'::regclass ORDER BY 1`,
        );
        return new Map(rows.map((row) => [row.name, row.bounds]));
      };

      test('the current month and three ahead stand after the migration, beside the default one', async () => {
        const names = [...(await partitionsOf()).keys()];
        const { rows } = await pool.query<{ name: string }>(
          `SELECT 'inference_logs_' || to_char(date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => m),
             'YYYY_MM') AS name FROM generate_series(0, 3) AS m`,
        );
        expect(names).toEqual(expect.arrayContaining(['inference_logs_default', ...rows.map((row) => row.name)]));
      });

      test('are made over a turn of the year, with UTC months for bounds, and only once', async () => {
        const at = new Date('2031-11-30T23:59:59.999Z');
        expect(await makePartitions(pool, at)).toEqual([
          'inference_logs_2031_11',
          'inference_logs_2031_12',
          'inference_logs_2032_01',
          'inference_logs_2032_02',
        ]);
        expect(await makePartitions(pool, at)).toEqual([]);
        const bounds = (await partitionsOf()).get('inference_logs_2031_12') ?? '';
        const [from, to] = [...bounds.matchAll(/'([^']+)'/g)].map((m) => new Date(m[1] ?? '').toISOString());
        expect([from, to]).toEqual(['2031-12-01T00:00:00.000Z', '2032-01-01T00:00:00.000Z']);
      });

      test('several makers at once make each of them once', async () => {
        const made = await Promise.all([1, 2, 3].map(() => makePartitions(pool, new Date('2033-05-10T00:00:00Z'))));
        expect(made.flat().sort()).toEqual([
          'inference_logs_2033_05',
          'inference_logs_2033_06',
          'inference_logs_2033_07',
          'inference_logs_2033_08',
        ]);
      });

      test('a stray row is kept in the default partition and moves when its month is made', async () => {
        const before = await strayRows(pool);
        const stray = inferenceRow({ timestamp: '2040-02-03T04:05:06.789Z' });
        await repo.shipping.store({ sessions: [], episodes: [], inferences: [stray] });
        expect(await strayRows(pool)).toBe(before + 1);
        await makePartitions(pool, new Date('2040-02-01T00:00:00Z'));
        expect(await strayRows(pool)).toBe(before);
        const { rows } = await pool.query(
          'SELECT tableoid::regclass::text AS part FROM vlaapi.inference_logs WHERE log_id = $1',
          [stray.log_id],
        );
        expect(rows).toEqual([{ part: 'vlaapi.inference_logs_2040_02' }]);
      });

      test('the first and the last millisecond of a month are in that month', async () => {
        const rows = ['2031-12-01T00:00:00.000Z', '2031-12-31T23:59:59.999Z'].map((timestamp) =>
          inferenceRow({ timestamp }),
        );
        await repo.shipping.store({ sessions: [], episodes: [], inferences: rows });
        const { rows: parts } = await pool.query(
          'SELECT DISTINCT tableoid::regclass::text AS part FROM vlaapi.inference_logs WHERE log_id = ANY ($1)',
          [rows.map((row) => row.log_id)],
        );
        expect(parts).toEqual([{ part: 'vlaapi.inference_logs_2031_12' }]);
      });
    });

    describe('accounts', () => {
      test('a key is shown once, kept as its SHA-256 only and found by it', async () => {
        const customer = await repo.accounts.createCustomer({ name: 'Acme', tier: 'pro' });
        const made = await repo.accounts.createKey(customer.customer_id, {
          name: 'line 1',
          scopes: ['stream', 'admin'],
        });
        expect(made.key).toMatch(/^vla_live_[A-Za-z0-9_-]{32,}$/);
        const { rows } = await pool.query('SELECT to_jsonb(k)::text AS all FROM vlaapi.api_keys k WHERE key_id = $1', [
          made.key_id,
        ]);
        expect(rows[0].all).not.toContain(made.key);
        expect(rows[0].all).toContain(hashKey(made.key));
        expect(await repo.accounts.findKeyByHash(hashKey(made.key))).toEqual({
          key_id: made.key_id,
          customer_id: customer.customer_id,
          tier: 'pro',
          scopes: ['stream', 'admin'],
          expires_at: null,
          revoked_at: null,
          customer_active: true,
        });
        expect(await repo.accounts.findKeyByHash(hashKey(`${KEY_PREFIX}unknown`))).toBeNull();
      });

      test('a revoked key is found with its time, and is revoked once', async () => {
        const customer = await repo.accounts.createCustomer({ name: 'Bolt' });
        const made = await repo.accounts.createKey(customer.customer_id, { name: 'k' });
        expect(await repo.accounts.revokeKey(made.key_id)).toBe(true);
        expect(await repo.accounts.revokeKey(made.key_id)).toBe(false);
        expect(await repo.accounts.revokeKey(uuidv7())).toBe(false);
        expect((await repo.accounts.findKeyByHash(hashKey(made.key)))?.revoked_at).toBeInstanceOf(Date);
      });

      test('keys are listed by customer, with their first characters and last use', async () => {
        const customer = await repo.accounts.createCustomer({ name: 'Crane' });
        const expires_at = new Date('2030-01-01T00:00:00Z');
        const first = await repo.accounts.createKey(customer.customer_id, { name: 'first', expires_at });
        await repo.accounts.createKey(customer.customer_id, { name: 'second' });
        await repo.accounts.touchKey(first.key_id);
        const listed = await repo.accounts.listKeys(customer.customer_id);
        expect(listed.map((key) => [key.name, key.customer_name, key.scopes])).toEqual([
          ['first', 'Crane', ['stream', 'infer']],
          ['second', 'Crane', ['stream', 'infer']],
        ]);
        expect(listed[0]?.expires_at).toEqual(expires_at);
        expect(listed[0]?.last_used_at).toBeInstanceOf(Date);
        expect(first.key.startsWith(listed[0]?.key_prefix ?? '-')).toBe(true);
        expect((await repo.accounts.listKeys()).length).toBeGreaterThanOrEqual(2);
      });

      test('a customer is found by id and name, and a key needs a customer', async () => {
        const customer = await repo.accounts.createCustomer({ name: 'Delta' });
        expect(await repo.accounts.findCustomer(customer.customer_id)).toEqual(customer);
        expect(await repo.accounts.findCustomerByName('Delta')).toEqual(customer);
        expect(await repo.accounts.findCustomer(uuidv7())).toBeNull();
        expect(await repo.accounts.listCustomers()).toContainEqual(customer);
        await expect(repo.accounts.createKey(uuidv7(), { name: 'k' })).rejects.toThrow();
      });
    });

    describe('shipping', () => {
      test('stores every column exactly, the chunk bit for bit', async () => {
        const row = inferenceRow({
          instruction: 'Pick up the RED cube!',
          safety_flags: ['a', 'b'],
          log_id: 2 ** 52 + 1,
        });
        await repo.shipping.store({ sessions: [], episodes: [], inferences: [row] });
        const [stored] = await repo.logs.last(1, { session_id: row.session_id ?? '' });
        expect(stored).toEqual({
          ...row,
          timestamp: new Date(row.timestamp),
          chunk: Buffer.from(row.chunk),
          instruction_hash: instructionHash('pick up the red cube'),
        });
      });

      test('the same batch twice, and overlapping batches, are one row an inference', async () => {
        const rows = Array.from({ length: 2_500 }, () => inferenceRow());
        const batch = { sessions: [], episodes: [], inferences: rows };
        expect(await repo.shipping.store(batch)).toEqual({ inserted: 2_500, repeated: 0, conflicts: [] });
        expect(await repo.shipping.store(batch)).toEqual({ inserted: 0, repeated: 2_500, conflicts: [] });
        const more = {
          sessions: [],
          episodes: [],
          inferences: [...rows.slice(2_000), inferenceRow(), ...rows.slice(2_400)],
        };
        expect(await repo.shipping.store(more)).toEqual({ inserted: 1, repeated: 500, conflicts: [] });
        const { rows: counted } = await pool.query(
          'SELECT count(*) AS n FROM vlaapi.inference_logs WHERE log_id = ANY ($1)',
          [rows.map((row) => row.log_id)],
        );
        expect(counted[0].n).toBe(2_500);
      });

      test('another log_id with the same request_id and time is named, not dropped silently', async () => {
        const first = inferenceRow();
        const second = inferenceRow({ request_id: first.request_id });
        const third = inferenceRow();
        const store = (inferences: (typeof first)[]) => repo.shipping.store({ sessions: [], episodes: [], inferences });
        await store([first]);
        expect(await store([second, third])).toEqual({ inserted: 1, repeated: 0, conflicts: [second.log_id] });
        expect(await store([second, third])).toEqual({ inserted: 0, repeated: 1, conflicts: [second.log_id] });
      });

      test('a batch that cannot be stored leaves nothing of itself behind', async () => {
        const good = inferenceRow();
        const bad = inferenceRow({ chunk_steps: 99 });
        await expect(repo.shipping.store({ sessions: [], episodes: [], inferences: [good, bad] })).rejects.toThrow();
        expect(await repo.logs.last(1, { session_id: good.session_id ?? '' })).toEqual([]);
      });

      test('what JSON and text cannot hold does not stop the shipper: NaN, infinities, U+0000, quotes, emoji', async () => {
        const row = inferenceRow({
          instruction: 'put the "cube"\0 into \\x the 🥣 bowl',
          safety_score: Number.NaN,
          observation_age_ms: Number.POSITIVE_INFINITY,
          error_message: 'a\0b',
          status: 'error',
          action_vector: [],
          action_magnitude: null,
          chunk: new Uint8Array(),
          chunk_steps: 0,
        });
        expect(await repo.shipping.store({ sessions: [], episodes: [], inferences: [row] })).toMatchObject({
          inserted: 1,
        });
        const [stored] = await repo.logs.last(1, { session_id: row.session_id ?? '' });
        expect(stored).toMatchObject({
          instruction: 'put the "cube" into \\x the 🥣 bowl',
          safety_score: null,
          observation_age_ms: null,
          error_message: 'ab',
        });
      });

      test('a session opens, resumes and closes in one row, and an open sent again does not reopen it', async () => {
        const open = sessionRow();
        const resumed = { ...open, epoch: 1 };
        const closed = {
          ...resumed,
          closed_at: '2026-11-06T11:00:00.000Z',
          reason: 'client',
          counters: { ticks: 600 },
        };
        const store = (sessions: ReturnType<typeof sessionRow>[]) =>
          repo.shipping.store({ sessions, episodes: [], inferences: [] });
        await store([open, resumed]);
        await store([closed]);
        await store([open]);
        expect(await repo.robotData.findSession(open.customer_id, open.session_id)).toMatchObject({
          epoch: 1,
          closed_at: new Date('2026-11-06T11:00:00.000Z'),
          close_reason: 'client',
          counters: { ticks: 600 },
          model_name: 'tabletop-v1',
          environment: { environment_type: 'lab' },
        });
      });

      test('an episode grows and ends in one row, whatever comes again', async () => {
        const running = episodeRow();
        const ended = { ...running, ended_at: '2026-11-06T10:00:09.000Z', ticks: 90, success: true, last_log_id: 30 };
        const store = (episodes: ReturnType<typeof episodeRow>[]) =>
          repo.shipping.store({ sessions: [], episodes, inferences: [] });
        await store([running]);
        await store([ended]);
        await store([running]);
        expect(await repo.robotData.episodesOf(running.customer_id, running.session_id)).toEqual([
          expect.objectContaining({
            ticks: 90,
            success: true,
            first_log_id: 1,
            last_log_id: 30,
            ended_at: new Date(ended.ended_at),
          }),
        ]);
      });

      test('the newest logs come first, of one customer or of all', async () => {
        const customer_id = uuidv7();
        const rows = [0, 1, 2].map((i) => inferenceRow({ customer_id, timestamp: `2041-01-01T00:00:0${i}.000Z` }));
        await repo.shipping.store({ sessions: [], episodes: [], inferences: [...rows].reverse() });
        const newestFirst = rows.map((row) => row.log_id).reverse();
        expect((await repo.logs.last(3)).map((row) => row.log_id)).toEqual(newestFirst);
        expect((await repo.logs.lastOf(customer_id, 2)).map((row) => row.log_id)).toEqual(newestFirst.slice(0, 2));
        expect(await repo.logs.lastOf(uuidv7(), 2)).toEqual([]);
      });
    });

    describe('row-level security', () => {
      const mine = uuidv7();
      const theirs = uuidv7();
      const count = 'SELECT count(*) AS n FROM';
      const tables = [
        'vlaapi.inference_logs',
        'vlaapi.sessions',
        'vlaapi.episodes',
        'vlaapi.customers',
        'vlaapi.api_keys',
      ];

      beforeAll(async () => {
        for (const customer_id of [mine, theirs]) {
          await repo.accounts.createCustomer({ name: `tenant ${customer_id}`, customer_id });
          await repo.accounts.createKey(customer_id, { name: 'k' });
          await repo.shipping.store({
            sessions: [sessionRow({ customer_id })],
            episodes: [episodeRow({ customer_id })],
            inferences: [inferenceRow({ customer_id })],
          });
        }
      });

      test.each(tables)('%s shows a customer its own row only, whatever the query forgets', async (table) => {
        const seen = await withCustomer(pool, mine, async (client) => {
          const { rows } = await client.query(`SELECT customer_id FROM ${table}`);
          return rows;
        });
        expect(seen).toEqual([{ customer_id: mine }]);
      });

      test.each(tables)('%s shows nothing where no customer is named', async (table) => {
        const seen = await inTransaction(pool, async (client) => {
          await client.query('SET LOCAL ROLE sinew_api');
          return (await client.query(`${count} ${table}`)).rows[0].n;
        });
        expect(seen).toBe(0);
      });

      test('is forced, so that it binds the tables’ owner too', async () => {
        const { rows } = await pool.query(
          `SELECT n.nspname || '.' || c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
           WHERE n.nspname = 'vlaapi' AND c.relrowsecurity AND c.relforcerowsecurity ORDER BY 1`,
        );
        expect(rows.map((row) => row.name)).toEqual([...tables].sort());
      });

      test.each([
        ['writes', `INSERT INTO vlaapi.customers (customer_id, name) VALUES ('${randomUUID()}', 'x')`],
        ['deletes', 'DELETE FROM vlaapi.inference_logs'],
        ['reads past the parent’s policies', 'SELECT * FROM vlaapi.inference_logs_default'],
        ['reads key hashes', 'SELECT key_hash FROM vlaapi.api_keys'],
        ['reads across customers’ statistics', 'SELECT * FROM vlaapi.instruction_analytics'],
        ['makes partitions', 'SELECT vlaapi.make_partitions(now(), 0)'],
      ])('a customer’s query never %s', async (_what, sql) => {
        await expect(withCustomer(pool, mine, (client) => client.query(sql))).rejects.toMatchObject({ code: '42501' });
      });

      test('the role and the customer end with their transaction', async () => {
        const client = await pool.connect();
        try {
          await withCustomer(pool, mine, async () => undefined);
          const { rows } = await client.query(
            "SELECT current_user AS who, current_setting('sinew.customer_id', true) AS customer",
          );
          expect(rows[0].who).not.toBe('sinew_api');
          expect(rows[0].customer ?? '').toBe('');
        } finally {
          client.release();
        }
      });
    });

    describe('instruction statistics', () => {
      const hour = new Date('2026-09-05T07:00:00Z');
      const at = (minute: number) => new Date(hour.getTime() + minute * 60_000).toISOString();
      const instruction = `stack the cups ${randomUUID()}`;
      const hash = instructionHash(instruction);
      const analytics = async () => {
        const { rows } = await pool.query(
          `SELECT instruction_category, total_uses, success_rate, avg_safety_score, common_robots, avg_latency_ms, first_seen,
             last_seen FROM vlaapi.instruction_analytics WHERE instruction_hash = $1`,
          [hash],
        );
        return rows;
      };

      test('an hour computed twice, and again after more rows, equals one computation of all', async () => {
        const row = (minute: number, overrides: Parameters<typeof inferenceRow>[0]) =>
          inferenceRow({ instruction, instruction_category: 'stack', timestamp: at(minute), ...overrides });
        await repo.shipping.store({
          sessions: [],
          episodes: [
            episodeRow({ instruction, ended_at: at(10), success: true }),
            episodeRow({ instruction, ended_at: at(11), success: false }),
            episodeRow({ instruction, ended_at: at(12), success: null }),
            episodeRow({ instruction, ended_at: at(70), success: true }),
          ],
          inferences: [
            row(1, { inference_latency_ms: 10, safety_score: 1, robot_type: 'ur5e' }),
            row(2, { inference_latency_ms: 30, safety_score: 0.5 }),
            row(3, { inference_latency_ms: 9_999, safety_score: null, status: 'error' }),
          ],
        });
        await repo.instructions.recomputeHour(hour);
        const once = await analytics();
        expect(once).toEqual([
          {
            instruction_category: 'stack',
            total_uses: 3,
            success_rate: 0.5,
            avg_safety_score: 0.75,
            common_robots: ['franka_panda', 'ur5e'],
            avg_latency_ms: 20,
            first_seen: new Date(at(1)),
            last_seen: new Date(at(12 - 1)),
          },
        ]);
        await Promise.all([repo.instructions.recomputeHour(hour), repo.instructions.recomputeHour(hour)]);
        expect(await analytics()).toEqual(once);

        await repo.shipping.store({ sessions: [], episodes: [], inferences: [row(65, { inference_latency_ms: 50 })] });
        await repo.instructions.recomputeHour(new Date(at(65)));
        expect(await analytics()).toMatchObject([{ total_uses: 4, avg_latency_ms: 30, last_seen: new Date(at(70)) }]);
        expect((await analytics())[0].success_rate).toBeCloseTo(2 / 3);
      });

      test('what was counted stays counted after retention dropped the rows', async () => {
        const before = await analytics();
        await pool.query('DELETE FROM vlaapi.inference_logs WHERE instruction_hash = $1', [hash]);
        await pool.query('DELETE FROM vlaapi.episodes WHERE instruction_hash = $1', [hash]);
        await repo.instructions.recomputeHour(hour);
        expect(await analytics()).toEqual(before);
      });
    });
  });
}
