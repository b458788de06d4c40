import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ChaosInstance, orphans, PARTS } from './chaos-instance.js';
import { ChaosFleet } from './fleet.js';
import { until } from './until.js';

const MODELS = ['wild', 'wild', 'wild', 'tabletop-v1'] as const;

describe('processes that die or freeze under four moving robots', { timeout: 120_000 }, () => {
  let instance: ChaosInstance;
  let fleet: ChaosFleet;

  beforeAll(async () => {
    instance = await ChaosInstance.start();
    fleet = await ChaosFleet.start(instance, MODELS);
    await fleet.moves();
  }, 180_000);
  afterEach(() => fleet?.sound());
  afterAll(async () => {
    await instance?.stop();
    expect(orphans()).toEqual([]);
  }, 60_000);

  test.each(['shipper', 'worker', 'database'] as const)('kill -9 of the %s: no robot notices', async (part) => {
    await fleet.unnoticed(() => Promise.all([instance.kill(part), fleet.moves(1.5)]));
  });

  test('kill -9 of the gateway: every robot holds by itself, then opens anew', async () => {
    const before = fleet.sessions;
    const held = fleet.holds('link');
    await instance.kill('gateway');
    await held;
    await fleet.moves();
    for (const [i, session] of fleet.sessions.entries()) expect(session).not.toBe(before[i]);
  });

  test('kill -9 of everything at once', async () => {
    await instance.kill(...PARTS);
    await fleet.moves();
  });

  test.each(['shipper', 'worker', 'database'] as const)('a frozen %s: no robot notices', async (part) => {
    await fleet.unnoticed(async () => {
      await instance.frozen(part, () => fleet.moves(3));
      await instance.healthy();
      await fleet.moves();
    });
  });

  test.each([2, 10])(
    'a gateway frozen for %i s: robots hold by themselves meanwhile, and the sessions go on',
    async (seconds) => {
      const before = fleet.sessions;
      const resumes = fleet.robots.map((robot) => robot.reconnects);
      await instance.frozen('gateway', async () => {
        const begun = performance.now();
        await fleet.holds('link', 20);
        const actions = fleet.robots.map((robot) => robot.actions);
        await until('the time is over', () => performance.now() - begun > seconds * 1000);
        expect(fleet.robots.map((robot) => robot.actions)).toEqual(actions);
      });
      await fleet.moves();
      expect(fleet.sessions).toEqual(before);
      if (seconds < 5) expect(fleet.robots.map((robot) => robot.reconnects)).toEqual(resumes);
    },
  );

  test('every acknowledged log is stored once', async () => {
    const reports = await fleet.stop();
    expect(reports.flatMap(({ errors }) => errors)).toEqual([]);
    expect(await fleet.stored()).toBeGreaterThan(100);
  });
});
