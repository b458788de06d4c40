import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ChaosInstance, orphans, PARTS } from './chaos-instance.js';
import { ChaosFleet } from './fleet.js';
import { ImpairedLink } from './impaired-link.js';
import { Chance, chaosSeed } from './seed.js';
import { until } from './until.js';

const FAULTS = 14;
/** So long all of it together may take to bring every robot back to moving. */
const BACK_WITHIN_MS = 60_000;

describe('faults in random order, two at a time', { timeout: 240_000 }, () => {
  const seed = chaosSeed();
  const chance = new Chance(seed);
  let instance: ChaosInstance;
  let link: ImpairedLink;
  let fleet: ChaosFleet;

  beforeAll(async () => {
    instance = await ChaosInstance.start();
    link = await ImpairedLink.start(instance.port, seed);
    fleet = await ChaosFleet.start(
      instance,
      [
        { model: 'wild', pacing: 'paced' },
        { model: 'wild', pacing: 'chunked' },
        { model: 'tabletop-v1', pacing: 'chunked' },
      ],
      { url: `ws://127.0.0.1:${link.port}`, linkMs: 3_000, expects: ['model_error'] },
    );
    await fleet.moves();
  }, 180_000);
  afterAll(async () => {
    await link?.close();
    await instance?.stop();
    expect(orphans()).toEqual([]);
  }, 60_000);

  const pass = async (ms: number): Promise<void> => {
    const begun = performance.now();
    await until('the time is over', () => performance.now() - begun > ms);
  };

  /** What it is, and what it does. Chosen before anything begins, so that a seed plays the same whatever the machine does. */
  function fault(): readonly [string, () => Promise<void>] {
    const part = chance.pick(PARTS);
    const ms = Math.round(chance.between(200, 2_500));
    const all: (readonly [string, () => Promise<void>])[] = [
      [`kill -9 ${part}`, () => instance.kill(part)],
      [`freeze ${part} for ${ms} ms`, () => instance.frozen(part, () => pass(ms))],
      [`stall the link for ${ms} ms`, async () => link.stall(ms)],
      ['cut every connection', async () => link.cut()],
      ['forget every connection', async () => link.forget()],
      [
        `a bad link for ${ms} ms`,
        async () => {
          link.impair({ delayMs: 30, jitterMs: 40, loss: 0.05 });
          await pass(ms);
          link.impair({});
        },
      ],
      ['a policy thread ends', () => instance.policyThread('exit')],
      ['a policy thread hangs', () => instance.policyThread('hang')],
    ];
    return chance.pick(all);
  }

  test('robots come back to moving after each, and nothing out of the envelope or out of date is executed', async () => {
    const played: string[] = [];
    let happened = 0;
    const schedule = Array.from({ length: FAULTS / 2 }, () => [fault(), fault()] as const);
    for (const pair of schedule) {
      const names = pair.map(([name]) => name).join(' + ');
      played.push(names);
      try {
        // A victim of both is killed once: it may be gone when the other comes to it.
        const outcomes = await Promise.allSettled(pair.map(([, begin]) => begin()));
        happened += outcomes.filter(({ status }) => status === 'fulfilled').length;
        await instance.healthy();
        await Promise.race([fleet.moves(0.5), pass(BACK_WITHIN_MS)]);
        await fleet.moves(0.2);
        fleet.sound();
      } catch (error) {
        throw new Error(`seed ${seed}, after ${played.join('; ')}: ${error instanceof Error ? error.message : error}`);
      }
    }
    process.stderr.write(`chaos: played ${played.join('; ')}; ${happened} of ${FAULTS} to their end\n`);
    expect(happened).toBeGreaterThanOrEqual(FAULTS / 2);
  });

  test('every acknowledged log is stored once', async () => {
    await fleet.stop();
    expect(await fleet.stored()).toBeGreaterThan(50);
  });
});
