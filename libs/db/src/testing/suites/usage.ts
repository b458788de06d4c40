import { INFERENCE_MICRO_DOLLARS } from '@sinew/contracts';
import { v7 as uuidv7 } from 'uuid';
import { describe, expect, test } from 'vitest';
import type { CustomerTier } from '../../schema.js';
import { EMPTY_BATCH } from '../../shipping-rows.js';
import { inferenceRow } from '../rows.js';
import type { TestedDatabase } from './tested-database.js';

const ALL = { from: '2000-01-01', to: '2100-01-01' };

export function registerUsageTests(db: TestedDatabase): void {
  describe('usage', () => {
    const customer = async (tier: CustomerTier): Promise<string> => {
      const customer_id = uuidv7();
      await db.repo.accounts.createCustomer({ name: `${tier} ${customer_id}`, tier, customer_id });
      return customer_id;
    };
    const store = (inferences: ReturnType<typeof inferenceRow>[]) =>
      db.repo.shipping.store({ ...EMPTY_BATCH, inferences });

    test('is counted a day and model at the tier’s price, with what came to nothing beside', async () => {
      const customer_id = await customer('pro');
      const at = (timestamp: string, more = {}) => inferenceRow({ customer_id, timestamp, ...more });
      await store([
        at('2026-11-06T00:00:00.000Z'),
        at('2026-11-06T23:59:59.999Z', { status: 'safety_rejected' }),
        at('2026-11-06T12:00:00.000Z', { status: 'rejected' }),
        at('2026-11-06T12:00:00.001Z', { status: 'error', action_vector: [], action_magnitude: null }),
        at('2026-11-06T12:00:00.002Z', { status: 'expired' }),
        at('2026-11-06T12:00:00.003Z', { model_name: 'other' }),
        at('2026-11-07T00:00:00.000Z'),
        inferenceRow(),
      ]);
      const price = INFERENCE_MICRO_DOLLARS.pro;
      const row = { tier: 'pro', model_name: 'tabletop-v1', rejected: 0 };
      expect(await db.repo.usage.ofCustomer(customer_id, ALL)).toEqual([
        { ...row, day: '2026-11-06', model_name: 'other', inferences: 1, micro_dollars: price },
        { ...row, day: '2026-11-06', inferences: 5, rejected: 3, micro_dollars: 2 * price },
        { ...row, day: '2026-11-07', inferences: 1, micro_dollars: price },
      ]);
      const day = { from: '2026-11-07', to: '2026-11-07' };
      expect(await db.repo.usage.ofCustomer(customer_id, day)).toHaveLength(1);
    });

    test('shipped twice, or in overlapping batches, is counted once', async () => {
      const customer_id = await customer('enterprise');
      const rows = Array.from({ length: 2_300 }, () => inferenceRow({ customer_id }));
      await store(rows.slice(0, 2_000));
      await store(rows.slice(0, 2_000));
      await Promise.all([store(rows.slice(1_500)), store(rows.slice(1_000))]);
      expect(await db.repo.usage.ofCustomer(customer_id, ALL)).toMatchObject([
        { inferences: 2_300, micro_dollars: 2_300 * INFERENCE_MICRO_DOLLARS.enterprise },
      ]);
    });

    test('of a batch that is refused nothing is counted, of a row whose place is taken neither', async () => {
      const customer_id = await customer('pro');
      const first = inferenceRow({ customer_id });
      await store([first]);
      await store([inferenceRow({ customer_id, log_id: first.log_id })]);
      const broken = inferenceRow({ customer_id, status: 'unheard of' as 'ok' });
      await expect(store([inferenceRow({ customer_id }), broken])).rejects.toThrow();
      expect(await db.repo.usage.ofCustomer(customer_id, ALL)).toMatchObject([{ inferences: 1 }]);
    });

    test('follows the tier from the change on', async () => {
      const customer_id = await customer('free');
      await store([inferenceRow({ customer_id })]);
      await db.pool.query("UPDATE vlaapi.customers SET tier = 'pro' WHERE customer_id = $1", [customer_id]);
      await store([inferenceRow({ customer_id }), inferenceRow({ customer_id })]);
      expect(await db.repo.usage.ofCustomer(customer_id, ALL)).toMatchObject([
        { tier: 'free', inferences: 1, micro_dollars: 0 },
        { tier: 'pro', inferences: 2, micro_dollars: 2 * INFERENCE_MICRO_DOLLARS.pro },
      ]);
    });

    test('is nobody else’s, and summed a month for the gateways', async () => {
      const [mine, theirs] = [await customer('free'), await customer('free')];
      const at = (customer_id: string, timestamp: string) => inferenceRow({ customer_id, timestamp });
      await store([
        at(mine, '2026-09-30T23:59:59.999Z'),
        at(mine, '2026-10-01T00:00:00.000Z'),
        at(mine, '2026-10-31T23:59:59.999Z'),
        at(mine, '2026-11-01T00:00:00.000Z'),
        at(theirs, '2026-10-05T00:00:00.000Z'),
      ]);
      expect(await db.repo.usage.ofCustomer(theirs, ALL)).toHaveLength(1);
      const month = await db.repo.usage.ofMonth([mine, theirs, uuidv7()], '2026-10-01');
      expect([...month].sort()).toEqual(
        [
          [mine, 2],
          [theirs, 1],
        ].sort(),
      );
    });
  });
}
