import { expect, test } from 'vitest';
import { CLAIM_MS, DUPLICATE_MS, REPLAY_MS, type SharedState } from '../shared-state.js';

/** A state under test, and its time. */
export interface TestedState {
  /** Two gateways' views of one state; the same one twice where it cannot be shared. */
  readonly a: SharedState;
  readonly b: SharedState;
  /** Lets this much time pass for the state. */
  pass(ms: number): Promise<void>;
  close(): Promise<void>;
}

let names = 0;
/** A name that no other test uses. */
const fresh = (): string => `t${++names}`;

/** What every implementation of `SharedState` promises. Call within a `describe`. */
export function registerContract(open: () => Promise<TestedState>): void {
  const withState = (title: string, body: (state: TestedState) => Promise<void>) =>
    test(title, async () => {
      const state = await open();
      try {
        await body(state);
      } finally {
        await state.close();
      }
    });
  const rate = { perMinute: 60, burst: 5 };

  withState('a burst passes, what follows comes back at the rate, and both gateways count together', async (state) => {
    const key = fresh();
    const taken = [];
    for (let i = 0; i < 6; i++) taken.push(await (i % 2 === 0 ? state.a : state.b).limiter.take(key, rate));
    expect(taken.map(({ allowed }) => allowed)).toEqual([true, true, true, true, true, false]);
    expect(taken.slice(0, 5).map(({ remaining }) => remaining)).toEqual([4, 3, 2, 1, 0]);
    expect(taken[5]).toEqual({ allowed: false, limit: 5, remaining: 0, resetS: 5, retryS: 1 });
    await state.pass(2_000);
    expect(await state.b.limiter.take(key, rate)).toMatchObject({ allowed: true, remaining: 1 });
    await state.pass(60_000);
    expect(await state.a.limiter.take(key, rate)).toEqual({
      allowed: true,
      limit: 5,
      remaining: 4,
      resetS: 1,
      retryS: 0,
    });
  });

  withState('what is refused costs nothing, and says when it would pass', async (state) => {
    const key = fresh();
    await state.a.limiter.take(key, rate, 4);
    expect(await state.a.limiter.take(key, rate, 4)).toMatchObject({ allowed: false, remaining: 1, retryS: 3 });
    expect(await state.a.limiter.take(key, rate, 1)).toMatchObject({ allowed: true, remaining: 0 });
  });

  withState('one key’s rate is not another’s', async (state) => {
    const [mine, theirs] = [fresh(), fresh()];
    await state.a.limiter.take(mine, rate, 5);
    expect(await state.a.limiter.take(theirs, rate)).toMatchObject({ allowed: true, remaining: 4 });
  });

  withState(
    'places are given up to the maximum, over both gateways, and again when one is given back',
    async (state) => {
      const set = fresh();
      expect(await state.a.leases.acquire(set, 'one', 2, 60_000)).toEqual({ granted: true, held: 1, again: false });
      expect(await state.b.leases.acquire(set, 'two', 2, 60_000)).toMatchObject({ granted: true, held: 2 });
      expect(await state.b.leases.acquire(set, 'three', 2, 60_000)).toMatchObject({ granted: false, held: 2 });
      expect(await state.b.leases.acquire(set, 'one', 2, 60_000)).toEqual({ granted: true, held: 2, again: true });
      await state.a.leases.release(set, 'one');
      expect(await state.b.leases.acquire(set, 'three', 2, 60_000)).toMatchObject({ granted: true, held: 2 });
      await state.a.leases.release(set, 'nobody');
    },
  );

  withState('a place that nobody renews lapses; one that is renewed does not', async (state) => {
    const set = fresh();
    await state.a.leases.acquire(set, 'dead', 2, 60_000);
    await state.b.leases.acquire(set, 'alive', 2, 60_000);
    await state.pass(40_000);
    await state.b.leases.renew(set, ['alive'], 60_000);
    await state.pass(30_000);
    expect(await state.a.leases.acquire(set, 'new', 2, 60_000)).toMatchObject({ granted: true, held: 2 });
    expect(await state.a.leases.acquire(set, 'newer', 2, 60_000)).toMatchObject({ granted: false, held: 2 });
    await state.pass(61_000);
    expect(await state.a.leases.acquire(set, 'newer', 2, 60_000)).toMatchObject({ granted: true, held: 1 });
  });

  withState('renewing restores a place that lapsed, above the maximum too', async (state) => {
    const set = fresh();
    await state.a.leases.acquire(set, 'runs', 1, 1_000);
    await state.pass(2_000);
    await state.b.leases.acquire(set, 'other', 1, 60_000);
    await state.a.leases.renew(set, ['runs'], 60_000);
    expect(await state.b.leases.acquire(set, 'third', 3, 60_000)).toMatchObject({ granted: true, held: 3 });
    await state.a.leases.renew(set, [], 60_000);
  });

  withState('a counter is one for both gateways, exact beyond 2^31', async (state) => {
    const key = fresh();
    const ttlMs = 60_000;
    expect(await state.a.counters.add(key, 3, { ttlMs })).toBe(3);
    expect(await state.b.counters.add(key, 0, { ttlMs })).toBe(3);
    expect(await state.b.counters.add(key, 2 ** 40, { ttlMs })).toBe(2 ** 40 + 3);
    expect(await state.a.counters.add(key, 1, { ttlMs })).toBe(2 ** 40 + 4);
  });

  withState('a counter begins at what somebody knows of it, and never falls below', async (state) => {
    const key = fresh();
    const ttlMs = 60_000;
    expect(await state.a.counters.add(key, 0, { ttlMs, floor: 1_000 })).toBe(1_000);
    expect(await state.b.counters.add(key, 5, { ttlMs, floor: 900 })).toBe(1_005);
    await state.pass(61_000);
    expect(await state.a.counters.add(key, 1, { ttlMs, floor: 1_005 })).toBe(1_006);
  });

  const answer = { status: 200, body: '{"log_id":1,"text":"ü"}', content: 'c' };

  withState('a request id is new once, then running, then answered, on both gateways', async (state) => {
    const [customer, id] = [fresh(), fresh()];
    expect(await state.a.dedup.claim(customer, id)).toEqual({ kind: 'new' });
    expect(await state.a.dedup.claim(customer, id)).toEqual({ kind: 'running' });
    expect(await state.b.dedup.claim(customer, id)).toEqual({ kind: 'running' });
    await state.a.dedup.answer(customer, id, answer);
    expect(await state.a.dedup.claim(customer, id)).toEqual({ kind: 'answered', answer });
    expect(await state.b.dedup.claim(customer, id)).toEqual({ kind: 'answered', answer });
  });

  withState('an answer is kept for a minute, its id counts as used for five', async (state) => {
    const [customer, id] = [fresh(), fresh()];
    await state.a.dedup.claim(customer, id);
    await state.pass(CLAIM_MS - 1_000);
    await state.a.dedup.answer(customer, id, answer);
    await state.pass(REPLAY_MS - 1_000);
    expect(await state.b.dedup.claim(customer, id)).toEqual({ kind: 'answered', answer });
    await state.pass(2_000);
    expect(await state.a.dedup.claim(customer, id)).toEqual({ kind: 'duplicate' });
    await state.pass(DUPLICATE_MS - REPLAY_MS - 2_000);
    expect(await state.b.dedup.claim(customer, id)).toEqual({ kind: 'duplicate' });
    await state.pass(2_000);
    expect(await state.b.dedup.claim(customer, id)).toEqual({ kind: 'new' });
  });

  withState(
    'an abandoned id may be tried again, an answered one may not; a claimant that died is not waited for',
    async (state) => {
      const [customer, abandoned, answered, orphaned] = [fresh(), fresh(), fresh(), fresh()];
      await state.a.dedup.claim(customer, abandoned);
      await state.a.dedup.abandon(customer, abandoned);
      expect(await state.b.dedup.claim(customer, abandoned)).toEqual({ kind: 'new' });
      await state.a.dedup.claim(customer, answered);
      await state.a.dedup.answer(customer, answered, answer);
      await state.a.dedup.abandon(customer, answered);
      expect(await state.b.dedup.claim(customer, answered)).toEqual({ kind: 'answered', answer });
      await state.a.dedup.claim(customer, orphaned);
      await state.pass(CLAIM_MS + 1_000);
      expect(await state.b.dedup.claim(customer, orphaned)).toEqual({ kind: 'new' });
    },
  );

  withState('two customers may use the same request id', async (state) => {
    const id = fresh();
    expect(await state.a.dedup.claim(fresh(), id)).toEqual({ kind: 'new' });
    expect(await state.b.dedup.claim(fresh(), id)).toEqual({ kind: 'new' });
  });

  withState('of many claims at once exactly one is new', async (state) => {
    const [customer, id] = [fresh(), fresh()];
    const claims = await Promise.all(
      Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? state.a : state.b).dedup.claim(customer, id)),
    );
    expect(claims.filter(({ kind }) => kind === 'new')).toHaveLength(1);
  });

  withState(
    'news reaches the subscribers of both gateways once, of its topic only, until they leave',
    async (state) => {
      const heard: string[] = [];
      const listen = (who: string, at: SharedState) =>
        at.bus.subscribe('keys', (message) => heard.push(`${who} ${message}`));
      const last = new Promise<void>(
        (resolve) => void state.b.bus.subscribe('consent', (m) => m === 'end' && resolve()),
      );
      const leave = listen('left', state.a);
      const stay = state.a === state.b ? null : listen('b', state.b);
      listen('a', state.a);
      await state.a.bus.publish('keys', 'one two');
      leave();
      await state.a.bus.publish('erasure', 'not theirs');
      await state.a.bus.publish('keys', 'second');
      await state.a.bus.publish('consent', 'end');
      // Redis keeps the order of one publisher, so all of it is there now.
      await last;
      const of = (who: string) =>
        heard.filter((text) => text.startsWith(who)).map((text) => text.slice(who.length + 1));
      expect(of('left')).toEqual(['one two']);
      expect(of('a')).toEqual(['one two', 'second']);
      if (stay !== null) expect(of('b')).toEqual(['one two', 'second']);
    },
  );
}
