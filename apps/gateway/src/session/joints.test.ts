import type { ActionSpace, ModelDescription } from '@sinew/protocol';
import { findRobot } from '@sinew/robots';
import { afterEach, expect, test } from 'vitest';
import { inferenceRequest } from '../testing/rest.js';
import { Gate, scriptedModels } from '../testing/scripted-models.js';
import { KEY, observation, startTestGateway, type TestGateway } from '../testing/test-gateway.js';

const HOME = [0, -0.6, 0, -2.2, 0, 1.6, 0.8];
const HZ = 50;
let server: TestGateway;
afterEach(() => server.stop());

/** A gateway whose policy moves joints: joint 1 at `speed` rad/s wherever the robot is, the gripper half open. */
async function serve(space: ActionSpace, speed: number, dim = 8, gate = new Gate(true)): Promise<void> {
  const description: Partial<ModelDescription> = {
    action_space: space,
    action_dim: dim,
    inputs: {
      cameras: [{ name: 'main', width: 96, height: 96 }],
      state: { dim: 8, names: [...'abcdefgh'] },
      text: { max_words: 16 },
    },
    action: { frame: 'base', rotation: 'rotvec', gripper: 'absolute_0_closed_1_open', pose: null },
  };
  const models = await scriptedModels({
    description,
    manifest: { control_hz: HZ },
    run: async (slot, inputs, deadlineMs) => ({
      outputs: (await gate.run(slot, inputs, deadlineMs)).outputs.map((_, i) => {
        const { state } = inputs[i]!;
        const actions = new Float32Array(8 * dim);
        for (let k = 0; k < 8; k++) {
          const row = space === 'joint_position' ? [...state.subarray(0, 7)] : [0, 0, 0, 0, 0, 0, 0];
          row[0]! += space === 'joint_velocity' ? speed : (speed / HZ) * (space === 'joint_position' ? k + 1 : 1);
          actions.set([...row, 0.5].slice(0, dim), k * dim);
        }
        return { ok: true, actions };
      }),
      decodeMs: 0,
      inferMs: 0,
    }),
  });
  server = await startTestGateway({ models });
}

test.each(['joint_position', 'joint_delta', 'joint_velocity'] as const)(
  '[SAFE-B2] a session of %s sends what the limits of its joints and of the tool allow',
  async (space) => {
    await serve(space, 9);
    const client = await server.robot({ control_hz: HZ });
    const opened = client.received[0] as { robot: Record<string, unknown>; model: ModelDescription };
    expect(opened.robot).toMatchObject({ action_space: space, tcp: 'kinematics' });
    const joints = opened.robot.joints as { v: { value: number }; a: { value: number } }[];
    expect(joints.map(({ v }) => v.value)).toEqual(findRobot('franka_panda')!.joints.map(({ velocity }) => velocity));

    const q = [...HOME];
    let before = 0;
    let last = -1;
    let fastest = 0;
    let read = client.received.length;
    client.send(observation(0, { state: Float64Array.from([...q, 1]) }));
    for (let seq = 1; seq < 60; ) {
      const tick = client.received[read];
      if (tick === undefined)
        await new Promise((resolve) => client.socket.once('message', () => setImmediate(resolve)));
      else read++;
      if (tick?.type !== 'action' && tick?.type !== 'hold') continue;
      const value = tick.values[0]!;
      const step = { joint_position: value - q[0]!, joint_delta: value, joint_velocity: value / HZ }[space];
      // A tick that a busy machine skipped is a standstill.
      if (tick.seq !== last + 1) before = 0;
      last = tick.seq;
      expect(Math.abs(step * HZ)).toBeLessThanOrEqual(joints[0]!.v.value * (1 + 1e-9));
      expect(Math.abs(step * HZ - before) * HZ).toBeLessThanOrEqual(joints[0]!.a.value * (1 + 1e-6));
      before = step * HZ;
      fastest = Math.max(fastest, before);
      q[0]! += step;
      if (tick.type === 'action') expect([tick.safety.clamped, tick.values[7]]).toEqual([true, 0.5]);
      client.send(observation(seq++, { state: Float64Array.from([...q, 1]), applied_seq: tick.seq }));
    }
    // The tool stands 0.364 m from the axis of joint 1, and may go 0.25 m/s.
    expect(fastest * 0.364).toBeGreaterThan(0.2);
    expect(fastest * 0.364).toBeLessThan(0.251);
    client.terminate();
  },
);

test('[SAFE-B2] REST answers joints as joints, governed from rest at the observed ones', async () => {
  await serve('joint_position', 9);
  const response = await fetch(`${server.http}/v1/inference`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${KEY}` },
    body: JSON.stringify({ ...inferenceRequest(), state: [...HOME, 1] }),
  });
  expect(response.status).toBe(200);
  const body = (await response.json()) as { action: { type: string; values: number[] }; chunk: number[][] };
  expect(body.action.type).toBe('joint_position');
  expect(body.chunk).toHaveLength(8);
  expect(body.chunk[0]![0]!).toBeGreaterThan(0);
  expect(body.chunk[0]![0]!).toBeLessThanOrEqual((15 / HZ / HZ) * (1 + 1e-9));
  for (let i = 1; i < 7; i++) expect(body.chunk[7]![i]).toBeCloseTo(HOME[i]!, 6);
  expect(body.chunk[0]![7]).toBe(0.5);
});

test.each([
  ['action_dim', 'joint_delta', 6, {}],
  ['limits.a', 'joint_delta', 8, { limits: { a: 1 } }],
] as const)(
  '[SAFE-N4] what does not fit the joints of the robot is refused by %s at open',
  async (field, space, dim, more) => {
    await serve(space, 1, dim);
    const client = await server.connect();
    client.send({ type: 'open', robot_type: 'franka_panda', instruction: 'pick up the red cube', ...more });
    expect(await client.next('error')).toMatchObject({ code: 'validation_failed', field, fatal: true });
    client.terminate();
  },
);

test('[S11] an e-stop before the first observation tells a chunked client no position to hold', async () => {
  await serve('joint_position', 1);
  const client = await server.robot({ control_hz: HZ, pacing: 'chunked' });
  client.send({ type: 'estop' });
  client.send({ type: 'ping', sent_at_ms: 1 });
  await client.next('pong');
  expect(client.received.some(({ type }) => type === 'hold')).toBe(false);
  client.terminate();
});

test.each(['joint_position', 'joint_delta', 'joint_velocity'] as const)(
  '[SAFE-U2] joints in degrees are refused by their field in a session of %s, and start no ticks; REST too',
  async (space) => {
    await serve(space, 1);
    const state = [...HOME.map((q) => (q * 180) / Math.PI), 1];
    const client = await server.robot({ control_hz: HZ });
    client.send(observation(0, { state: Float64Array.from(state) }));
    expect(await client.next('error')).toMatchObject({
      code: 'validation_failed',
      field: 'state',
      reason: expect.stringContaining('looks like degrees'),
    });
    client.send(observation(1, { state: Float64Array.from([...HOME, 1]) }));
    await client.next('action');
    const first = client.received.find(({ type }) => type === 'action' || type === 'hold');
    expect(first).toMatchObject({ seq: 0 });
    if (space === 'joint_position' && first?.type === 'hold') expect([...first.values.subarray(0, 7)]).toEqual(HOME);
    client.terminate();
    const response = await fetch(`${server.http}/v1/inference`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${KEY}` },
      body: JSON.stringify({ ...inferenceRequest(), state }),
    });
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({ field: 'state' });
  },
);

test('[S4] [S11] an e-stop in lockstep holds positions where the robot was seen, not where its plan would have led', async () => {
  const gate = new Gate(true);
  await serve('joint_position', 1, 8, gate);
  const client = await server.robot({ control_hz: HZ, pacing: 'lockstep' });
  client.send(observation(0, { state: Float64Array.from([...HOME, 1]) }));
  const { values } = await client.next('chunk');
  // Of eight commands the robot played one.
  gate.close();
  const seen = [...values.subarray(0, 7)];
  client.send(observation(1, { state: Float64Array.from([...seen, 1]), applied_seq: 0 }));
  while (gate.ran.length < 2) await new Promise((resolve) => setImmediate(resolve));
  client.send({ type: 'estop' });
  const hold = await client.next('hold');
  expect(hold.reason).toBe('estop');
  expect([...hold.values.subarray(0, 7)]).toEqual(seen);
  gate.open();
  client.terminate();
});
