import { ControlLoop, type ControlSpec, resolveLimits } from '@sinew/control';
import type { Chunk, ModelDescription } from '@sinew/protocol';
import { findRobot } from '@sinew/robots';
import { describe, expect, it } from 'vitest';
import { FakeServer, MODEL, settle } from './testing/fake-server.js';
import { SEEN, testRobot } from './testing/robots.js';

const HZ = 10;
const HOME = [0, -0.6, 0, -2.2, 0, 1.6, 0.8];
/** The joints lie behind two other numbers of the state, and the gripper is among them. */
const JOINTS = [2, 3, 4, 5, 6, 7, 8, 0];

describe.each(['joint_position', 'joint_delta', 'joint_velocity'] as const)('the local executor of %s', (space) => {
  const robot = findRobot('franka_panda')!;
  const resolved = resolveLimits({ robot, actionSpace: space, mode: 'reduced', hz: HZ });
  if (!resolved.ok) throw new Error(resolved.reason);
  const model: ModelDescription = {
    ...MODEL,
    action_space: space,
    action_dim: 8,
    inputs: { ...MODEL.inputs, state: { dim: 9, names: [...'gxabcdefh'] } },
    action: { ...MODEL.action, pose: null, joints: JOINTS },
  };
  const spec: ControlSpec = {
    limits: resolved.limits,
    actionSpace: space,
    dim: 8,
    chunkSize: 8,
    hz: HZ,
    execute: 4,
    blend: 'latest',
    smoothing: 'none',
    action: model.action,
  };
  const stateAt = (q: readonly number[]) => {
    const state = new Float64Array(9);
    for (const [i, x] of [...q, 0.75].entries()) state[JOINTS[i]!] = x;
    return state;
  };

  /** A policy that turns joint 1 and 6 at a steady speed. */
  function plan(loop: ControlLoop, baseTick: number, firstTick: number, speed: number, length = 8): Chunk {
    const actions = new Float32Array(64);
    for (let k = 0; k < 8; k++) {
      const step = { joint_position: (k + 1) * (speed / HZ), joint_delta: speed / HZ, joint_velocity: speed }[space];
      const moved = space === 'joint_position' ? HOME : [0, 0, 0, 0, 0, 0, 0];
      actions.set([...moved.map((x, i) => (i === 0 || i === 5 ? x + step : x)), 0.25], k * 8);
    }
    loop.adopt({ actions, state: stateAt(HOME), baseTick, nextTick: firstTick, ref: 1 });
    const { values, stop, startPose } = loop.plan(firstTick, length);
    return {
      type: 'chunk',
      observation_seq: 0,
      first_tick: firstTick,
      dt_ms: 1000 / HZ,
      shape: [length, 8],
      values: Float32Array.from(values),
      start_pose: startPose,
      stop: Float32Array.from(stop),
      safety: { score: 1, checks_passed: 4, flags: [], clamped: false },
      latency: { queue_ms: 1, inference_ms: 2, total_ms: 3 },
      log_id: 100,
    };
  }

  it.each([8, 3])('[S3] plays %i planned commands as they were planned, then brakes and stands', async (length) => {
    const server = new FakeServer({ pacing: 'chunked', robot: resolved.limits, control_hz: HZ, model });
    const { robot: client, taken } = await testRobot(server);
    const loop = new ControlLoop(spec);
    loop.observe(stateAt(HOME), 0);
    client.observe({ ...SEEN, state: [...stateAt(HOME)] });
    const chunk = plan(loop, 0, 2, 0.15, length);
    server.connection.send(chunk);
    for (let i = 0; i < length + 8; i++) {
      server.clock.advance(1000 / HZ);
      const now = server.clock.now();
      server.connection.send({ type: 'pong', sent_at_ms: now, received_at_ms: now, server_time_ms: now });
      await settle();
    }
    const played = taken.filter(({ kind }) => kind === 'action');
    expect(played.map(({ seq }) => seq)).toEqual(Array.from({ length }, (_, i) => i + 2));
    for (const [i, { values }] of played.entries()) {
      for (const [d, value] of values.entries()) expect(value).toBeCloseTo(chunk.values[i * 8 + d]!, 5);
    }
    const after = taken.slice(taken.indexOf(played.at(-1)!) + 1);
    expect(after.length).toBeGreaterThan(3);
    const still = after.at(-1)!.values;
    if (space === 'joint_position') expect([...still]).toEqual([...after.at(-2)!.values]);
    else expect([...still.subarray(0, 7)]).toEqual([0, 0, 0, 0, 0, 0, 0]);
    expect(still[7]).toBe(0.25);
    expect(after.every(({ kind }) => kind === 'hold')).toBe(true);
  });

  it('[S11] an arm moved by hand in an e-stop is held where it stands, not pulled back', async () => {
    const server = new FakeServer({ pacing: 'chunked', robot: resolved.limits, control_hz: HZ, model });
    const { robot: client, taken } = await testRobot(server);
    const loop = new ControlLoop(spec);
    loop.observe(stateAt(HOME), 0);
    client.observe({ ...SEEN, state: [...stateAt(HOME)] });
    server.connection.send(plan(loop, 0, 2, 0.15));
    const tick = async (count: number) => {
      for (let i = 0; i < count; i++) {
        server.clock.advance(1000 / HZ);
        const now = server.clock.now();
        server.connection.send({ type: 'pong', sent_at_ms: now, received_at_ms: now, server_time_ms: now });
        await settle();
      }
    };
    await tick(5);
    client.estop();
    await tick(8);
    const moved = HOME.map((x, i) => (i === 1 ? x + 0.4 : x));
    client.observe({ ...SEEN, state: [...stateAt(moved)] });
    await tick(2);
    const held = taken.at(-1)!;
    expect([held.kind, held.reason]).toEqual(['hold', 'estop']);
    expect([...held.values.subarray(0, 7)]).toEqual(space === 'joint_position' ? moved : [0, 0, 0, 0, 0, 0, 0]);
  });
});

it('[S3] plays steps of the tool as they were planned where the state reports joints too: of them a chunk says nothing', async () => {
  const resolved = resolveLimits({ robot: findRobot('ur5e')!, actionSpace: 'ee_delta', mode: 'reduced', hz: HZ });
  if (!resolved.ok) throw new Error(resolved.reason);
  const model: ModelDescription = {
    ...MODEL,
    inputs: { ...MODEL.inputs, state: { dim: 13, names: [...'xyzrpwgabcdef'] } },
    action: { ...MODEL.action, joints: [7, 8, 9, 10, 11, 12] },
  };
  const server = new FakeServer({ pacing: 'chunked', robot: resolved.limits, control_hz: HZ, model });
  const { robot: client, taken } = await testRobot(server, { robotType: 'ur5e' });
  const pose = [0.3, 0, 0.2, 0, 0, 0, 1];
  client.observe({ ...SEEN, state: [...pose, 0, -1.2, 1.5, -1.8, -1.5, 0] });
  const values = Float32Array.from({ length: 56 }, (_, i) => [0.005, 0, 0, 0, 0, 0.01, 1][i % 7]!);
  server.connection.send({
    type: 'chunk',
    observation_seq: 0,
    first_tick: 2,
    dt_ms: 1000 / HZ,
    shape: [8, 7],
    values,
    start_pose: Float64Array.from(pose),
    stop: new Float32Array(0),
    safety: { score: 1, checks_passed: 4, flags: [], clamped: false },
    latency: { queue_ms: 1, inference_ms: 2, total_ms: 3 },
    log_id: 100,
  });
  for (let i = 0; i < 6; i++) {
    server.clock.advance(1000 / HZ);
    await settle();
  }
  const played = taken.filter(({ kind }) => kind === 'action');
  expect(played.length).toBeGreaterThan(2);
  for (const { clamped, values: sent } of played) {
    expect(clamped).toBe(false);
    for (const [d, value] of sent.entries()) expect(value).toBeCloseTo(values[d]!, 6);
  }
});

describe('paced positions', () => {
  it('[S11] in an e-stop this side holds where it stopped, and once the arm is seen to stand, where the server found it', async () => {
    const model: ModelDescription = {
      ...MODEL,
      action_space: 'joint_position',
      inputs: { ...MODEL.inputs, state: { dim: 7, names: [...'abcdefg'] } },
      action: { ...MODEL.action, pose: null },
    };
    const server = new FakeServer({ model });
    const { robot, taken } = await testRobot(server);
    robot.observe({ ...SEEN, state: HOME });
    server.connection.action(0, 0, { values: Float64Array.from(HOME) });
    await settle();
    robot.estop();
    const moved = Float64Array.from(HOME, (x) => x + 0.3);
    server.connection.send({ type: 'hold', seq: 1, reason: 'estop', values: moved });
    await settle();
    expect([...taken.at(-1)!.values]).toEqual(HOME);
    server.clock.advance(2_500);
    server.connection.send({ type: 'hold', seq: 30, reason: 'estop', values: moved });
    await settle();
    expect([...taken.at(-1)!.values]).toEqual([...moved]);
  });
});
