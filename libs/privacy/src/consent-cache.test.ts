import { expect, test } from 'vitest';
import { ConsentCache, GRACE_MS } from './consent-cache.js';
import { TIER_PERMISSIONS } from './tiers.js';

const ANA = '01900000-0000-7000-8000-00000000000a';
const BEN = '01900000-0000-7000-8000-00000000000b';

function bench() {
  const rows = new Map<string, Record<string, unknown>>();
  const asked: (readonly string[])[] = [];
  const faults: unknown[] = [];
  const world = { nowMs: 1_000_000, shiftMs: 0, away: false, hold: null as Promise<void> | null };
  const cache = new ConsentCache(
    async (ids) => {
      asked.push(ids);
      const found = new Map(ids.filter((id) => rows.has(id)).map((id) => [id, rows.get(id)] as const));
      await world.hold;
      if (world.away) throw new Error('the database is away');
      return found;
    },
    { now: () => world.nowMs, wall: () => world.nowMs + world.shiftMs },
    (error) => faults.push(error),
  );
  const grant = (
    customer: string,
    tier: 'none' | 'analytics' | 'research',
    version = 1,
    expires_at: Date | null = null,
  ) =>
    rows.set(customer, {
      consent_tier: tier,
      consent_version: version,
      consented_at: new Date(0),
      expires_at,
      ...TIER_PERMISSIONS[tier],
    });
  /** As the gateway does: a refresh a second. */
  const pass = async (seconds: number) => {
    for (let i = 0; i < seconds; i++) {
      world.nowMs += 1_000;
      await cache.refresh();
    }
  };
  return { cache, rows, asked, faults, world, grant, pass };
}

test('a first reading finds unknown and asks; the next one knows', async () => {
  const { cache, grant } = bench();
  grant(ANA, 'research');
  expect(cache.of(ANA)).toBe('unknown');
  expect(cache.mayStore(ANA, 'image')).toBe(false);
  await cache.known(ANA);
  expect(cache.mayStore(ANA, 'image')).toBe(true);
  expect(cache.inForce(ANA)).toEqual({ tier: 'research', version: 1 });
});

test('who has no row has the tier none', async () => {
  const { cache } = bench();
  await cache.known(ANA);
  expect(cache.of(ANA)).toBe(null);
  expect(cache.inForce(ANA)).toEqual({ tier: 'none', version: 0 });
});

test('a change is in force within 3 s without anybody telling', async () => {
  const { cache, grant, pass } = bench();
  grant(ANA, 'research');
  await cache.known(ANA);
  await pass(7);
  grant(ANA, 'none', 2);
  await pass(3);
  expect(cache.inForce(ANA)).toEqual({ tier: 'none', version: 2 });
});

test('what was asked for before a change does not count after it', async () => {
  const { cache, grant, world } = bench();
  grant(ANA, 'research');
  await cache.known(ANA);
  world.nowMs += 2_000;
  let answer = () => {};
  world.hold = new Promise((resolve) => {
    answer = resolve;
  });
  const old = cache.refresh();
  grant(ANA, 'none', 2);
  const told = cache.changed(ANA, 2);
  expect(cache.mayStore(ANA, 'image')).toBe(false);
  answer();
  await Promise.all([old, told]);
  expect(cache.inForce(ANA)).toEqual({ tier: 'none', version: 2 });
});

test('all customers are one question, and it is not asked more than every other second', async () => {
  const { cache, asked, pass } = bench();
  cache.of(ANA);
  cache.of(BEN);
  await cache.known(BEN);
  expect(asked).toEqual([[ANA, BEN]]);
  await pass(10);
  expect(asked.length).toBe(6);
});

test('with the database away a consent counts for as long as a change may take, 5 s, then it is unknown and nothing more is stored', async () => {
  const { cache, faults, grant, pass, world } = bench();
  grant(ANA, 'research');
  await cache.known(ANA);
  world.away = true;
  await pass(GRACE_MS / 1_000);
  expect(GRACE_MS).toBeLessThanOrEqual(5_000);
  expect(cache.mayStore(ANA, 'image')).toBe(true);
  await pass(1);
  expect(cache.mayStore(ANA, 'image')).toBe(false);
  expect(cache.inForce(ANA)).toEqual({ tier: 'unknown', version: null });
  expect(faults.length).toBe(1);
  world.away = false;
  await pass(1);
  expect(cache.mayStore(ANA, 'image')).toBe(true);
  world.away = true;
  await pass(2);
  expect(faults.length).toBe(2);
});

test('a change that was told of while the database is away leaves no grace', async () => {
  const { cache, grant, world } = bench();
  grant(ANA, 'research');
  await cache.known(ANA);
  world.away = true;
  await cache.changed(ANA, 2);
  expect(cache.mayStore(ANA, 'image')).toBe(false);
});

test('news of a change that is known already, and of customers that nobody reads, ask nothing', async () => {
  const { asked, cache, grant } = bench();
  grant(ANA, 'research', 3);
  await cache.known(ANA);
  asked.length = 0;
  await Promise.all([cache.changed(ANA, 2), cache.changed(ANA, 3), cache.changed(BEN, 1)]);
  expect(asked).toEqual([]);
  expect(cache.mayStore(ANA, 'image')).toBe(true);
});

test('a question that hangs does not keep the next one from being asked', async () => {
  const { cache, grant, world } = bench();
  grant(ANA, 'analytics');
  await cache.known(ANA);
  let answer = () => {};
  world.hold = new Promise((resolve) => {
    answer = resolve;
  });
  world.nowMs += 2_000;
  const hung = cache.refresh();
  world.hold = null;
  grant(ANA, 'none', 2);
  world.nowMs += 5_000;
  await cache.refresh();
  expect(cache.inForce(ANA).tier).toBe('none');
  // The late answer is older than what is known by now.
  answer();
  await hung;
  expect(cache.inForce(ANA).tier).toBe('none');
});

test('it ends by the clock, between two questions', async () => {
  const { cache, grant, world } = bench();
  grant(ANA, 'research', 4, new Date(world.nowMs + 500));
  await cache.known(ANA);
  expect(cache.mayStore(ANA, 'embedding')).toBe(true);
  world.nowMs += 500;
  expect(cache.mayStore(ANA, 'embedding')).toBe(false);
  expect(cache.inForce(ANA)).toEqual({ tier: 'none', version: 4 });
});

test('setting the calendar changes when a consent ends, not for how long it is known', async () => {
  const { cache, grant, world } = bench();
  grant(ANA, 'research', 1, new Date(world.nowMs + 5_000));
  await cache.known(ANA);
  expect(cache.mayStore(ANA, 'image')).toBe(true);
  world.shiftMs = 5_000;
  expect(cache.mayStore(ANA, 'image')).toBe(false);
  world.shiftMs = -500_000;
  expect(cache.mayStore(ANA, 'image')).toBe(true);
  world.nowMs += GRACE_MS + 1;
  expect(cache.mayStore(ANA, 'image')).toBe(false);
});

test('who is read no more is asked for no more', async () => {
  const { cache, asked, pass } = bench();
  await cache.known(ANA);
  cache.of(BEN);
  for (let minute = 0; minute < 15; minute++) {
    await pass(60);
    cache.of(BEN);
  }
  asked.length = 0;
  await pass(2);
  expect(asked).toEqual([[BEN]]);
});
