import { createLogger } from '@sinew/telemetry';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { DOUBTFUL_AFTER_MS, NodeLease, type NodeStore, RESERVED_MS } from './node-lease.js';

let nowMs: number;
let wallMs: number;
let away: boolean;
let held: Map<number, { holder: string; freeMs: number }>;
let lost: number;
beforeEach(() => {
  vi.useFakeTimers();
  nowMs = wallMs = 1_000_000;
  away = false;
  held = new Map();
  lost = 0;
});
afterEach(() => {
  vi.useRealTimers();
});

const store: NodeStore = {
  async take(holder, forMs) {
    if (away) throw new Error('away');
    for (let node = 0; node < 64; node++) {
      if ((held.get(node)?.freeMs ?? 0) > nowMs) continue;
      held.set(node, { holder, freeMs: nowMs + forMs });
      return node;
    }
    return null;
  },
  async renew(node, holder, forMs) {
    if (away) throw new Error('away');
    if (held.get(node)?.holder !== holder) return false;
    held.set(node, { holder, freeMs: nowMs + forMs });
    return true;
  },
  async release(node, holder, afterMs) {
    if (held.get(node)?.holder === holder) held.set(node, { holder, freeMs: nowMs + afterMs });
  },
};
const take = (wait = async (_ms: number) => {}) =>
  NodeLease.take(
    {
      store,
      clock: { now: () => nowMs },
      wallNow: () => wallMs,
      log: createLogger('gateway', 'silent'),
      lost: () => {
        lost++;
      },
    },
    wait,
  );
const pass = async (ms: number): Promise<void> => {
  for (let gone = 0; gone < ms; gone += 1_000) {
    nowMs += 1_000;
    wallMs += 1_000;
    await vi.advanceTimersByTimeAsync(1_000);
  }
};

test('two gateways never have one number, and renewing keeps it for good', async () => {
  const [a, b] = [await take(), await take()];
  expect([a.node, b.node]).toEqual([0, 1]);
  await pass(3 * RESERVED_MS);
  expect([a.doubtful, b.doubtful]).toEqual([false, false]);
  expect((await take()).node).toBe(2);
});

test('a number that cannot be renewed is doubtful a minute before another gateway may have it, and sound when it is renewed', async () => {
  const a = await take();
  await pass(20_000);
  away = true;
  await pass(DOUBTFUL_AFTER_MS - 1_000);
  expect(a.doubtful).toBe(false);
  await pass(2_000);
  expect(a.doubtful).toBe(true);
  expect(held.get(a.node)?.freeMs).toBeGreaterThanOrEqual(nowMs + 55_000);
  away = false;
  await pass(3_000);
  expect(a.doubtful).toBe(false);
  expect(lost).toBe(0);
});

test('a machine that slept doubts its number before it asks, and ends where it is gone', async () => {
  const a = await take();
  wallMs += RESERVED_MS;
  expect(a.doubtful).toBe(true);
  held.set(a.node, { holder: 'another', freeMs: nowMs + RESERVED_MS });
  await a.renew();
  expect(lost).toBe(1);
  wallMs = nowMs;
  expect(a.doubtful).toBe(true);
});

test('one that starts without the database waits for it, and for a number where all are taken', async () => {
  away = true;
  let waits = 0;
  const lease = await take(async () => {
    if (++waits === 3) away = false;
  });
  expect([lease.node, waits]).toEqual([0, 3]);
  for (let node = 1; node < 64; node++) await take();
  waits = 0;
  const late = await take(async () => {
    waits++;
    await lease.release();
    nowMs += 61_000;
  });
  expect(late.node).toBe(0);
});
