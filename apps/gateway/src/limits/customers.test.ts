import { createMemoryState } from '@sinew/cache';
import { createLogger, createMetrics } from '@sinew/telemetry';
import { afterEach, expect, test } from 'vitest';
import type { Principal } from '../auth.js';
import { Customers } from './customers.js';

const CUSTOMER = '01900000-0000-7000-8000-000000000001';
const open: Customers[] = [];
afterEach(async () => {
  for (const customers of open.splice(0)) await customers.close();
});

const principal = (more: Partial<Principal> = {}): Principal => ({
  customerId: CUSTOMER,
  keyId: '01900000-0000-7000-8000-0000000000a1',
  tier: 'free',
  scopes: new Set(['stream']),
  operator: false,
  limits: { monthly_inferences: 4 },
  ...more,
});

function gateway(labels: boolean) {
  let nowMs = 1_000_000;
  const metrics = createMetrics();
  const exhausted: string[] = [];
  const customers = new Customers({
    shared: createMemoryState(() => nowMs),
    usedInMonth: async () => new Map([[CUSTOMER, 1]]),
    clock: { now: () => nowMs },
    wallNow: () => Date.UTC(2026, 10, 21),
    metrics,
    labels,
    log: createLogger('gateway', 'silent'),
    exhausted: (customerId) => exhausted.push(customerId),
  });
  open.push(customers);
  const utilization = async () => (await metrics.quotaUtilization.get()).values;
  return {
    customers,
    exhausted,
    utilization,
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

test('metrics name a customer only where they may', async () => {
  for (const labels of [true, false]) {
    const { customers, utilization } = gateway(labels);
    const account = customers.of(principal());
    await customers.quota.refresh(account);
    account.inferred();
    await customers.exchange();
    const expected = labels ? [{ labels: { customer_id: CUSTOMER }, value: 0.5 }] : [];
    expect(await utilization()).toEqual(expected);
  }
});

test('a customer is said to have used up its month once', async () => {
  const { customers, exhausted } = gateway(false);
  const account = customers.of(principal());
  await customers.quota.refresh(account);
  for (let i = 0; i < 5; i++) {
    account.inferred();
    await customers.exchange();
  }
  expect(exhausted).toEqual([CUSTOMER]);
});

test('a changed tier is in force with the next key that is shown, for what runs too', () => {
  const { customers } = gateway(false);
  const account = customers.of(principal());
  expect(account.limits).toMatchObject({ sessions: 10, monthly_inferences: 4 });
  expect(customers.of(principal({ tier: 'pro', limits: null }))).toBe(account);
  expect(account.limits).toMatchObject({ sessions: 100, monthly_inferences: 10_000_000 });
});

test('an account that nobody uses is forgotten, one that is held is not', async () => {
  const { customers, pass, utilization } = gateway(true);
  const idle = customers.of(principal());
  const held = customers.of(principal({ customerId: '01900000-0000-7000-8000-000000000002' }));
  held.users++;
  await customers.exchange();
  expect(await utilization()).toHaveLength(2);
  pass(601_000);
  await customers.exchange();
  expect(await utilization()).toHaveLength(1);
  expect(customers.of(principal())).not.toBe(idle);
  expect(customers.of(principal({ customerId: held.customerId }))).toBe(held);
});
