import { SinewError } from '@sinew/protocol';
import { describe, expect, it } from 'vitest';
import type { FakeConnection } from './testing/fake-server.js';
import { FakeServer, settle } from './testing/fake-server.js';
import { SEEN, testRobot } from './testing/robots.js';

const lockstep = () => new FakeServer({ pacing: 'lockstep' });

function chunk(connection: FakeConnection, observationSeq: number, firstTick: number, length = 8): void {
  const values = new Float32Array(length * 7);
  for (let i = 0; i < length; i++) values[i * 7] = (firstTick + i) / 1024;
  connection.send({
    type: 'chunk',
    observation_seq: observationSeq,
    first_tick: firstTick,
    dt_ms: 100,
    shape: [length, 7],
    values,
    start_pose: null,
    stop: new Float32Array(0),
    safety: { score: 1, checks_passed: 4, flags: [], clamped: false },
    latency: { queue_ms: 1, inference_ms: 2, total_ms: 3 },
    log_id: 7,
  });
}

describe('lockstep', () => {
  it('[S4] gives the chunk’s actions in order, and tells with the next observation how far it got', async () => {
    const server = lockstep();
    const { robot } = await testRobot(server, {}, { idle: true });
    robot.observe(SEEN);
    chunk(server.connection, 0, 0);
    const actions = robot.actions();
    const taken = [];
    for (let i = 0; i < 4; i++) taken.push((await actions.next()).value);
    expect(taken.map((a) => [a?.seq, a?.values[0], a?.ageMs, a?.remaining])).toEqual([
      [0, 0, 0, 7],
      [1, 1 / 1024, 0, 6],
      [2, 2 / 1024, 0, 5],
      [3, 3 / 1024, 0, 4],
    ]);
    robot.observe(SEEN);
    expect(server.connection.of('observation').map((o) => o.applied_seq)).toEqual([undefined, 3]);
    chunk(server.connection, 1, 4);
    expect((await actions.next()).value).toMatchObject({ seq: 4, observationSeq: 1 });
  });

  it('[S4] a fifth unanswered observation is refused here, before the server must', async () => {
    const server = lockstep();
    const { robot } = await testRobot(server);
    for (let i = 0; i < 4; i++) robot.observe(SEEN);
    expect(() => robot.observe(SEEN)).toThrow(SinewError);
    expect(() => robot.observe(SEEN)).toThrow(/wait for their chunks/);
    expect(server.connection.of('observation')).toHaveLength(4);
    chunk(server.connection, 0, 0);
    expect(robot.observe(SEEN)).toBe(4);
  });

  it('[S4] an observation that got an error gives one hold, so that the loop goes on', async () => {
    const server = lockstep();
    const { robot, taken } = await testRobot(server);
    robot.observe(SEEN);
    server.connection.error({ code: 'model_error', fatal: false, observation_seq: 0 });
    await settle();
    expect(taken).toMatchObject([{ kind: 'hold', reason: 'rejected', values: Float64Array.of(0, 0, 0, 0, 0, 0, 1) }]);
    robot.observe(SEEN);
    chunk(server.connection, 1, 0, 1);
    await settle();
    expect(taken.at(-1)).toMatchObject({ kind: 'action', seq: 0 });
  });

  it('[S4] after a reset ticks start at 0, and a chunk for what was seen before is dropped', async () => {
    const server = lockstep();
    const { robot, taken } = await testRobot(server);
    robot.observe(SEEN);
    chunk(server.connection, 0, 0, 2);
    await settle();
    robot.observe(SEEN);
    robot.reset();
    chunk(server.connection, 1, 2, 2);
    robot.observe(SEEN);
    chunk(server.connection, 2, 0, 2);
    await settle();
    expect(taken.map(({ seq, observationSeq }) => [seq, observationSeq])).toEqual([
      [0, 0],
      [1, 0],
      [0, 2],
      [1, 2],
    ]);
  });

  it('[S7] what was not answered before the link broke is asked again under a new seq', async () => {
    const server = lockstep();
    const { robot, taken } = await testRobot(server);
    robot.observe(SEEN);
    chunk(server.connection, 0, 0, 2);
    await settle();
    robot.observe(SEEN);
    server.connection.end(1006);
    server.opened = { ...server.opened, resumed: true, epoch: 2 };
    server.clock.advance(100);
    await settle();
    expect(server.connection.of('observation')).toMatchObject([{ seq: 2, applied_seq: 1 }]);
    chunk(server.connection, 2, 2, 1);
    await settle();
    expect(taken.at(-1)).toMatchObject({ seq: 2, observationSeq: 2 });
    expect(robot.observe(SEEN)).toBe(3);
  });

  it('[S4] has no watchdog: a slow policy is waited for', async () => {
    const server = lockstep();
    const { robot, taken } = await testRobot(server);
    robot.observe(SEEN);
    for (let i = 0; i < 8; i++) {
      server.clock.advance(500);
      server.connection.send({ type: 'notice', code: 'slow', message: '' });
    }
    await settle();
    expect(taken).toEqual([]);
  });

  it('[S11] an e-stop cleared before the server heard of it: a chunk that it sent until then is not played', async () => {
    const server = lockstep();
    const { robot, taken } = await testRobot(server);
    robot.observe(SEEN);
    robot.estop();
    robot.observe(SEEN);
    robot.clearEstop();
    await settle();
    chunk(server.connection, 0, 0, 2);
    await settle();
    chunk(server.connection, 1, 0, 2);
    await settle();
    robot.observe(SEEN);
    chunk(server.connection, 2, 0, 1);
    await settle();
    expect(taken.map(({ kind, observationSeq }) => [kind, observationSeq])).toEqual([
      ['hold', null],
      ['action', 2],
    ]);
  });

  it('[S4] an e-stop drops the chunk and holds', async () => {
    const server = lockstep();
    const { robot } = await testRobot(server, {}, { idle: true });
    robot.observe(SEEN);
    chunk(server.connection, 0, 0);
    const actions = robot.actions();
    await actions.next();
    robot.estop();
    expect((await actions.next()).value).toMatchObject({ kind: 'hold', reason: 'estop' });
    robot.observe(SEEN);
    chunk(server.connection, 1, 1);
    expect((await actions.next()).value).toMatchObject({ kind: 'hold', reason: 'estop' });
  });
});
