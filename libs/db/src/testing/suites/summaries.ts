import { drizzle } from 'drizzle-orm/node-postgres';
import { v7 as uuidv7 } from 'uuid';
import { beforeAll, describe, expect, test } from 'vitest';
import * as schema from '../../schema.js';
import { refreshSummaries } from '../../summaries.js';
import { withCustomer } from '../../transaction.js';
import type { TestedDatabase } from './tested-database.js';

const DAY_MS = 86_400_000;

export function registerSummaryTests(db: TestedDatabase): void {
  describe('summaries', () => {
    const customer_id = uuidv7();
    const today = new Date(Math.floor(Date.now() / DAY_MS) * DAY_MS);
    const day = (ago: number) => new Date(today.getTime() - ago * DAY_MS).toISOString().slice(0, 10);
    const monthOf = (date: string) => `${date.slice(0, 7)}-01`;

    const used = (ago: number, tier: string, model: string, inferences: number, micro_dollars: number) =>
      db.pool.query('INSERT INTO vlaapi.usage_days VALUES ($1, $2, $3, $4, $5, 1, $6)', [
        customer_id,
        day(ago),
        tier,
        model,
        inferences,
        micro_dollars,
      ]);
    const reported = (type: string, more: Record<string, unknown>) => {
      const names = Object.keys(more);
      const places = names.map((_, i) => `$${i + 4}`);
      return db.pool.query(
        `INSERT INTO vlaapi.feedback (customer_id, log_id, log_timestamp, "timestamp", feedback_type, ${names.join(', ')})
         VALUES ($1, 7, now(), $2, $3, ${places.join(', ')})`,
        [customer_id, today, type, ...Object.values(more)],
      );
    };

    beforeAll(async () => {
      await db.repo.accounts.createCustomer({ name: 'summed up', customer_id });
      await used(0, 'pro', 'tabletop-v1', 40, 8_000);
      await used(0, 'pro', 'other-v1', 2, 400);
      await used(1, 'free', 'tabletop-v1', 5, 0);
      await used(89, 'free', 'tabletop-v1', 6, 0);
      await used(90, 'free', 'tabletop-v1', 7, 0);
      await used(500, 'free', 'tabletop-v1', 8, 0);
      for (const [robot_type, n, latency] of [
        ['franka_panda', 30, 10],
        ['ur5e', 10, 30],
      ]) {
        await db.pool.query(
          `INSERT INTO vlaapi.robot_performance_metrics (customer_id, robot_type, model_name, aggregation_date,
             total_inferences, success_count, success_rate, avg_latency_ms) VALUES ($1, $2, 'tabletop-v1', $3, $4, $4, 1, $5)`,
          [customer_id, robot_type, day(0), n, latency],
        );
      }
      await reported('success_rating', { rating: 5 });
      await reported('success_rating', { rating: 2 });
      await reported('safety_rating', { rating: 4 });
      await reported('action_correction', { corrected_action: [1], correction_magnitude: 0.5 });
      for (const failure_reason of ['collision', 'collision', 'timeout'])
        await reported('failure_report', { failure_reason });
      await refreshSummaries(db.pool);
    });

    const ownDays = () =>
      withCustomer(db.pool, customer_id, (client) => drizzle(client).select().from(schema.ownDailyUsageSummary));

    test('a day’s usage adds up its models, for ninety days', async () => {
      const rows = await ownDays();
      expect(rows.map((row) => row.date).sort()).toEqual([day(89), day(1), day(0)]);
      expect(rows.find((row) => row.date === day(0))).toEqual({
        customer_id,
        date: day(0),
        tier: 'pro',
        inferences: 42,
        rejected: 2,
        micro_dollars: 8_400,
        models: ['other-v1', 'tabletop-v1'],
        avg_latency_ms: 15,
        avg_safety_score: null,
      });
    });

    test('a month’s bill adds up its days by tier, for thirteen months', async () => {
      const rows = await withCustomer(db.pool, customer_id, (client) =>
        drizzle(client).select().from(schema.ownMonthlyBillingSummary),
      );
      expect(rows.find((row) => row.tier === 'pro')).toEqual({
        customer_id,
        month: monthOf(day(0)),
        tier: 'pro',
        active_days: 1,
        inferences: 42,
        rejected: 2,
        micro_dollars: 8_400,
      });
      const free = rows.filter((row) => row.tier === 'free');
      expect(free.reduce((sum, row) => sum + row.inferences, 0)).toBe(5 + 6 + 7);
    });

    test('a day’s feedback has its counts, averages and reasons, and its rate of that day’s inferences', async () => {
      const rows = await withCustomer(db.pool, customer_id, (client) =>
        drizzle(client).select().from(schema.ownFeedbackAnalytics),
      );
      expect(rows).toEqual([
        {
          customer_id,
          date: day(0),
          feedback: 7,
          logs: 1,
          success_ratings: 2,
          avg_success_rating: 3.5,
          safety_ratings: 1,
          avg_safety_rating: 4,
          corrections: 1,
          avg_correction_magnitude: 0.5,
          failures: 3,
          failure_reasons: { collision: 2, timeout: 1 },
          inferences: 42,
          feedback_rate: 1 / 42,
        },
      ]);
    });

    test('refreshed several times at once, they are the same', async () => {
      const before = await ownDays();
      await Promise.all([1, 2, 3].map(() => refreshSummaries(db.pool)));
      expect(await ownDays()).toEqual(before);
    });
  });
}
