import { EMPTY_BATCH, type InferenceRow, type ShippedBatch } from '@sinew/db';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inferenceRow } from './rows.js';
import { type Refused, type RowStore, storeOrRefuse } from './store-or-refuse.js';
import { inference } from './test-records.js';

function batch(ids: readonly number[]): ShippedBatch {
  return { ...EMPTY_BATCH, inferences: ids.map((log_id) => inferenceRow(inference({ log_id }))) };
}

/** Takes whole batches only, and none with a row of `bad`, as a transaction does. */
function database(bad: ReadonlySet<number>, code: string) {
  const rows: number[] = [];
  const refused: number[] = [];
  const store: RowStore = {
    async store({ inferences }) {
      if (inferences.some(({ log_id }) => bad.has(log_id))) throw Object.assign(new Error('refused'), { code });
      rows.push(...inferences.map(({ log_id }) => log_id));
      return { inserted: inferences.length, repeated: 0, conflicts: [], erased: 0 };
    },
    async refuse({ row }: Refused) {
      refused.push((row as InferenceRow).log_id);
    },
  };
  return { store, rows, refused };
}

describe('storeOrRefuse', () => {
  it('puts aside exactly the rows that the database will never take', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.nat(60)), fc.uniqueArray(fc.nat(60)), async (ids, bad) => {
        const { store, rows, refused } = database(new Set(bad), '22P02');
        const result = await storeOrRefuse(store, batch(ids));
        expect(rows).toEqual(ids.filter((id) => !bad.includes(id)));
        expect(refused).toEqual(ids.filter((id) => bad.includes(id)));
        expect(result).toMatchObject({ inserted: rows.length, refused: refused.length });
      }),
    );
  });

  it.each(['08006', '57P05', '53100', '42P01', 'ECONNREFUSED'])(
    'never puts a row aside for %s: the database is away',
    async (code) => {
      const { store, refused } = database(new Set([2]), code);
      await expect(storeOrRefuse(store, batch([1, 2, 3]))).rejects.toMatchObject({ code });
      expect(refused).toEqual([]);
    },
  );
});
