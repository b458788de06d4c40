import { ControlLoop, type ControlSpec, GovernorFault, type LimitsInForce, resolveLimits } from '@sinew/control';
import type { Chunk } from '@sinew/protocol';
import { findRobot } from '@sinew/robots';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { RobotAction } from './robot-action.js';
import { FakeServer, MODEL, settle } from './testing/fake-server.js';
import { SEEN, testRobot } from './testing/robots.js';

const HZ = 10;
const PERIOD_MS = 1000 / HZ;
const STATE = Float64Array.from(SEEN.state);

/** So tight that acceleration binds at 10 Hz: reaching full speed, and braking from it, takes several ticks. */
function limits(): LimitsInForce {
  const robot = findRobot('franka_panda');
  if (robot === undefined) throw new Error('no such robot');
  const resolved = resolveLimits({
    robot,
    actionSpace: 'ee_delta',
    mode: 'reduced',
    hz: HZ,
    tighten: { a: 0.6, dw: 3 },
  });
  if (!resolved.ok) throw new Error(resolved.reason);
  return resolved.limits;
}

const LIMITS = limits();
const SPEC: ControlSpec = {
  limits: LIMITS,
  actionSpace: 'ee_delta',
  dim: 7,
  chunkSize: MODEL.chunk_size,
  hz: HZ,
  execute: 4,
  blend: 'latest',
  smoothing: 'none',
  action: MODEL.action,
};

const chunkedServer = () => new FakeServer({ pacing: 'chunked', robot: LIMITS, control_hz: HZ });

/** The server's side of a chunked session: one control loop that plans what it sends, as the gateway does. */
class Planner {
  readonly loop = new ControlLoop(SPEC);
  #ref = 0;

  constructor() {
    this.loop.observe(STATE, 0);
  }

  /** A policy that wants `step` metres a tick along x, governed from `firstTick` on. */
  plan(observationSeq: number, baseTick: number, firstTick: number, step: number): Chunk {
    const actions = new Float32Array(MODEL.chunk_size * 7);
    for (let k = 0; k < MODEL.chunk_size; k++) actions.set([step, step / 2, 0, 0, 0, step * 2, 1], k * 7);
    this.loop.adopt({ actions, state: STATE, baseTick, nextTick: firstTick, ref: this.#ref++ });
    const plan = this.loop.plan(firstTick, this.loop.remaining(firstTick));
    return {
      type: 'chunk',
      observation_seq: observationSeq,
      first_tick: firstTick,
      dt_ms: PERIOD_MS,
      shape: [plan.length, 7],
      values: Float32Array.from(plan.values),
      start_pose: plan.startPose,
      stop: Float32Array.from(plan.stop),
      safety: { score: 1, checks_passed: 4, flags: [], clamped: false },
      latency: { queue_ms: 1, inference_ms: 2, total_ms: 3 },
      log_id: 100 + observationSeq,
    };
  }
}

/** One control period, with the server alive. */
async function tick(server: FakeServer, count = 1): Promise<void> {
  for (let i = 0; i < count; i++) {
    server.clock.advance(PERIOD_MS);
    const now = server.clock.now();
    server.connection.send({ type: 'pong', sent_at_ms: now, received_at_ms: now, server_time_ms: now });
    await settle();
  }
}

function row(values: Float32Array, index: number): number[] {
  return [...values.subarray(index * 7, index * 7 + 7)];
}

/** The largest speed and change of speed between commands, ticks without one counted as rest; metres and seconds. */
function motion(taken: readonly RobotAction[]): { speed: number; acceleration: number } {
  let speed = 0;
  let acceleration = 0;
  let before = [0, 0, 0];
  let beforeSeq = -1;
  for (const { values, seq } of taken) {
    const v = [0, 1, 2].map((axis) => (values[axis] ?? 0) * HZ);
    if (seq !== beforeSeq + 1) before = [0, 0, 0];
    speed = Math.max(speed, Math.hypot(...v));
    acceleration = Math.max(acceleration, Math.hypot(...v.map((x, axis) => x - (before[axis] ?? 0))) * HZ);
    before = v;
    beforeSeq = seq;
  }
  return { speed, acceleration };
}

function expectInsideLimits(taken: readonly RobotAction[]): void {
  const { speed, acceleration } = motion(taken);
  expect(speed).toBeLessThanOrEqual(LIMITS.cartesian.v.value * (1 + 1e-6));
  expect(acceleration).toBeLessThanOrEqual(LIMITS.cartesian.a.value * (1 + 1e-6));
}

describe('the local executor', () => {
  it('[S3] plays a chunk that is in time as it was planned, tick by tick from its first', async () => {
    const server = chunkedServer();
    const { robot, taken } = await testRobot(server);
    robot.observe(SEEN);
    const chunk = new Planner().plan(0, 0, 3, 0.015);
    await tick(server);
    server.connection.send(chunk);
    await tick(server, 9);
    expect(taken.slice(0, 3).map(({ kind, seq }) => [kind, seq])).toEqual([
      ['hold', 0],
      ['hold', 1],
      ['hold', 2],
    ]);
    const played = taken.slice(3, 8);
    expect(played.map(({ kind, seq, observationSeq, logId }) => [kind, seq, observationSeq, logId])).toEqual(
      [3, 4, 5, 6, 7].map((seq) => ['action', seq, 0, 100]),
    );
    for (const [i, { values }] of played.entries())
      for (const [d, value] of row(chunk.values, i).entries()) expect(values[d]).toBeCloseTo(value, 6);
    expect(chunk.values[28]).toBeGreaterThan(0.01);
    expectInsideLimits(taken);
  });

  it('[S3] plays the old chunk up to the first tick of the new one', async () => {
    const server = chunkedServer();
    const planner = new Planner();
    const { robot, taken } = await testRobot(server);
    robot.observe(SEEN);
    server.connection.send(planner.plan(0, 0, 1, 0.015));
    await tick(server, 3);
    robot.observe(SEEN);
    const next = planner.plan(1, 3, 6, -0.01);
    server.connection.send(next);
    await tick(server, 5);
    expect(taken.map(({ kind, seq, observationSeq }) => [kind[0], seq, observationSeq])).toEqual([
      ['h', 0, null],
      ...[1, 2, 3, 4, 5].map((seq) => ['a', seq, 0]),
      ...[6, 7].map((seq) => ['a', seq, 1]),
    ]);
    for (const [i, { values }] of taken.slice(6).entries())
      for (const [d, value] of row(next.values, i).entries()) expect(values[d]).toBeCloseTo(value, 6);
    expectInsideLimits(taken);
    expect(robot.stats.lateChunks).toBe(0);
  });

  it('[S3] governs what is left of a late chunk from what was really sent', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 9 }),
        fc.double({ min: -0.03, max: 0.03, noNaN: true }),
        fc.double({ min: -0.03, max: 0.03, noNaN: true }),
        async (lateBy, first, second) => {
          const server = chunkedServer();
          const planner = new Planner();
          const { robot, taken } = await testRobot(server);
          robot.observe(SEEN);
          server.connection.send(planner.plan(0, 0, 1, first));
          await tick(server, 5);
          robot.observe(SEEN);
          const next = planner.plan(1, 4, 6, second);
          await tick(server, lateBy);
          server.connection.send(next);
          await tick(server, 12);
          expectInsideLimits(taken);
          expect(taken.map(({ seq }) => seq)).toEqual(taken.map((_, i) => i));
          expect(robot.stats.lateChunks).toBe(lateBy > 1 ? 1 : 0);
          if (lateBy < next.shape[0]) expect(taken.some(({ observationSeq }) => observationSeq === 1)).toBe(true);
          await robot.close();
        },
      ),
      { numRuns: 40 },
    );
  });

  it('[S3] brakes as the chunk’s own `stop` does when nothing follows, then holds at rest', async () => {
    const server = chunkedServer();
    const { robot, taken } = await testRobot(server);
    robot.observe(SEEN);
    const chunk = new Planner().plan(0, 0, 1, 0.02);
    server.connection.send(chunk);
    await tick(server, 20);
    const tail = taken.filter(({ kind, seq }) => kind === 'hold' && seq >= 8);
    const stopLength = chunk.stop.length / 7;
    expect(stopLength).toBeGreaterThan(0);
    for (let i = 0; i < stopLength; i++)
      for (const [d, value] of row(chunk.stop, i).entries()) expect(tail[i]?.values[d]).toBeCloseTo(value, 6);
    for (const { values } of tail.slice(stopLength)) expect([...values]).toEqual([0, 0, 0, 0, 0, 0, 1]);
    expect(tail.every(({ reason }) => reason === 'starved')).toBe(true);
    expectInsideLimits(taken);
  });

  it('[S3] a silent server ends in a stop even if the chunk has actions left', async () => {
    const server = chunkedServer();
    server.opened = { ...server.opened, limits: { ...server.opened.limits, stale_after_ms: 250 } };
    const { robot, taken } = await testRobot(server);
    robot.observe(SEEN);
    server.connection.send(new Planner().plan(0, 0, 1, 0.02));
    for (let i = 0; i < 12; i++) {
      server.clock.advance(PERIOD_MS);
      await settle();
    }
    expect(taken.filter(({ kind }) => kind === 'action').map(({ seq }) => seq)).toEqual([1, 2]);
    expect(taken.filter(({ seq }) => seq > 2).every(({ reason }) => reason === 'link')).toBe(true);
    expect([...(taken.at(-1)?.values ?? [])]).toEqual([0, 0, 0, 0, 0, 0, 1]);
    expectInsideLimits(taken);
  });

  it('[S3] a hold of the server stops the chunk at once; the next chunk starts motion again', async () => {
    const server = chunkedServer();
    const planner = new Planner();
    const { robot, taken } = await testRobot(server);
    robot.observe(SEEN);
    server.connection.send(planner.plan(0, 0, 1, 0.02));
    await tick(server, 3);
    server.connection.hold(3, 'stale');
    await tick(server, 3);
    expect(taken.slice(3).map(({ reason }) => reason)).toEqual(['stale', 'stale', 'stale']);
    expectInsideLimits(taken);
    const again = new Planner().plan(1, 6, 8, 0.01);
    server.connection.send(again);
    await tick(server, 4);
    expect(taken.slice(6).map(({ kind, reason, seq }) => [kind, reason, seq])).toEqual([
      ['hold', 'stale', 6],
      ['hold', 'stale', 7],
      ['action', null, 8],
      ['action', null, 9],
    ]);
    expectInsideLimits(taken);
  });

  it('[S3] a lost link brakes, and what was planned before it is not played afterwards', async () => {
    const server = chunkedServer();
    const { robot, taken } = await testRobot(server);
    robot.observe(SEEN);
    server.connection.send(new Planner().plan(0, 0, 1, 0.02));
    await tick(server, 3);
    server.connection.end(1006);
    server.opened = { ...server.opened, resumed: true, epoch: 2 };
    await settle();
    for (let i = 0; i < 4; i++) {
      server.clock.advance(PERIOD_MS);
      await settle();
    }
    expect(robot.connected).toBe(true);
    expect(taken.filter(({ kind }) => kind === 'action').map(({ seq }) => seq)).toEqual([1, 2]);
    expectInsideLimits(taken);
  });

  it('wakes a consumer that observes after each command only, when a new session begins', async () => {
    const server = chunkedServer();
    const { robot, taken } = await testRobot(server);
    robot.observe(SEEN);
    server.answer = (connection, open) => {
      if (open.resume !== undefined) {
        connection.error({ code: 'resume_failed', fatal: true });
        connection.end(4422);
      } else connection.send({ ...server.opened, session_id: 'session-2' });
    };
    server.connection.end(1006);
    for (let i = 0; i < 4 && robot.sessionId !== 'session-2'; i++) {
      server.clock.advance(500);
      await settle();
    }
    expect(robot.sessionId).toBe('session-2');
    expect(taken.at(-1)).toMatchObject({ kind: 'hold', reason: 'link', local: true, seq: -1 });
    const before = taken.length;
    robot.observe(SEEN);
    const [observation] = server.connection.of('observation');
    expect(observation?.seq).toBe(1);
    expect(observation?.applied_seq).toBeUndefined();
    await tick(server, 3);
    expect(taken.slice(before - 1).map(({ seq }) => seq)).toEqual([-1, 0, 1, 2]);
  });

  it('the hold before a new session’s first tick is named to nobody, however late it is taken', async () => {
    const server = chunkedServer();
    const { robot } = await testRobot(server, {}, { idle: true });
    robot.observe(SEEN);
    server.answer = (connection, open) => {
      if (open.resume !== undefined) {
        connection.error({ code: 'resume_failed', fatal: true });
        connection.end(4422);
      } else connection.send({ ...server.opened, session_id: 'session-2' });
    };
    server.connection.end(1006);
    for (let i = 0; i < 4 && robot.sessionId !== 'session-2'; i++) {
      server.clock.advance(500);
      await settle();
    }
    robot.observe(SEEN);
    const seqs: (number | undefined)[] = [];
    while (seqs.at(-1) !== -1) seqs.push((await robot.actions().next()).value?.seq);
    robot.observe(SEEN);
    expect(server.connection.of('observation').map(({ applied_seq }) => applied_seq)).toEqual([undefined, undefined]);
  });

  it('an e-stop brakes within the limits and drops every chunk until it is cleared', async () => {
    const server = chunkedServer();
    const { robot, taken } = await testRobot(server);
    robot.observe(SEEN);
    server.connection.send(new Planner().plan(0, 0, 1, 0.02));
    await tick(server, 3);
    robot.estop();
    server.connection.send(new Planner().plan(1, 3, 5, 0.02));
    await tick(server, 5);
    expect(taken.slice(3).map(({ kind, reason }) => [kind, reason])).toEqual(new Array(5).fill(['hold', 'estop']));
    robot.clearEstop();
    await tick(server, 2);
    expect(taken.slice(8).every(({ kind }) => kind === 'hold')).toBe(true);
    robot.observe(SEEN);
    robot.observe(SEEN);
    server.connection.send(new Planner().plan(2, 10, 12, 0.01));
    await tick(server, 4);
    expect(taken.at(-1)).toMatchObject({ kind: 'action', observationSeq: 2 });
    expectInsideLimits(taken);
  });

  it('[S11] an e-stop cleared before the server heard of it: chunks that it sent until then are not played', async () => {
    const server = chunkedServer();
    const { robot, taken } = await testRobot(server);
    robot.observe(SEEN);
    server.connection.send(new Planner().plan(0, 0, 1, 0.02));
    await tick(server, 3);
    robot.estop();
    robot.observe(SEEN);
    robot.clearEstop();
    server.connection.send(new Planner().plan(0, 0, 3, 0.02));
    server.connection.send(new Planner().plan(1, 3, 4, 0.02));
    await tick(server, 6);
    expect(taken.slice(3).map(({ kind, reason }) => [kind, reason])).toEqual(new Array(6).fill(['hold', 'estop']));
    robot.observe(SEEN);
    server.connection.send(new Planner().plan(2, 9, 10, 0.01));
    await tick(server, 3);
    expect(taken.at(-1)).toMatchObject({ kind: 'action', observationSeq: 2 });
    expectInsideLimits(taken);
  });

  it('[S11] an e-stop brings the robot to rest even where it is cleared and answered within a tick', async () => {
    const server = chunkedServer();
    const { robot, taken } = await testRobot(server);
    robot.observe(SEEN);
    server.connection.send(new Planner().plan(0, 0, 1, 0.02));
    await tick(server, 5);
    expect(taken.at(-1)?.values[0]).toBeGreaterThan(0.01);
    robot.estop();
    robot.clearEstop();
    robot.observe(SEEN);
    server.connection.send(new Planner().plan(1, 5, 5, 0.02));
    await tick(server, 8);
    const after = taken.slice(5);
    const moving = after.findIndex(({ kind }) => kind === 'action');
    expect(moving).toBeGreaterThan(1);
    expect(after[moving - 1]?.values[0]).toBe(0);
    expectInsideLimits(taken);
  });

  it('a process that slept plays the newest tick from rest, never a burst', async () => {
    const server = chunkedServer();
    const { robot, taken } = await testRobot(server);
    robot.observe(SEEN);
    server.connection.send(new Planner().plan(0, 0, 1, 0.02));
    await tick(server, 2);
    const before = taken.length;
    server.clock.jump(450);
    server.clock.advance(0);
    await settle();
    expect(taken.slice(before).map(({ seq }) => seq)).toEqual([6]);
    expectInsideLimits(taken);
  });

  it('observations name the tick that was played last; where the server is behind, this side waits a tick', async () => {
    const server = chunkedServer();
    const { robot, taken } = await testRobot(server);
    robot.observe(SEEN);
    server.connection.send(new Planner().plan(0, 0, 1, 0.01));
    await tick(server, 3);
    robot.observe(SEEN);
    expect(server.connection.of('observation').map((o) => o.applied_seq)).toEqual([undefined, 2]);
    server.connection.error({ code: 'validation_failed', fatal: false, field: 'applied_seq', observation_seq: 1 });
    await settle();
    server.clock.advance(PERIOD_MS);
    await settle();
    expect(taken.at(-1)?.seq).toBe(2);
    server.clock.advance(PERIOD_MS);
    await settle();
    expect(taken.at(-1)?.seq).toBe(3);
  });

  it('a session whose chunks this side cannot govern is refused, not played', async () => {
    const server = chunkedServer();
    server.opened = { ...server.opened, model: { ...MODEL, action_space: 'joint_position' } };
    await expect(testRobot(server)).rejects.toMatchObject({ code: 'validation_failed', field: 'pacing' });
    await settle();
    expect(server.connection.terminated).toBe(true);
    expect(server.clock.pending).toBe(0);
  });

  it('keeps to the server’s clock when its own drifts', async () => {
    const server = chunkedServer();
    const { robot, taken } = await testRobot(server);
    robot.observe(SEEN);
    // the server's clock runs 1 % fast: after 10 s it is 100 ms, one tick, ahead
    for (let i = 0; i < 1000; i++) {
      server.clock.advance(10);
      const elapsed = 10 * (i + 1);
      if (i % 5 === 0) {
        const t = robot.now();
        server.connection.send({
          type: 'pong',
          sent_at_ms: t,
          received_at_ms: elapsed * 1.01,
          server_time_ms: elapsed * 1.01,
        });
      }
      await settle();
    }
    expect(taken.at(-1)?.seq).toBe(100);
  });

  it('[SAFE-E3] a fault of the governor here ends the session with an e-stop: its consumer is told, no command leaves', async () => {
    const server = chunkedServer();
    const { robot, taken, end } = await failing(server);
    robot.observe(SEEN);
    server.clock.advance(2 * PERIOD_MS);
    await settle();
    vi.restoreAllMocks();
    expect(server.connection.of('estop')).toHaveLength(1);
    expect(end()).toMatchObject({ error: { code: 'internal', cause: expect.any(GovernorFault) } });
    expect(taken).toEqual([]);
    expect(server.clock.pending).toBe(0);
  });
});

/** A robot whose control loop finds itself at fault at every tick. */
async function failing(server: FakeServer) {
  const test = await testRobot(server);
  vi.spyOn(ControlLoop.prototype, 'tick').mockImplementation(() => {
    throw new GovernorFault('a step outside its limits was about to be sent');
  });
  return { robot: test.robot, taken: test.taken, end: () => test.end };
}
