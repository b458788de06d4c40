import { createMemoryState } from '@sinew/cache';
import { TIER_LIMITS } from '@sinew/contracts';
import { createLogger } from '@sinew/telemetry';
import { beforeEach, expect, test } from 'vitest';
import { CustomerAccount } from './customer-account.js';
import { Quota } from './quota.js';

const limits = { ...TIER_LIMITS.free, monthly_inferences: 10 };

let wallMs: number;
let stored: Map<string, number>;
let away: boolean;
let shared: ReturnType<typeof createMemoryState>;
beforeEach(() => {
  wallMs = Date.UTC(2026, 10, 30, 23, 59, 0);
  stored = new Map();
  away = false;
  shared = createMemoryState(() => wallMs);
});

const gateway = () => {
  const account = new CustomerAccount('c', limits, 0);
  const quota = new Quota({
    counters: shared.counters,
    usedInMonth: async () => {
      if (away) throw new Error('away');
      return stored;
    },
    wallNow: () => wallMs,
    log: createLogger('gateway', 'silent'),
  });
  const infer = (n: number) => {
    for (let i = 0; i < n; i++) account.inferred();
  };
  return { account, quota, infer };
};

test('a month begins where the database is, and two gateways count it together', async () => {
  stored.set('c', 4);
  const [a, b] = [gateway(), gateway()];
  await a.quota.refresh(a.account);
  a.infer(3);
  await a.quota.exchangeAll([a.account]);
  await b.quota.refresh(b.account);
  expect([a.account.used, b.account.used]).toEqual([7, 7]);
  b.infer(3);
  expect(b.account.exhausted).toBe(true);
  expect(a.account.exhausted).toBe(false);
  expect(await b.quota.exchangeAll([b.account])).toEqual([b.account]);
  expect(await a.quota.exchangeAll([a.account])).toEqual([a.account]);
  expect(await a.quota.exchangeAll([a.account])).toEqual([]);
  expect([a.account.exhausted, b.account.exhausted]).toEqual([true, true]);
});

test('what is stored before it was told to the others is not counted twice', async () => {
  const a = gateway();
  await a.quota.refresh(a.account);
  for (let i = 1; i <= 5; i++) {
    a.infer(1);
    stored.set('c', i);
    await a.quota.compare([a.account]);
  }
  expect(a.account.used).toBe(5);
});

test('a counter that was lost is right again by the gateways and by the database', async () => {
  const a = gateway();
  await a.quota.refresh(a.account);
  a.infer(5);
  await a.quota.exchangeAll([a.account]);
  shared = createMemoryState(() => wallMs);
  const b = gateway();
  stored.set('c', 6);
  await b.quota.refresh(b.account);
  expect(b.account.used).toBe(6);
});

test('with the database away nobody waits for it, and the count goes on', async () => {
  away = true;
  const a = gateway();
  await a.quota.refresh(a.account);
  a.infer(10);
  expect(a.account.exhausted).toBe(true);
  await a.quota.refresh(a.account);
  expect(a.account.used).toBe(10);
});

test('a new month begins at nothing, and what was made before belongs to the old one', async () => {
  const a = gateway();
  await a.quota.refresh(a.account);
  a.infer(10);
  wallMs += 120_000;
  await a.quota.exchangeAll([a.account]);
  expect(a.quota.month).toBe('2026-12-01');
  await a.quota.refresh(a.account);
  a.infer(1);
  await a.quota.exchangeAll([a.account]);
  expect([a.account.used, a.account.exhausted]).toEqual([1, false]);
  expect(await shared.counters.add('inferences:2026-11-01:c', 0, { ttlMs: 1 })).toBe(10);
});

test('a customer without a quota is never out of it, and costs the others no question', async () => {
  const account = new CustomerAccount('c', TIER_LIMITS.enterprise, 0);
  const { quota } = gateway();
  away = true;
  for (let i = 0; i < 100; i++) account.inferred();
  await quota.refresh(account);
  expect(await quota.exchangeAll([account])).toEqual([]);
  expect([account.exhausted, account.utilization, account.seeded]).toEqual([false, null, false]);
});
