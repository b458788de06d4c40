import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ChaosInstance, orphans } from './chaos-instance.js';
import { ChaosFleet } from './fleet.js';
import { until } from './until.js';

interface QueueStats {
  readonly policies: readonly { readonly workers: { readonly total: number; readonly available: number } }[];
}
interface ModelStats {
  readonly models: readonly { readonly id: string; readonly crashed?: number; readonly hung?: number }[];
}

describe('policy threads that die or hang under moving robots', { timeout: 90_000 }, () => {
  let instance: ChaosInstance;
  let fleet: ChaosFleet;

  beforeAll(async () => {
    instance = await ChaosInstance.start({ args: ['--policy-threads', '1'] });
    fleet = await ChaosFleet.start(instance, ['tabletop-v1', 'tabletop-v1', 'wild'], {
      expects: ['model_error'],
    });
    await fleet.moves();
  }, 180_000);
  afterEach(() => fleet?.sound());
  afterAll(async () => {
    await instance?.stop();
    expect(orphans()).toEqual([]);
  }, 60_000);

  const lost = async (how: 'crashed' | 'hung'): Promise<number> => {
    const { models } = await instance.get<ModelStats>('/monitoring/models/stats');
    return models.reduce((sum, model) => sum + (model[how] ?? 0), 0);
  };

  const ready = async (): Promise<boolean> => {
    const { policies } = await instance.get<QueueStats>('/monitoring/queue/stats');
    return policies.every(({ workers }) => workers.available === workers.total);
  };

  test.each([
    ['exit', 'crashed'],
    ['throw', 'crashed'],
    ['hang', 'hung'],
  ] as const)(
    'a thread that does %s is replaced: its robots hold and go on, in the same sessions, others never stop',
    async (what, how) => {
      const before = fleet.sessions;
      const gateway = instance.pid('gateway');
      const lostBefore = await lost(how);
      const others = fleet.robots.slice(2);
      const holdsBefore = others.map((robot) => robot.localHolds);
      for (let i = 0; i < 3; i++) {
        await until('the thread is there', ready);
        await instance.policyThread(what);
        await until('it is noticed', async () => (await lost(how)) > lostBefore + i);
        await fleet.moves();
      }
      expect(fleet.sessions).toEqual(before);
      expect(instance.pid('gateway')).toBe(gateway);
      // A tick that is late is one hold or two; half a second without any, at 50 Hz, is more than twenty.
      for (const [i, robot] of others.entries()) expect(robot.localHolds - (holdsBefore[i] ?? 0)).toBeLessThan(20);
    },
  );

  test('every acknowledged log is stored once', async () => {
    await fleet.stop();
    expect(await fleet.stored()).toBeGreaterThan(50);
  });
});
