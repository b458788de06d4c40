import { join } from 'node:path';
import { BUILT_IN_BUNDLES, type Bundle, createOnnxBackend, loadBundle, type PolicyBackend } from '@sinew/policy';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PUBLISHED } from './service-time.js';
import { type FleetRun, runVirtualFleet } from './virtual-fleet.js';

let bundle: Bundle;
let policy: PolicyBackend;
beforeAll(async () => {
  bundle = await loadBundle(join(BUILT_IN_BUNDLES, 'tabletop-v1'));
  policy = createOnnxBackend({ bundle, threads: 1 });
  await policy.start();
});
afterAll(() => policy.close());

const run = (over: Partial<FleetRun>) =>
  runVirtualFleet({
    bundle,
    policy,
    robots: 2,
    order: 'slack',
    horizon: 'fixed',
    service: PUBLISHED,
    maxBatch: 24,
    depth: 1,
    link: { delayMs: 5, jitterMs: 5 },
    hz: 10,
    seed: 40_000_000,
    warmUpS: 0,
    seconds: 5,
    ...over,
  });

test('robots with an accelerator to themselves finish their tasks, and the same seed gives the same run', async () => {
  const first = await run({});
  expect(first.successes).toBeGreaterThan(1);
  expect(first.successRate).toBe(1);
  expect(first.missedTicks).toBe(0);
  // An inference every four ticks.
  expect(first.inferencesPerS / 2).toBeCloseTo(2.5, 0);
  expect(await run({})).toEqual(first);
});

test('one accelerator that is too slow holds them, for want of chunks and for no other reason', async () => {
  const service = { fixedMs: 400, perItemMs: 0, scale: 1 };
  const { busyShare, starved, actions, meanBatch } = await run({ service, maxBatch: 1, seconds: 6 });
  expect(busyShare).toBeCloseTo(1, 1);
  expect(meanBatch).toBe(1);
  expect(starved).toBeGreaterThan(actions / 4);
});

test('horizons grow under load, and only where they are to', async () => {
  const service = { fixedMs: 150, perItemMs: 0, scale: 1 };
  const load = { robots: 4, service, maxBatch: 1, seconds: 4 } as const;
  expect((await run({ ...load, horizon: 'adaptive' })).horizonTicks).toBeGreaterThan(4);
  expect((await run({ ...load, horizon: 'fixed' })).horizonTicks).toBe(4);
});
