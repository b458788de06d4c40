import { describe, expect, test } from 'vitest';
import { Bench, type FakeRequester } from '../testing/scheduler-bench.js';

describe('order', () => {
  test('[Q1] the request with the least slack runs first, ties by arrival', () => {
    const bench = new Bench({ maxBatch: 1 });
    const blocker = bench.requester({ slack: 0 });
    bench.enqueue(blocker);
    const [late, soon, tie] = [
      bench.requester({ slack: 300 }),
      bench.requester({ slack: 100 }),
      bench.requester({ slack: 100 }),
    ];
    bench.enqueue(late, soon, tie);
    expect(bench.finishAll()).toEqual([[blocker.id], [soon.id], [tie.id], [late.id]]);
  });

  test('[Q1] slack is asked when the worker is free, not when the request arrived', () => {
    const bench = new Bench({ maxBatch: 1 });
    bench.enqueue(bench.requester({ slack: 0 }));
    const [a, b] = [bench.requester({ slack: 100 }), bench.requester({ slack: 200 })];
    bench.enqueue(a, b);
    b.deadlineMs = 50;
    bench.finish();
    expect(bench.running()).toEqual([[b.id]]);
  });

  test('[Q1] a request whose observation went stale is dropped, never run, and does not take a place in the batch', () => {
    const bench = new Bench({ maxBatch: 2 });
    bench.enqueue(bench.requester({ slack: 0 }));
    const [stale, fresh, other] = [
      bench.requester({ slack: 1 }),
      bench.requester({ slack: 2 }),
      bench.requester({ slack: 3 }),
    ];
    bench.enqueue(stale, fresh, other);
    stale.observation = null;
    bench.finish();
    expect(bench.running()).toEqual([[fresh.id, other.id]]);
    expect(bench.scheduler.stats().stale).toBe(1);
    expect(stale.results).toHaveLength(0);
  });

  test('[Q3] a starving session precedes one with actions left, however little', () => {
    const bench = new Bench({ maxBatch: 1 });
    bench.enqueue(bench.requester({ slack: 0 }));
    const [hurried, starving] = [bench.requester({ slack: -50 }), bench.requester({ slack: 0, starving: true })];
    bench.enqueue(hurried, starving);
    bench.finish();
    expect(bench.running()).toEqual([[starving.id]]);
  });
});

describe('one in flight', () => {
  test('[Q3] a session is never in two batches at once; asked again in flight, it is queued afterwards', () => {
    const bench = new Bench({ maxBatch: 1, slots: 2 });
    const r = bench.requester({ slack: 0 });
    bench.enqueue(r);
    bench.enqueue(r);
    expect(bench.running()).toEqual([[r.id]]);
    bench.finish();
    expect(r.results).toHaveLength(1);
    expect(bench.running()).toEqual([[r.id]]);
    bench.finish();
    expect(bench.running()).toEqual([]);
  });

  test('[Q3] the newest observation is taken: what came while it waited replaced the older', () => {
    const bench = new Bench({ maxBatch: 1 });
    bench.enqueue(bench.requester({ slack: 0 }));
    const r = bench.requester({ slack: 0 });
    bench.enqueue(r);
    r.observation = { images: {}, state: Float64Array.of(42), instruction: '' };
    bench.enqueue(r);
    bench.finish();
    expect(bench.backend.batches[1]?.inputs[0]?.state[0]).toBe(42);
    bench.finish();
    expect(bench.running()).toEqual([]);
  });

  test('a requester that is removed while in flight gets no result, and may come back', () => {
    const bench = new Bench({ maxBatch: 1 });
    const r = bench.requester({ slack: 0 });
    bench.enqueue(r);
    bench.scheduler.remove(r);
    bench.enqueue(r);
    expect(bench.running()).toEqual([[r.id]]);
    bench.finish();
    expect(r.results).toHaveLength(0);
    bench.finish();
    expect(r.results).toHaveLength(1);
  });

  test('[Q3] asked for in flight and again from its result, it runs once more, not twice', () => {
    const bench = new Bench({ maxBatch: 1 });
    const r = bench.requester({ slack: 0 });
    r.onDone = () => {
      if (r.results.length === 1) bench.scheduler.enqueue(r);
    };
    bench.enqueue(r);
    bench.enqueue(r);
    expect(bench.finishAll()).toEqual([[r.id], [r.id]]);
  });

  test('a requester that asks once and never again is forgotten with its result', () => {
    const bench = new Bench({ maxBatch: 2 });
    bench.enqueue(...bench.requesters(2));
    bench.finish();
    expect(bench.scheduler.stats().requesters).toBe(0);
  });

  test('a requester that leaves and comes back from its own result is served again', () => {
    const bench = new Bench({ maxBatch: 1 });
    const r = bench.requester({ slack: 0 });
    r.onDone = () => {
      bench.scheduler.remove(r);
      if (r.results.length === 1) bench.scheduler.enqueue(r);
    };
    bench.enqueue(r);
    bench.finish();
    expect(bench.scheduler.stats().requesters).toBe(1);
    expect(bench.finishAll()).toEqual([[r.id]]);
  });

  test('a removed requester leaves nothing behind', () => {
    const bench = new Bench({ maxBatch: 1 });
    const [a, b] = [bench.requester({ slack: 0 }), bench.requester({ slack: 0 })];
    bench.enqueue(a, b);
    bench.scheduler.remove(a);
    bench.scheduler.remove(b);
    bench.finish();
    expect(bench.scheduler.stats()).toMatchObject({ requesters: 0, depth: 0, batchesInFlight: 0 });
    expect(a.results).toHaveLength(0);
  });
});

describe('batches', () => {
  test('[Q2] batches are no larger than the warm-up showed to be worth it', () => {
    const warmUp = [1, 2, 4, 8].map((batch) => ({ batch, inferMs: 10 * batch }));
    const bench = new Bench({ maxBatch: 8, depth: 2, warmUp });
    bench.enqueue(...bench.requesters(8));
    expect(bench.backend.batches.map(({ ids }) => ids.length)).toEqual([1, 1]);
    bench.finish();
    expect(bench.backend.batches.map(({ ids }) => ids.length)).toEqual([1, 1, 1]);
  });

  test('[Q2] an idle worker takes what waits, up to the batch limit', () => {
    const bench = new Bench({ maxBatch: 3 });
    bench.enqueue(...bench.requesters(5));
    expect(bench.running().map((batch) => batch.length)).toEqual([3]);
    bench.finish();
    expect(bench.running().map((batch) => batch.length)).toEqual([2]);
  });

  test('[Q2] no worker idles while a request waits', () => {
    const bench = new Bench({ maxBatch: 8, slots: 2 });
    bench.enqueue(...bench.requesters(6));
    expect(bench.running().map((batch) => batch.length)).toEqual([3, 3]);
  });

  test('[Q2] a busy worker gets its next batch early only when that is full', () => {
    const bench = new Bench({ maxBatch: 2, depth: 2 });
    bench.enqueue(...bench.requesters(2));
    bench.enqueue(...bench.requesters(1));
    expect(bench.running()).toHaveLength(1);
    bench.enqueue(...bench.requesters(3));
    expect(bench.running().map((batch) => batch.length)).toEqual([2, 2]);
  });

  test('[Q2] batch_window_ms waits for more, but no longer, and not when the batch is full', () => {
    const bench = new Bench({ maxBatch: 3, batchWindowMs: 10 });
    bench.enqueue(...bench.requesters(1));
    expect(bench.running()).toEqual([]);
    bench.advance(9);
    bench.enqueue(...bench.requesters(1));
    expect(bench.running()).toEqual([]);
    bench.advance(1);
    expect(bench.running().map((batch) => batch.length)).toEqual([2]);
    bench.finish();
    bench.enqueue(...bench.requesters(3));
    expect(bench.running().map((batch) => batch.length)).toEqual([3]);
  });

  test('close takes no more and delivers nothing', () => {
    const bench = new Bench({ maxBatch: 1, batchWindowMs: 5 });
    const r = bench.requester({ slack: 0 });
    bench.enqueue(r);
    bench.advance(5);
    bench.scheduler.close();
    bench.finish();
    bench.enqueue(bench.requester({ slack: 0 }));
    expect(r.results).toHaveLength(0);
    expect(bench.running()).toEqual([]);
    expect(bench.timers).toBe(0);
  });
});

describe('faults', () => {
  test('[Q5] the requests of a lost batch run once more, each alone; the culprit fails, the others do not', () => {
    const bench = new Bench({ maxBatch: 3 });
    const [a, poison, b] = bench.requesters(3) as [FakeRequester, FakeRequester, FakeRequester];
    bench.enqueue(a, poison, b);
    bench.lose();
    expect(bench.running()).toEqual([[a.id]]);
    bench.finish();
    expect(bench.running()).toEqual([[poison.id]]);
    bench.lose();
    expect(poison.results[0]?.output).toMatchObject({ ok: false, code: 'model_error' });
    expect(bench.running()).toEqual([[b.id]]);
    bench.finish();
    expect([a.results[0]?.output.ok, b.results[0]?.output.ok]).toEqual([true, true]);
    expect(bench.scheduler.stats()).toMatchObject({ lost: 2, retried: 3 });
  });

  test('[Q5] a batch that the worker had not begun is not blamed: it runs whole, and still has its retry', () => {
    const bench = new Bench({ maxBatch: 2, depth: 2 });
    const rs = bench.requesters(4);
    bench.enqueue(...rs);
    bench.lose({ index: 1, begun: false });
    bench.finish();
    expect(bench.running()).toEqual([[rs[2]?.id, rs[3]?.id]]);
    bench.lose();
    expect(bench.running()).toEqual([[rs[2]?.id]]);
  });

  test('[Q5] a retry whose observation went stale is answered, not run', () => {
    const bench = new Bench({ maxBatch: 1 });
    const r = bench.requester({ slack: 0 });
    r.observation = { images: {}, state: new Float64Array(1), instruction: '', staleAtMs: 500 };
    bench.enqueue(r);
    bench.advance(500);
    bench.lose();
    expect(bench.running()).toEqual([]);
    expect(r.results[0]?.output).toMatchObject({ ok: false, code: 'model_error' });
  });

  test('[Q5] a session that is gone when its batch is lost is not run again', () => {
    const bench = new Bench({ maxBatch: 2 });
    const [gone, other] = bench.requesters(2) as [FakeRequester, FakeRequester];
    bench.enqueue(gone, other);
    bench.scheduler.remove(gone);
    bench.lose();
    expect(bench.finishAll()).toEqual([[other.id]]);
    expect(gone.results).toHaveLength(0);
  });

  test('[Q5] nothing is sent to a slot that is being replaced; what waits goes as soon as it is back', () => {
    const bench = new Bench({ maxBatch: 1 });
    bench.backend.setAvailable(0, false);
    const r = bench.requester({ slack: 0 });
    bench.enqueue(r);
    expect(bench.running()).toEqual([]);
    bench.backend.setAvailable(0, true);
    bench.settle();
    expect(bench.running()).toEqual([[r.id]]);
  });

  test('[Q5] a requester that throws fails alone', () => {
    const bench = new Bench({ maxBatch: 3 });
    const [a, thrower, b] = bench.requesters(3) as [FakeRequester, FakeRequester, FakeRequester];
    thrower.onTake = () => {
      throw new Error('a bug');
    };
    a.onDone = () => {
      throw new Error('another');
    };
    bench.enqueue(a, thrower, b);
    bench.finish();
    expect(b.results).toHaveLength(1);
    expect(bench.scheduler.stats().faults).toBe(2);
    expect(bench.faults).toEqual([thrower.id, a.id]);
  });

  test('a requester that queues itself again whenever it has nothing does not hold the scheduler up', () => {
    const bench = new Bench({ maxBatch: 2 });
    const r = bench.requester({ slack: 0 });
    r.observation = null;
    let takes = 0;
    r.onTake = () => {
      if (++takes < 50) bench.scheduler.enqueue(r);
    };
    bench.enqueue(r);
    expect(bench.running()).toEqual([]);
  });
});

describe('admission', () => {
  test('[Q4] the capacity is the warm-up’s until serving shows what an inference really costs', () => {
    const bench = new Bench({
      maxBatch: 4,
      warmUp: [
        { batch: 1, inferMs: 2 },
        { batch: 4, inferMs: 4 },
      ],
    });
    expect(bench.scheduler.capacity().perSecond).toBeCloseTo(1000);
    for (let i = 0; i < 500; i++) {
      bench.enqueue(...bench.requesters(4));
      bench.finish({ tookMs: 8 });
    }
    expect(bench.scheduler.capacity().perSecond).toBeCloseTo(500, -1);
  });

  test('[Q4] a warm-up on a busy machine is put right, but never to more than twice what it measured', () => {
    const bench = new Bench({
      maxBatch: 4,
      warmUp: [
        { batch: 1, inferMs: 40 },
        { batch: 4, inferMs: 40 },
      ],
    });
    for (let i = 0; i < 2_000; i++) {
      bench.enqueue(...bench.requesters(1));
      bench.finish({ tookMs: 7 });
    }
    expect(bench.scheduler.capacity().perSecond).toBeCloseTo(200);
  });

  test('[Q4] [Q6] a policy that is warm only later is measured then, and servers that are away compute nothing', () => {
    const bench = new Bench({ maxBatch: 4, slots: 4 });
    for (let slot = 0; slot < 4; slot++) bench.backend.setAvailable(slot, false);
    bench.backend.setWarmUp([{ batch: 4, inferMs: 40 }]);
    bench.backend.setAvailable(0, true);
    bench.backend.setAvailable(1, true);
    expect(bench.scheduler.capacity().perSecond).toBeCloseTo(200);
    bench.backend.setAvailable(2, true);
    bench.backend.setAvailable(3, true);
    expect(bench.scheduler.capacity().perSecond).toBeCloseTo(400);
  });

  test('[Q4] what small batches add per inference counts for large ones too', () => {
    const bench = new Bench({
      maxBatch: 4,
      warmUp: [
        { batch: 1, inferMs: 1 },
        { batch: 4, inferMs: 4 },
      ],
    });
    for (let i = 0; i < 2_000; i++) {
      bench.enqueue(...bench.requesters(1));
      bench.finish({ tookMs: 2 });
    }
    expect(bench.scheduler.capacity().perSecond).toBeCloseTo(500, -1);
  });

  test('[Q4] what was reserved is not free, and is free again when its session is gone', () => {
    const bench = new Bench({ maxBatch: 1, warmUp: [{ batch: 1, inferMs: 10 }] });
    const [a, b] = [bench.requester({ slack: 0 }), bench.requester({ slack: 0 })];
    bench.scheduler.reserve(a, 40);
    bench.scheduler.reserve(b, 30);
    expect(bench.scheduler.capacity()).toEqual({ perSecond: 100, offered: 70, free: 15 });
    bench.scheduler.reserve(a, 10);
    expect(bench.scheduler.capacity().free).toBeCloseTo(45);
    bench.scheduler.remove(a);
    bench.scheduler.remove(b);
    expect(bench.scheduler.capacity().offered).toBe(0);
  });

  test('[Q4] sessions without a reservation count with the rate at which they are seen to ask', () => {
    const bench = new Bench({ maxBatch: 8, warmUp: [{ batch: 8, inferMs: 1 }] });
    for (let i = 0; i < 600; i++) {
      bench.enqueue(...bench.requesters(1));
      bench.finish();
      bench.advance(50);
    }
    expect(bench.scheduler.capacity().offered).toBeGreaterThan(17);
    expect(bench.scheduler.capacity().offered).toBeLessThan(23);
  });

  test('[Q4] under four times the load every session gets the same share, and none gets nothing', () => {
    const bench = new Bench({ maxBatch: 2, warmUp: [{ batch: 2, inferMs: 20 }] });
    const sessions = Array.from({ length: 20 }, (_, i) => bench.requester({ slack: 0, starving: true, id: `s${i}` }));
    // Each asks again as soon as it can, with actions for 50 ms; the worker does 2 in 20 ms.
    for (const s of sessions) {
      s.onDone = () => {
        s.deadlineMs = bench.nowMs + 50;
        bench.scheduler.enqueue(s);
      };
    }
    bench.enqueue(...sessions);
    for (let i = 0; i < 500; i++) bench.finish({ tookMs: 20 });
    const served = sessions.map((s) => s.results.length);
    expect(Math.min(...served)).toBeGreaterThanOrEqual(48);
    expect(Math.max(...served)).toBeLessThanOrEqual(52);
  });

  test('[Q4] sessions that always claim to be the most urgent cannot keep a starving one waiting for ever', () => {
    const bench = new Bench({ maxBatch: 1, overdueMs: 100 });
    const hogs = Array.from({ length: 5 }, () => bench.requester({ slack: -1e9, starving: true }));
    for (const hog of hogs) hog.onDone = () => bench.scheduler.enqueue(hog);
    const modest = bench.requester({ slack: 0, starving: true });
    bench.enqueue(...hogs, modest);
    for (let i = 0; i < 20 && modest.results.length === 0; i++) bench.finish({ tookMs: 10 });
    expect(modest.results).toHaveLength(1);
  });
});

describe('measurements', () => {
  test('[Q7] counts depth, waits, batch sizes, compute time, misses and failures', () => {
    const bench = new Bench({ maxBatch: 2 });
    const [a, b, c] = bench.requesters(3) as [FakeRequester, FakeRequester, FakeRequester];
    c.deadlineMs = 500;
    c.isStarving = (nowMs) => nowMs > 15;
    bench.enqueue(a, b, c);
    expect(bench.scheduler.stats()).toMatchObject({ depth: 1, batchesInFlight: 1, taken: 2 });
    bench.finish({ tookMs: 10, inferMs: 7, decodeMs: 2 });
    bench.finish({ tookMs: 10, inferMs: 5, decodeMs: 1, fail: true });
    const stats = bench.scheduler.stats();
    expect(stats).toMatchObject({ depth: 0, taken: 3, waitMs: 10, missed: 1, failed: 1, batchesInFlight: 0 });
    expect(stats.batches).toEqual([0, 1, 1]);
    expect(stats.inferMs).toEqual([0, 5, 7]);
    expect(stats.decodeMs).toEqual([0, 1, 2]);
    expect(bench.waits).toEqual([0, 0, 10]);
    expect(bench.sizes).toEqual([2, 1]);
  });

  test('[Q7] the timing of a result adds up to the time since its observation arrived', () => {
    const bench = new Bench({ maxBatch: 1 });
    bench.enqueue(bench.requester({ slack: 0 }));
    const r = bench.requester({ slack: 0 });
    r.observation = { images: {}, state: new Float64Array(1), instruction: '', receivedAtMs: 4 };
    bench.advance(4);
    bench.enqueue(r);
    bench.finish({ tookMs: 10 });
    bench.finish({ tookMs: 10, decodeMs: 1, inferMs: 6 });
    expect(r.results[0]?.timing).toEqual({ queueMs: 13, decodeMs: 1, inferMs: 6, batch: 1 });
  });
});
