import { SinewError } from '@sinew/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffMs } from './backoff.js';
import { Robot } from './robot.js';
import { ConnectionError } from './socket.js';
import { FakeServer, settle } from './testing/fake-server.js';
import { SEEN, testRobot } from './testing/robots.js';

const OPTIONS = { url: 'ws://robot.test:1', apiKey: 'k', robotType: 'franka_panda', instruction: 'go' };

describe('connecting', () => {
  it('rejects with the server’s refusal, and leaves nothing behind', async () => {
    const server = new FakeServer();
    server.answer = (connection) => {
      connection.error({ code: 'unknown_model', fatal: true, field: 'model' });
      connection.end(4422);
    };
    await expect(Robot.connect(OPTIONS, server.environment)).rejects.toMatchObject({
      code: 'unknown_model',
      field: 'model',
    });
    expect(server.clock.pending).toBe(0);
  });

  it('rejects where there is no server', async () => {
    const server = new FakeServer();
    server.reachable = false;
    await expect(Robot.connect(OPTIONS, server.environment)).rejects.toBeInstanceOf(ConnectionError);
    expect(server.clock.pending).toBe(0);
  });

  it('gives up on a server that never answers `open`', async () => {
    const server = new FakeServer();
    server.answer = () => {};
    const connecting = expect(Robot.connect(OPTIONS, server.environment)).rejects.toBeInstanceOf(ConnectionError);
    await settle();
    server.clock.advance(10_000);
    await connecting;
    expect(server.connection.terminated).toBe(true);
  });
});

describe('clocks', () => {
  it('pings at once, echoes the first pong at once, and goes on at a fixed pace', async () => {
    const server = new FakeServer();
    const { robot } = await testRobot(server);
    const pings = () => server.connection.of('ping');
    const t0 = robot.now();
    expect(pings()).toEqual([{ type: 'ping', sent_at_ms: t0 }]);
    server.clock.advance(20);
    server.connection.send({ type: 'pong', sent_at_ms: t0, received_at_ms: 5000, server_time_ms: 5001 });
    expect(pings().at(-1)).toEqual({
      type: 'ping',
      sent_at_ms: t0 + 20,
      echo: { server_time_ms: 5001, received_at_ms: t0 + 20 },
    });
    expect(robot.stats.rttMs).toBe(19);
    const before = pings().length;
    for (let i = 0; i < 12; i++) {
      server.clock.advance(500 / 3);
      const last = pings().at(-1);
      server.connection.send({ type: 'pong', sent_at_ms: last?.sent_at_ms ?? 0, received_at_ms: 0, server_time_ms: 0 });
    }
    expect(pings().length - before).toBe(12);
  });

  it('a connection that says nothing for five seconds is given up', async () => {
    const server = new FakeServer();
    const { events } = await testRobot(server);
    const first = server.connection;
    server.clock.advance(6000);
    await settle();
    expect(first.terminated).toBe(true);
    expect(events.some(({ type }) => type === 'reconnecting')).toBe(true);
  });
});

describe('losing the link', () => {
  it('[S7] holds from the next tick on, reconnects, and resumes the same session', async () => {
    const server = new FakeServer();
    const { robot, taken, events } = await testRobot(server);
    robot.observe(SEEN);
    server.connection.action(0, 0);
    await settle();
    server.connection.end(1006);
    server.opened = { ...server.opened, resumed: true, epoch: 2, resume_token: 'token-2' };
    server.clock.advance(49);
    expect(server.connections).toHaveLength(1);
    server.clock.advance(1);
    await settle();
    expect(server.connection.of('open')).toEqual([
      { type: 'open', resume: { session_id: 'session-1', token: 'token-1' } },
    ]);
    server.clock.advance(60);
    await settle();
    expect(taken.at(-1)).toMatchObject({ kind: 'hold', reason: 'link', seq: 1, local: true });
    server.connection.action(5, 0);
    await settle();
    expect(taken.at(-1)).toMatchObject({ kind: 'action', seq: 5 });
    expect(events).toEqual([
      { type: 'session', sessionId: 'session-1', resumed: false, epoch: 1 },
      { type: 'reconnecting', attempt: 0, delayMs: 50, error: expect.any(ConnectionError) },
      { type: 'session', sessionId: 'session-1', resumed: true, epoch: 2 },
    ]);
    // seq goes on rising over the resume
    expect(robot.observe(SEEN)).toBe(1);
    server.connection.end(1006);
    server.clock.advance(100);
    await settle();
    expect(server.connection.of('open')).toEqual([
      { type: 'open', resume: { session_id: 'session-1', token: 'token-2' } },
    ]);
  });

  it('[S7] opens a new session where the old one is gone, with the newest instruction', async () => {
    const server = new FakeServer();
    const { robot, events } = await testRobot(server);
    server.connection.end(1006);
    robot.instruct('stack the cubes');
    server.answer = (connection, open) => {
      if (open.resume !== undefined) {
        connection.error({ code: 'resume_failed', fatal: true });
        connection.end(4422);
      } else connection.send({ ...server.opened, session_id: 'session-2' });
    };
    server.clock.advance(50);
    await settle();
    server.clock.advance(1000);
    await settle();
    expect(robot.sessionId).toBe('session-2');
    expect(server.connection.of('open')).toMatchObject([
      { instruction: 'stack the cubes', robot_type: 'franka_panda' },
    ]);
    expect(events.at(-1)).toEqual({ type: 'session', sessionId: 'session-2', resumed: false, epoch: 1 });
  });

  it('[S7] wakes a consumer that observes after each command only, when a new session begins', async () => {
    const server = new FakeServer();
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
    robot.observe(SEEN);
    const [observation] = server.connection.of('observation');
    expect(observation?.seq).toBe(1);
    expect(observation?.applied_seq).toBeUndefined();
  });

  it('[S7] tries on while the gateway restarts, ever less often, and never resumes what was closed for good', async () => {
    const server = new FakeServer();
    const { robot, events } = await testRobot(server);
    server.connection.send({ type: 'closed', reason: 'draining', resumable: false, counters: {} });
    server.connection.end(4503, 'draining');
    server.reachable = false;
    for (let i = 0; i < 40; i++) {
      server.clock.advance(250);
      await settle();
    }
    const delays = events.flatMap((event) => (event.type === 'reconnecting' ? [event.delayMs] : []));
    expect(delays.slice(0, 6)).toEqual([50, 100, 200, 400, 800, 1000]);
    expect(Math.max(...delays)).toBe(1000);
    server.reachable = true;
    server.clock.advance(1000);
    await settle();
    expect(robot.connected).toBe(true);
    expect(server.connection.of('open')[0]).not.toHaveProperty('resume');
  });

  it('tells a resumed session what was said while the link was down', async () => {
    const server = new FakeServer();
    const { robot } = await testRobot(server);
    server.connection.end(1006);
    robot.instruct('stack the cubes');
    robot.reset({ outcome: { success: false } });
    robot.estop();
    expect(robot.clearEstop()).toBe(false);
    robot.observe(SEEN);
    expect(robot.stats.unsent).toBe(1);
    server.opened = { ...server.opened, resumed: true, epoch: 2 };
    server.clock.advance(100);
    await settle();
    const [open, ...rest] = server.connection.received.filter(({ type }) => type !== 'ping');
    expect(open).toHaveProperty('resume');
    expect(rest).toEqual([
      { type: 'estop' },
      { type: 'instruction', instruction: 'stack the cubes' },
      { type: 'reset', outcome: { success: false } },
    ]);
  });

  it('a refusal that waiting does not help ends the loop with its code', async () => {
    for (const [code, close] of [
      ['key_revoked', 4401],
      ['bad_message', 4400],
    ] as const) {
      const server = new FakeServer();
      const test = await testRobot(server);
      server.connection.error({ code, fatal: true });
      server.connection.end(close);
      await settle();
      expect(test.end?.error).toBeInstanceOf(SinewError);
      expect(test.end?.error).toMatchObject({ code });
      expect(server.clock.pending).toBe(0);
    }
  });

  it('[S7] a session taken up elsewhere is not fought over', async () => {
    const server = new FakeServer();
    const test = await testRobot(server);
    server.connection.end(4409, 'resumed elsewhere');
    await settle();
    server.clock.advance(60_000);
    await settle();
    expect(test.end?.error).toMatchObject({ code: 'robot_busy' });
    expect(server.connections).toHaveLength(1);
  });

  it('while reconnecting, a robot that is still busy with our old session is asked again, but not for ever', async () => {
    const server = new FakeServer();
    const test = await testRobot(server);
    server.connection.end(1006);
    server.answer = (connection, open) => {
      connection.error({ code: open.resume === undefined ? 'robot_busy' : 'resume_failed', fatal: true });
      connection.end(4409);
    };
    for (let i = 0; i < 40; i++) {
      server.clock.advance(1000);
      await settle();
    }
    expect(server.connections.length).toBeGreaterThan(10);
    expect(test.end?.error).toMatchObject({ code: 'robot_busy' });
  });

  it('a server that sends garbage ends the session instead of moving the robot', async () => {
    const server = new FakeServer();
    const test = await testRobot(server);
    server.connection.sendRaw(Uint8Array.of(1, 2, 3));
    await settle();
    expect(test.end?.error).toMatchObject({ code: 'bad_message' });
  });

  it('refused observations and notices are events', async () => {
    const server = new FakeServer();
    const { events } = await testRobot(server);
    server.connection.send({ type: 'notice', code: 'draining', message: 'soon' });
    server.connection.error({ code: 'model_error', fatal: false, observation_seq: 4 });
    await settle();
    expect(events.slice(1)).toEqual([
      { type: 'notice', code: 'draining', message: 'soon' },
      { type: 'error', error: expect.objectContaining({ code: 'model_error' }), observationSeq: 4 },
    ]);
  });
});

describe('backoff', () => {
  it('stays below two seconds and its own cap for any attempt', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (attempt, chance) => {
        const delay = backoffMs(attempt, () => chance);
        expect(delay).toBeGreaterThanOrEqual(0);
        expect(delay).toBeLessThan(Math.min(2000, 100 * 2 ** attempt));
      }),
    );
  });
});
