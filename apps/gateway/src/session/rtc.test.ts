import type { ActionPrefix, PolicyBackend } from '@sinew/policy';
import type { Action, Hold } from '@sinew/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { scriptedModels } from '../testing/scripted-models.js';
import type { StreamClient } from '../testing/stream-client.js';
import { observation, startTestGateway, type TestGateway } from '../testing/test-gateway.js';

const D = 7;
/** Ticks that observations are late by. */
const LATE = 2;
/** The measured gripper says which tick an observation stands before, so that the policy can tell its test. */
const GRIPPER_A_TICK = 1e-4;

const asked: { baseTick: number; prefix: ActionPrefix }[] = [];

/** Continues what it was given, each chunk by other steps. */
const continuing: PolicyBackend['run'] = async (_slot, inputs) => ({
  outputs: inputs.map(({ state, prefix }) => {
    const baseTick = Math.round((state[6] ?? 0) / GRIPPER_A_TICK);
    if (prefix !== undefined) asked.push({ baseTick, prefix });
    const step = 0.002 * Math.sin(baseTick);
    const actions = Float32Array.from({ length: 8 * D }, (_, i) => (i % D === 1 ? step : i % D === 6 ? 1 : 0));
    prefix?.weights.forEach((weight, i) => {
      if (weight === 1) actions.set(prefix.actions.subarray(i * D, i * D + D), i * D);
    });
    return { ok: true, actions };
  }),
  decodeMs: 0,
  inferMs: 0,
});

/** The next action or hold; `next` would count those of the other kind as read. */
async function nextTick(client: StreamClient): Promise<Action | Hold> {
  const seen = read.get(client) ?? 0;
  const at = client.received.findIndex((m, i) => i >= seen && (m.type === 'action' || m.type === 'hold'));
  if (at < 0) {
    await new Promise((resolve) => client.socket.once('message', () => setImmediate(resolve)));
    return nextTick(client);
  }
  read.set(client, at + 1);
  return client.received[at] as Action | Hold;
}
const read = new WeakMap<StreamClient, number>();

/** A robot over a slow link, until the policy was told a prefix `times` times and they are played. Returns what came, by tick. */
async function drive(client: StreamClient, times: number): Promise<Map<number, number[]>> {
  const sent = new Map<number, number[]>();
  let seq = 0;
  client.send(observation(seq++));
  for (let n = 0; asked.length < times || n < (asked[times - 1]?.baseTick ?? 0) + 4; ) {
    const tick = await nextTick(client);
    n = tick.seq;
    sent.set(n, Array.from(tick.values));
    const applied = n - LATE;
    if (applied < 0) continue;
    const y = [...sent].reduce((sum, [at, values]) => (at <= applied ? sum + (values[1] ?? 0) : sum), 0);
    const state = Float64Array.of(0, y, 0.2, 0, 0, 0, (applied + 1) * GRIPPER_A_TICK);
    client.send(observation(seq++, { applied_seq: applied, state }));
  }
  return sent;
}

describe('rtc', () => {
  let server: TestGateway;
  beforeAll(async () => {
    const { inputs } = (await scriptedModels()).find(undefined)!.bundle.manifest;
    const prefix = { actions: 'prefix_actions', weights: 'prefix_weights' };
    server = await startTestGateway({
      models: await scriptedModels({ run: continuing, manifest: { inputs: { ...inputs, prefix } } }),
      settings: { stale_after_ms: 2_000 },
    });
  });
  afterAll(() => server.stop());

  test('what a policy is told as certain is what the robot gets', async () => {
    asked.length = 0;
    const client = await server.robot({ blend: 'rtc', control_hz: 20 });
    const sent = await drive(client, 8);
    client.terminate();
    for (const { baseTick, prefix } of asked.slice(0, 8)) {
      const frozen = prefix.weights.filter((weight) => weight === 1).length;
      expect(frozen).toBeGreaterThanOrEqual(LATE);
      for (let i = 0; i < frozen; i++) {
        const got = sent.get(baseTick + i) ?? [];
        expect([...prefix.actions.subarray(i * D, i * D + D)]).toEqual(got.map((value) => expect.closeTo(value, 6)));
      }
    }
  });

  test('another blend tells nothing', async () => {
    asked.length = 0;
    const client = await server.robot({ blend: 'latest', control_hz: 50 });
    client.send(observation(0));
    await client.next('action');
    client.send(observation(1));
    await client.next('action', ({ seq }) => seq > 6);
    expect(asked).toHaveLength(0);
    client.terminate();
  });
});

test('rtc is refused for a policy that takes no prefix', async () => {
  const server = await startTestGateway();
  const client = await server.connect();
  client.send({ type: 'open', robot_type: 'franka_panda', instruction: 'pick up the red cube', blend: 'rtc' });
  expect(await client.next('error')).toMatchObject({ code: 'validation_failed', field: 'blend', fatal: true });
  await server.stop();
});
