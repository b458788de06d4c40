import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { SharedState } from '../shared-state.js';
import { registerContract } from '../testing/contract.js';
import { type Gate, openGate } from '../testing/gate.js';
import { openRedisState } from './redis-shared-state.js';

/** A database of its own beside the others' tests: those empty theirs. */
const DATABASE = 7;
const base = process.env.SINEW_TEST_REDIS_URL;
if (base === undefined) throw new Error('SINEW_TEST_REDIS_URL is not set');
const url = new URL(base);
url.pathname = `/${DATABASE}`;

let admin: Redis;
beforeAll(() => {
  admin = new Redis(url.href);
});
beforeEach(() => admin.flushdb());
afterAll(async () => {
  await admin.flushdb();
  await admin.quit();
});

const silent = { operation: () => {}, away: () => {} };

/** Redis has no clock to turn: what it keeps is moved into the past instead. */
async function pass(ms: number): Promise<void> {
  for (const key of await admin.keys('sinew:*')) {
    if (key.startsWith('sinew:leases:')) {
      const members = await admin.zrange(key, '0', '-1');
      for (const member of members) await admin.zincrby(key, String(-ms), member);
    } else if (key.startsWith('sinew:rate:')) {
      await admin.set(key, String(Number(await admin.get(key)) - ms), 'KEEPTTL');
    }
    const left = (await admin.pttl(key)) - ms;
    if (left > 0) await admin.pexpire(key, left);
    else await admin.del(key);
  }
}

describe('the shared state on Redis', () => {
  registerContract(async () => {
    let localMs = 0;
    const open = () => openRedisState({ url: url.href, now: () => localMs, events: silent });
    const [a, b] = await Promise.all([open(), open()]);
    return {
      a,
      b,
      pass: async (ms) => {
        localMs += ms;
        await pass(ms);
      },
      close: async () => {
        await Promise.all([a.close(), b.close()]);
      },
    };
  });

  test('everything that it keeps ends by itself', async () => {
    const state = await openRedisState({ url: url.href, now: () => 0, events: silent });
    await state.limiter.take('k', { perMinute: 60, burst: 5 });
    await state.leases.acquire('s', 'm', 2, 60_000);
    await state.leases.renew('r', ['m'], 60_000);
    await state.counters.add('c', 1, { ttlMs: 60_000 });
    await state.dedup.claim('c', 'running');
    await state.dedup.claim('c', 'answered');
    await state.dedup.answer('c', 'answered', { status: 200, body: '', content: 'c' });
    const keys = await admin.keys('*');
    expect(keys.length).toBeGreaterThanOrEqual(7);
    for (const key of keys) expect(await admin.pttl(key), key).toBeGreaterThan(0);
    await state.close();
  });
});

describe('with Redis away', () => {
  let gate: Gate;
  let state: SharedState;
  const changes: boolean[] = [];
  const waiting: { away: boolean; resolve: () => void }[] = [];
  const operations: string[] = [];
  const events = {
    operation: (name: string) => operations.push(name),
    away: (away: boolean) => {
      changes.push(away);
      for (const waiter of waiting.splice(0)) waiter.resolve();
    },
  };
  const until = async (away: boolean): Promise<void> => {
    while (changes.at(-1) !== away) await new Promise<void>((resolve) => waiting.push({ away, resolve }));
  };
  const throughGate = (): string => {
    const gated = new URL(url);
    gated.hostname = '127.0.0.1';
    gated.port = String(gate.port);
    return gated.href;
  };
  const rate = { perMinute: 60, burst: 5 };

  beforeEach(async () => {
    changes.length = 0;
    operations.length = 0;
    gate = await openGate(url.hostname, Number(url.port || '6379'));
  });

  test('a gateway goes on in its own memory with what it knew, and comes back by itself', async () => {
    state = await openRedisState({ url: throughGate(), now: () => 0, events });
    const other = await openRedisState({ url: url.href, now: () => 0, events: silent });
    await state.leases.acquire('s', 'mine', 2, 60_000);
    await other.leases.acquire('s', 'theirs', 2, 60_000);
    await state.counters.add('c', 100, { ttlMs: 60_000 });
    await state.dedup.claim('customer', 'before');
    await state.dedup.answer('customer', 'before', { status: 200, body: 'x', content: 'c' });
    expect(changes).toEqual([]);

    await gate.shut();
    await until(true);
    const asked = operations.length;
    expect(await state.leases.acquire('s', 'second', 2, 60_000)).toMatchObject({ granted: true, held: 2 });
    expect(await state.leases.acquire('s', 'third', 2, 60_000)).toMatchObject({ granted: false, held: 2 });
    expect(await state.counters.add('c', 5, { ttlMs: 60_000 })).toBe(105);
    expect(await state.dedup.claim('customer', 'before')).toEqual({
      kind: 'answered',
      answer: { status: 200, body: 'x', content: 'c' },
    });
    expect(await state.dedup.claim('customer', 'meanwhile')).toEqual({ kind: 'new' });
    await state.dedup.answer('customer', 'meanwhile', { status: 200, body: 'y', content: 'c' });
    for (let i = 0; i < 5; i++) expect((await state.limiter.take('k', rate)).allowed).toBe(true);
    expect((await state.limiter.take('k', rate)).allowed).toBe(false);
    await state.bus.publish('keys', 'nobody hears it');
    expect(operations.length).toBe(asked);
    expect(await other.counters.add('c', 3, { ttlMs: 60_000 })).toBe(103);

    await gate.open();
    await until(false);
    await state.leases.renew('s', ['mine', 'second'], 60_000);
    expect(await other.leases.acquire('s', 'fourth', 3, 60_000)).toMatchObject({ granted: false, held: 3 });
    expect(await state.counters.add('c', 0, { ttlMs: 60_000, floor: 105 })).toBe(105);
    expect(await other.counters.add('c', 0, { ttlMs: 60_000 })).toBe(105);
    expect(await state.dedup.claim('customer', 'meanwhile')).toMatchObject({ kind: 'answered' });
    expect(changes).toEqual([true, false]);

    // The bus' own connection comes back by itself too.
    const heard = new Promise<string>((resolve) => void state.bus.subscribe('keys', resolve));
    const speaking = setInterval(() => void other.bus.publish('keys', 'back'), 50);
    expect(await heard).toBe('back');
    clearInterval(speaking);
    await Promise.all([state.close(), other.close(), gate.shut()]);
  });

  test('without Redis from the start it answers from memory, and takes Redis up when it appears', async () => {
    await gate.shut();
    state = await openRedisState({ url: throughGate(), now: () => 0, events });
    expect(changes).toEqual([true]);
    expect(await state.counters.add('c', 1, { ttlMs: 60_000 })).toBe(1);
    await gate.open();
    await until(false);
    await state.counters.add('c', 1, { ttlMs: 60_000, floor: 1 });
    expect(await admin.get('sinew:count:c')).toBe('2');
    await Promise.all([state.close(), gate.shut()]);
  });

  test('a Redis that says nothing is waited for once, then nobody waits any more', async () => {
    state = await openRedisState({ url: url.href, now: () => 0, events });
    await admin.call('CLIENT', 'PAUSE', '3000', 'ALL');
    const [first, second] = await Promise.all([state.limiter.take('k', rate), state.limiter.take('k', rate)]);
    expect([first.allowed, second.allowed]).toEqual([true, true]);
    expect(changes).toEqual([true]);
    const asked = operations.length;
    expect((await state.limiter.take('k', rate)).allowed).toBe(true);
    expect(operations.length).toBe(asked);
    await until(false);
    await Promise.all([state.close(), gate.shut()]);
  });
});
