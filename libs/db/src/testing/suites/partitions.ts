import { describe, expect, test } from 'vitest';
import { makePartitions, strayRows } from '../../partitions.js';
import { EMPTY_BATCH } from '../../shipping-rows.js';
import { inferenceRow } from '../rows.js';
import type { TestedDatabase } from './tested-database.js';

export function registerPartitionTests(db: TestedDatabase): void {
  describe('partitions', () => {
    const partitionsOf = async () => {
      const { rows } = await db.pool.query<{ name: string; bounds: string }>(
        `SELECT c.relname AS name, pg_get_expr(c.relpartbound, c.oid) AS bounds
         FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
         WHERE i.inhparent = 'vlaapi.inference_logs'::regclass ORDER BY 1`,
      );
      return new Map(rows.map((row) => [row.name, row.bounds]));
    };

    test('last month, the current one and three ahead stand after the migration, beside the default one', async () => {
      const names = [...(await partitionsOf()).keys()];
      const { rows } = await db.pool.query<{ name: string }>(
        `SELECT 'inference_logs_' || to_char(date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => m),
           'YYYY_MM') AS name FROM generate_series(-1, 3) AS m`,
      );
      expect(names).toEqual(expect.arrayContaining(['inference_logs_default', ...rows.map((row) => row.name)]));
    });

    test('are made over a turn of the year, with UTC months for bounds, and only once', async () => {
      const at = new Date('2031-11-30T23:59:59.999Z');
      expect(await makePartitions(db.pool, at)).toEqual([
        'inference_logs_2031_10',
        'inference_logs_2031_11',
        'inference_logs_2031_12',
        'inference_logs_2032_01',
        'inference_logs_2032_02',
      ]);
      expect(await makePartitions(db.pool, at)).toEqual([]);
      const bounds = (await partitionsOf()).get('inference_logs_2031_12') ?? '';
      const [from, to] = [...bounds.matchAll(/'([^']+)'/g)].map((m) => new Date(m[1] ?? '').toISOString());
      expect([from, to]).toEqual(['2031-12-01T00:00:00.000Z', '2032-01-01T00:00:00.000Z']);
    });

    test('several makers at once make each of them once', async () => {
      const made = await Promise.all([1, 2, 3].map(() => makePartitions(db.pool, new Date('2033-05-10T00:00:00Z'))));
      expect(made.flat().sort()).toEqual([
        'inference_logs_2033_04',
        'inference_logs_2033_05',
        'inference_logs_2033_06',
        'inference_logs_2033_07',
        'inference_logs_2033_08',
      ]);
    });

    test('a row of a month not due yet is kept in the default partition and moves when its month is made', async () => {
      const before = await strayRows(db.pool);
      const stray = inferenceRow({ timestamp: '2040-02-03T04:05:06.789Z' });
      await db.repo.shipping.store({ ...EMPTY_BATCH, inferences: [stray] });
      expect(await strayRows(db.pool)).toBe(before + 1);
      await makePartitions(db.pool, new Date('2040-02-01T00:00:00Z'));
      expect(await strayRows(db.pool)).toBe(before);
      const { rows } = await db.pool.query(
        'SELECT tableoid::regclass::text AS part FROM vlaapi.inference_logs WHERE log_id = $1',
        [stray.log_id],
      );
      expect(rows).toEqual([{ part: 'vlaapi.inference_logs_2040_02' }]);
    });

    test('rows of months that nobody made, before this one, get their partitions with them', async () => {
      const before = await strayRows(db.pool);
      const rows = ['2026-01-01T00:00:00.000Z', '2026-02-28T23:59:59.999Z'].map((timestamp) =>
        inferenceRow({ timestamp }),
      );
      await db.repo.shipping.store({ ...EMPTY_BATCH, inferences: rows });
      expect(await strayRows(db.pool)).toBe(before);
      const names = [...(await partitionsOf()).keys()];
      expect(names).toEqual(expect.arrayContaining(['inference_logs_2026_01', 'inference_logs_2026_02']));
    });

    test('strays of earlier months move whenever partitions are made', async () => {
      const stray = inferenceRow({ timestamp: '2044-06-30T23:59:59.999Z' });
      await db.repo.shipping.store({ ...EMPTY_BATCH, inferences: [stray] });
      expect(await makePartitions(db.pool, new Date('2044-11-05T00:00:00Z'))).toEqual(
        ['06', '10', '11', '12']
          .map((month) => `inference_logs_2044_${month}`)
          .concat(['inference_logs_2045_01', 'inference_logs_2045_02']),
      );
      expect(await strayRows(db.pool)).toBe(0);
    });

    test('the first and the last millisecond of a month are in that month', async () => {
      const rows = ['2031-12-01T00:00:00.000Z', '2031-12-31T23:59:59.999Z'].map((timestamp) =>
        inferenceRow({ timestamp }),
      );
      await db.repo.shipping.store({ ...EMPTY_BATCH, inferences: rows });
      const { rows: parts } = await db.pool.query(
        'SELECT DISTINCT tableoid::regclass::text AS part FROM vlaapi.inference_logs WHERE log_id = ANY ($1)',
        [rows.map((row) => row.log_id)],
      );
      expect(parts).toEqual([{ part: 'vlaapi.inference_logs_2031_12' }]);
    });
  });
}
