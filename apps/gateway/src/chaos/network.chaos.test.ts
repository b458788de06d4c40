import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ChaosInstance, orphans } from './chaos-instance.js';
import { ChaosFleet } from './fleet.js';
import { ImpairedLink } from './impaired-link.js';
import { chaosSeed } from './seed.js';
import { until } from './until.js';

const MODELS = [
  { model: 'wild', pacing: 'chunked' },
  { model: 'wild', pacing: 'paced' },
  { model: 'tabletop-v1', pacing: 'chunked' },
] as const;
/** Longer than any observation may be old, so that robots must stop by themselves. */
const STALL_MS = 1_200;

describe('bad links', { timeout: 90_000 }, () => {
  let instance: ChaosInstance;
  let link: ImpairedLink;
  let fleet: ChaosFleet;

  beforeAll(async () => {
    instance = await ChaosInstance.start();
    link = await ImpairedLink.start(instance.port, chaosSeed());
    fleet = await ChaosFleet.start(instance, MODELS, { url: `ws://127.0.0.1:${link.port}`, linkMs: 2 * STALL_MS });
    await fleet.moves();
  }, 180_000);
  afterEach(() => {
    fleet?.sound();
    link?.impair({});
  });
  afterAll(async () => {
    await link?.close();
    await instance?.stop();
    expect(orphans()).toEqual([]);
  }, 60_000);

  test.each([
    ['40 ms each way, up to 30 ms of jitter', { delayMs: 40, jitterMs: 30 }],
    ['20 ms each way and 2 % of the packets lost', { delayMs: 20, jitterMs: 5, loss: 0.02 }],
    ['600 kB/s each way', { delayMs: 10, bytesPerSecond: 600_000 }],
  ])('%s: robots move on in their sessions', async (_, impairment) => {
    const before = fleet.sessions;
    link.impair(impairment);
    await fleet.moves(3);
    expect(fleet.sessions).toEqual(before);
  });

  test.each(['down', 'up'] as const)(
    'a link that stalls (%s) and then brings everything at once',
    async (direction) => {
      for (let i = 0; i < 3; i++) {
        // Where the chunks before the stall were refused, safety outranks that nothing is seen (S12).
        const held = direction === 'down' ? fleet.holds('link', 3) : fleet.holds(['stale', 'safety'], 3);
        link.stall(STALL_MS, direction);
        await held;
        await fleet.moves(0.5);
      }
    },
  );

  test('connections that are cut: the same sessions go on', async () => {
    const before = fleet.sessions;
    for (let i = 0; i < 3; i++) {
      const reconnected = fleet.reconnects();
      link.cut();
      await reconnected;
      await fleet.moves();
    }
    expect(fleet.sessions).toEqual(before);
  });

  test('connections that carry nothing any more, and say nothing: the same sessions go on over new ones', async () => {
    const before = fleet.sessions;
    link.forget();
    await fleet.holds('link', 10);
    await fleet.moves();
    expect(fleet.sessions).toEqual(before);
  });

  test('a network that is away for 8 s: the same sessions go on', async () => {
    const before = fleet.sessions;
    link.silence(true);
    const begun = performance.now();
    await until('the time is over', () => performance.now() - begun > 8_000);
    link.silence(false);
    await fleet.moves();
    expect(fleet.sessions).toEqual(before);
  });

  test('every acknowledged log is stored once', async () => {
    await fleet.stop();
    expect(await fleet.stored()).toBeGreaterThan(50);
  });
});
