import { expect, test } from 'vitest';
import type { measureIdle } from './idle-sessions.js';
import type { LoadOptions } from './load-options.js';
import type { measureLoad } from './measure-load.js';

// The gateway runs in a process of its own, from what was built.
const built = (file: string): string => new URL(`../../dist/load/${file}`, import.meta.url).href;

const OPTIONS: LoadOptions = {
  robots: 3,
  hz: 20,
  obs_hz: null,
  seconds: 0.8,
  warmup: 0.5,
  policy: 'null',
  policy_threads: 1,
  image: 'jpeg',
  frame_kb: '4',
  pacing: 'paced',
  delay_ms: 0,
  jitter_ms: 0,
  loss: 0,
  reconnect_storm: null,
  ramp: null,
  seed: 1,
  idle: false,
  hostile: false,
  bare: false,
  profile: null,
  url: null,
  key: null,
};

test('paced robots against a real gateway: every observation, action and inference is accounted for', async () => {
  const { measureLoad: measure } = (await import(built('measure-load.js'))) as { measureLoad: typeof measureLoad };
  const result = await measure(OPTIONS);
  expect(result).toMatchObject({ policy: 'null', robots: 3, obs_hz: 20, frame_kb: 4, errors: {}, lost_sessions: 0 });
  expect(result.observations).toBeGreaterThan(0);
  expect(result.actions).toBeGreaterThan(0);
  expect(result.age_ms?.count).toBe(result.actions);
  expect(result.added_ms?.count).toBe(result.chunk_ms?.count);
  const held = Object.values(result.holds).reduce((sum, count) => sum + count, 0);
  expect(result.tick_jitter_ms.client?.count).toBe(result.actions + held);
  const inferences = Object.values(result.server.inferences).reduce((sum, count) => sum + count, 0);
  const batched = Object.values(result.batch.sizes).reduce((sum, count) => sum + count, 0);
  expect(batched).toBeGreaterThan(0);
  expect(inferences).toBeGreaterThanOrEqual(batched);
  expect(result.cpu.gateway_cores).toBeGreaterThan(0);
});

test('the same robots beside hostile clients: all their ticks come, and none of their sessions is lost', async () => {
  const { measureLoad: measure } = (await import(built('measure-load.js'))) as { measureLoad: typeof measureLoad };
  const result = await measure({ ...OPTIONS, hostile: true });
  expect(result).toMatchObject({ robots: 3, errors: {}, lost_sessions: 0 });
  expect(result.actions).toBeGreaterThan(0);
  expect(result.hostile?.connections).toBeGreaterThan(1_000);
  expect(result.hostile?.ended).toBeGreaterThan(0);
});

test('chunked robots receive chunks and no actions', async () => {
  const { measureLoad: measure } = (await import(built('measure-load.js'))) as { measureLoad: typeof measureLoad };
  const result = await measure({ ...OPTIONS, pacing: 'chunked', image: 'rgb8' });
  expect(result).toMatchObject({ pacing: 'chunked', actions: 0, image: 'rgb8', frame_kb: null, errors: {} });
  expect(result.chunks).toBeGreaterThan(0);
  expect(result.age_ms?.count).toBe(result.chunks);
});

test('lockstep robots receive a chunk for each observation', async () => {
  const { measureLoad: measure } = (await import(built('measure-load.js'))) as { measureLoad: typeof measureLoad };
  const result = await measure({ ...OPTIONS, pacing: 'lockstep', hz: 10, frame_kb: '2:0.5,8:0.5' });
  expect(result).toMatchObject({
    pacing: 'lockstep',
    actions: 0,
    errors: {},
    lost_sessions: 0,
    frame_kb: '2:0.5,8:0.5',
  });
  expect(result.chunks).toBeGreaterThan(0);
});

test('over a slow and lossy link actions are as much older, and no session is lost', async () => {
  const { measureLoad: measure } = (await import(built('measure-load.js'))) as { measureLoad: typeof measureLoad };
  const result = await measure({ ...OPTIONS, delay_ms: 40, jitter_ms: 5, loss: 0.001 });
  expect(result).toMatchObject({ errors: {}, lost_sessions: 0, network: { delay_ms: 40 } });
  expect(result.actions).toBeGreaterThan(0);
  expect(result.age_ms?.p50).toBeGreaterThan(80);
});

test('cut sockets resume their sessions, and every robot acts again', async () => {
  const { measureLoad: measure } = (await import(built('measure-load.js'))) as { measureLoad: typeof measureLoad };
  const { storm, ...result } = await measure({ ...OPTIONS, robots: 6, seconds: 2.5, reconnect_storm: '1,0.5' });
  expect(result).toMatchObject({ errors: {}, lost_sessions: 0 });
  expect(storm).toMatchObject({ reopened: 0, refused: 0, without_action: 0 });
  expect(storm?.cut).toBeGreaterThanOrEqual(3);
  expect(storm?.resumed).toBe(storm?.cut);
  expect(storm?.first_action_ms?.count).toBeGreaterThan(0);
});

test('a ramp is told step by step', async () => {
  const { measureLoad: measure } = (await import(built('measure-load.js'))) as { measureLoad: typeof measureLoad };
  const result = await measure({ ...OPTIONS, ramp: '2:6:4' });
  expect(result.ramp?.map(({ robots }) => robots)).toEqual([2, 6]);
  for (const step of result.ramp ?? []) expect(step.usable_p99_ms).toBeGreaterThan(0);
});

test('idle sessions are opened and measured', async () => {
  const { measureIdle: measure } = (await import(built('idle-sessions.js'))) as { measureIdle: typeof measureIdle };
  const result = await measure({ ...OPTIONS, robots: 20, idle: true });
  expect(result.sessions).toBe(20);
  expect(result.rss_before_mb).toBeGreaterThan(0);
});
