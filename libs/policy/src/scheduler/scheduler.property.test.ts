import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Bench, type FakeRequester } from '../testing/scheduler-bench.js';
import { SCHEDULER_ORDERS, type SchedulerOrder } from './order.js';

/** One thing that can happen to a scheduler. `who` and `which` are taken modulo what there is. */
const event = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('enqueue' as const), who: fc.nat(20) }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('finish' as const), which: fc.nat(5), fail: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('advance' as const), ms: fc.nat(80) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('replan' as const),
      who: fc.nat(20),
      slack: fc.integer({ min: -200, max: 400 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('lose' as const), which: fc.nat(5), begun: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), who: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('stale' as const), who: fc.nat(20), stale: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('slot' as const), which: fc.nat(3), up: fc.boolean() }) },
);
type Event = typeof event extends fc.Arbitrary<infer T> ? T : never;
const setup = fc.record({
  maxBatch: fc.integer({ min: 1, max: 5 }),
  slots: fc.integer({ min: 1, max: 3 }),
  depth: fc.integer({ min: 1, max: 2 }),
  batchWindowMs: fc.constantFrom(0, 0, 20),
  order: fc.constantFrom(...SCHEDULER_ORDERS),
});

function play(
  options: { maxBatch: number; slots: number; depth: number; batchWindowMs: number; order: SchedulerOrder },
  events: readonly Event[],
  check: (bench: Bench, sessions: readonly FakeRequester[]) => void,
) {
  const bench = new Bench(options);
  const sessions = Array.from({ length: 12 }, (_, i) => {
    const session = bench.requester({ slack: i * 10, id: `s${i}` });
    session.isStarving = (nowMs) => session.deadlineMs <= nowMs;
    session.ratio = (i % 5) / 5;
    return session;
  });
  const removed = new Set<FakeRequester>();
  const everRemoved = new Set<FakeRequester>();
  for (const e of events) {
    const session = sessions[('who' in e ? e.who : 0) % sessions.length] as FakeRequester;
    const running = bench.running().length;
    if (e.kind === 'enqueue') {
      removed.delete(session);
      bench.enqueue(session);
    } else if (e.kind === 'finish' && running > 0) bench.finish({ index: e.which % running, fail: e.fail });
    else if (e.kind === 'lose' && running > 0) bench.lose({ index: e.which % running, begun: e.begun });
    else if (e.kind === 'advance') bench.advance(e.ms);
    else if (e.kind === 'replan') session.deadlineMs = bench.nowMs + e.slack;
    else if (e.kind === 'stale') session.hasObservation = !e.stale;
    else if (e.kind === 'slot') bench.backend.setAvailable(e.which % options.slots, e.up);
    else if (e.kind === 'remove') {
      removed.add(session);
      everRemoved.add(session);
      bench.scheduler.remove(session);
    }
    bench.settle();
    check(bench, sessions);
  }
  for (let slot = 0; slot < options.slots; slot++) bench.backend.setAvailable(slot, true);
  bench.settle();
  bench.advance(options.batchWindowMs);
  return { bench, sessions, removed, everRemoved };
}

describe('whatever happens, in any order', () => {
  test('[Q3] a session is in at most one batch; [Q2] batches keep their limit and slots their depth', () => {
    fc.assert(
      fc.property(setup, fc.array(event, { maxLength: 120 }), (options, events) => {
        play(options, events, (bench) => {
          const ids = bench.running().flat();
          expect(new Set(ids).size).toBe(ids.length);
          for (const batch of bench.running()) expect(batch.length).toBeLessThanOrEqual(options.maxBatch);
          for (let slot = 0; slot < options.slots; slot++)
            expect(bench.backend.pendingOf(slot)).toBeLessThanOrEqual(options.depth);
        });
      }),
    );
  });

  test('[Q2] no slot that works is idle while a request waits, unless the window is open', () => {
    fc.assert(
      fc.property(setup, fc.array(event, { maxLength: 120 }), (options, events) => {
        play({ ...options, batchWindowMs: 0 }, events, (bench) => {
          if (bench.scheduler.stats().depth === 0) return;
          for (let slot = 0; slot < options.slots; slot++)
            expect(bench.backend.pendingOf(slot) > 0 || !bench.backend.available(slot)).toBe(true);
        });
      }),
    );
  });

  test('every input that was taken is answered exactly once, and every request that waits is served in the end', () => {
    fc.assert(
      fc.property(setup, fc.array(event, { maxLength: 120 }), (options, events) => {
        const { bench, sessions, removed, everRemoved } = play(options, events, () => {});
        for (let i = 0; bench.running().length > 0; i++) {
          if (i > 1_000) throw new Error('never done');
          bench.finish();
          bench.advance(options.batchWindowMs);
        }
        expect(bench.scheduler.stats()).toMatchObject({ depth: 0, batchesInFlight: 0 });
        for (const session of sessions) {
          // What was removed in flight is the only thing that gets no answer.
          expect(session.results.length).toBeLessThanOrEqual(session.takes);
          if (!everRemoved.has(session)) expect(session.results.length).toBe(session.takes);
        }
        expect(bench.scheduler.stats().requesters).toBeLessThanOrEqual(sessions.length - removed.size);
      }),
    );
  });

  test.each(SCHEDULER_ORDERS)(
    '[Q1] in order %s a batch never holds a request that comes after one left waiting',
    (order) => {
      fc.assert(
        fc.property(
          fc.array(
            fc.record({
              slack: fc.integer({ min: -300, max: 300 }),
              starving: fc.boolean(),
              ratio: fc.integer({ min: 0, max: 4 }),
            }),
            { minLength: 2, maxLength: 40 },
          ),
          fc.integer({ min: 1, max: 8 }),
          (waiting, maxBatch) => {
            const bench = new Bench({ maxBatch, order });
            const sessions = waiting.map(({ ratio, ...of }) =>
              Object.assign(bench.requester(of), { ratio: ratio / 4 }),
            );
            bench.enqueue(...sessions);
            const arrival = (s: FakeRequester) => sessions.indexOf(s);
            const keys: Record<SchedulerOrder, (s: FakeRequester) => readonly number[]> = {
              fifo: (s) => [arrival(s)],
              slack: (s) => [s.isStarving(0) ? 0 : 1, s.slack(0), arrival(s)],
              // Of those that lose time now, who lost most; of the others the next that will.
              wait_ratio: (s) => (s.isStarving(0) ? [0, -s.ratio, arrival(s)] : [1, s.slack(0), arrival(s)]),
            };
            const key = keys[order];
            const inOrder = [...sessions].sort((a, b) => {
              const [x, y] = [key(a), key(b)];
              const differs = x.findIndex((value, i) => value !== y[i]);
              return differs < 0 ? 0 : (x[differs] ?? 0) - (y[differs] ?? 0);
            });
            expect(bench.finishAll().flat()).toEqual(inOrder.map(({ id }) => id));
          },
        ),
      );
    },
  );

  test.each(SCHEDULER_ORDERS)(
    '[Q4] in order %s, with any slacks and ratios, a starving session waits a bounded number of batches',
    (order) => {
      fc.assert(
        fc.property(
          fc.array(fc.integer({ min: -1_000, max: 1_000 }), { minLength: 3, maxLength: 15 }),
          fc.integer({ min: 1, max: 3 }),
          (slacks, maxBatch) => {
            const bench = new Bench({ maxBatch, overdueMs: 100, order });
            const sessions = slacks.map((slack) => bench.requester({ slack, starving: true }));
            for (const session of sessions) {
              const constant = session.deadlineMs;
              session.slack = () => constant;
              session.ratio = Math.abs(constant) / 1_000;
              session.onDone = () => bench.scheduler.enqueue(session);
            }
            bench.enqueue(...sessions);
            // 10 ms a batch: 10 batches until a request is overdue, then at most one turn of everybody.
            const bound = 10 + 2 * Math.ceil(sessions.length / maxBatch);
            let seen = sessions.map(() => 0);
            for (let round = 0; round < 6; round++) {
              for (let i = 0; i < bound; i++) bench.finish({ tookMs: 10 });
              const served = sessions.map((session) => session.results.length);
              for (const [i, count] of served.entries()) expect(count).toBeGreaterThan(seen[i] ?? 0);
              seen = served;
            }
          },
        ),
      );
    },
  );
});
