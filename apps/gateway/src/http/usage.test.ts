import { Usage } from '@sinew/contracts';
import type { UsageDay } from '@sinew/db';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { KEY, startTestGateway, type TestGateway, WATCH_ONLY_KEY } from '../testing/test-gateway.js';
import { usageRoutes } from './usage.js';

const day = (name: string, more: Partial<UsageDay> = {}): UsageDay => ({
  day: name,
  tier: 'pro',
  model_name: 'tabletop-v1',
  inferences: 10,
  rejected: 1,
  micro_dollars: 1_800,
  ...more,
});

let server: TestGateway;
let stored: UsageDay[];
let asked: { customerId: string; from: string; to: string }[];
beforeAll(async () => {
  server = await startTestGateway({
    routes: () =>
      usageRoutes({
        ofCustomer: async (customerId, { from, to }) => {
          asked.push({ customerId, from, to });
          return stored.filter((row) => row.day >= from && row.day <= to);
        },
        wallNow: () => Date.UTC(2026, 10, 21, 23, 30),
      }),
  });
});
afterAll(() => server.stop());
beforeEach(() => {
  asked = [];
  stored = [day('2026-10-31'), day('2026-11-01'), day('2026-11-21', { model_name: 'other' }), day('2026-11-21')];
});

const get = (query = '', key = KEY) =>
  fetch(`${server.http}/v1/usage${query}`, { headers: { Authorization: `Bearer ${key}` } });

test('this month comes by day and model and as a sum, with what is left of it, for any key of the customer', async () => {
  const response = await get('', WATCH_ONLY_KEY);
  expect(response.status).toBe(200);
  const usage = Usage.parse(await response.json());
  expect(usage).toMatchObject({
    tier: 'enterprise',
    quota: { month: '2026-11', used: 30, limit: null, remaining: null },
    months: [{ month: '2026-11', inferences: 30, rejected: 3, micro_dollars: 5_400 }],
  });
  expect(usage.days.map((row) => row.day)).toEqual(['2026-11-01', '2026-11-21', '2026-11-21']);
  expect(new Set(asked.map(({ customerId }) => customerId)).size).toBe(1);
});

test('a period over months is summed by month, and the quota is this month’s all the same', async () => {
  const usage = Usage.parse(await (await get('?start_date=2026-10-01&end_date=2026-11-05')).json());
  expect(usage.months).toMatchObject([
    { month: '2026-10', inferences: 10 },
    { month: '2026-11', inferences: 10 },
  ]);
  expect(usage.quota.used).toBe(30);
});

test('an end alone means its month', async () => {
  await get('?end_date=2026-09-10');
  expect(asked).toContainEqual(expect.objectContaining({ from: '2026-09-01', to: '2026-09-10' }));
});

test.each([
  ['?start_date=yesterday', 'start_date'],
  ['?start_date=2026-02-30', 'start_date'],
  ['?start_date=2026-11-05&end_date=2026-11-01', 'start_date'],
  ['?start_date=2027-01-01', 'start_date'],
  ['?start_date=2020-01-01&end_date=2026-11-01', 'start_date'],
  ['?start_date=2020-01-01', 'start_date'],
  ['?model=x', 'model'],
])('%s is refused with its field', async (query, field) => {
  const response = await get(query);
  expect(response.status).toBe(422);
  expect(await response.json()).toMatchObject({ error: 'validation_failed', field });
});
