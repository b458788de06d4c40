import { describe, expect, it } from 'vitest';
import type { Shipper } from './shipper.js';
import { ShipperLoop } from './shipper-loop.js';

/** Runs the loop until `plan` is used up: each answer is one `ship`; every wait is noted and passes at once. */
async function run(plan: (boolean | Error)[], queue: (Error | null)[] = [], forgetting: (Error | null)[] = []) {
  const stopping = new AbortController();
  const waits: number[] = [];
  const messages: string[] = [];
  const calls = { queued: 0, pruned: 0, closed: 0 };
  let now = 1_000_000;
  const shipper = {
    counters: { inserted: 0, repeated: 0, conflicts: 0, refused: 0, records: 0 },
    lagMs: () => 0,
    async ship() {
      const answer = plan.shift();
      if (plan.length === 0) stopping.abort();
      if (answer instanceof Error) throw answer;
      return answer ?? false;
    },
    async queueFollowing() {
      calls.queued++;
      const answer = queue.shift();
      if (answer instanceof Error) throw answer;
    },
    async close() {
      calls.closed++;
    },
  };
  const note = (_details: object, message: string) => messages.push(message);
  const loop = new ShipperLoop({
    shipper: shipper as unknown as Shipper,
    prune: async () => {
      calls.pruned++;
      return null;
    },
    forgetErased: async () => {
      const answer = forgetting.shift();
      if (answer instanceof Error) throw answer;
    },
    now: () => now,
    wait: async (ms) => {
      waits.push(ms);
      now += ms;
    },
    log: { info: note, warn: note },
  });
  await loop.run(stopping.signal);
  return { loop, waits, messages, calls, later: (ms: number) => (now += ms), plan };
}

describe('ShipperLoop', () => {
  it('[J4] a database that is away is asked again, ever more slowly, for ever, and said once', async () => {
    const away = Array.from({ length: 9 }, () => new Error('away'));
    const { waits, messages, loop } = await run([...away, true, false]);
    expect(waits.slice(0, 9)).toEqual([100, 200, 400, 800, 1_600, 2_000, 2_000, 2_000, 2_000]);
    expect(messages).toEqual(['cannot store, trying on', 'storing again']);
    expect(loop.status().state).toBe('shipping');
  });

  it('ships on where erasures cannot be looked for, and says so once', async () => {
    const away = [new Error('away'), new Error('away'), null];
    const { messages, loop } = await run([true, true, true, false], [], away);
    expect(messages).toEqual(['cannot look for erasures, trying on']);
    expect(loop.status().state).toBe('shipping');
  });

  it('does not wait while there is more, and waits a moment when there is not', async () => {
    const { waits } = await run([true, true, false, true, false, false]);
    expect(waits).toEqual([100, 100, 100]);
  });

  it('rows do not wait for the queues', async () => {
    const { calls, messages } = await run([true, true, true, false], [new Error('no redis')]);
    expect(calls.queued).toBe(1);
    expect(messages).toEqual(['cannot queue statistics, trying on']);
  });

  it('prunes at once and then only now and then', async () => {
    const { calls } = await run([true, true, true, true, false]);
    expect(calls.pruned).toBe(1);
  });

  it('flush ships what is there, saves, and gives up where the database is away', async () => {
    const stopped = await run([true, false]);
    stopped.plan.push(true, true, false);
    await stopped.loop.flush(Number.POSITIVE_INFINITY);
    expect(stopped.plan).toEqual([]);
    expect(stopped.calls.closed).toBe(1);
    stopped.plan.push(new Error('away'), true);
    await stopped.loop.flush(Number.POSITIVE_INFINITY);
    expect(stopped.plan).toEqual([true]);
    expect(stopped.calls.closed).toBe(2);
  });
});
