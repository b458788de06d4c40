import { type HoldReason, SinewError } from '@sinew/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeServer, settle } from './testing/fake-server.js';
import { SEEN, testRobot } from './testing/robots.js';

describe('observing', () => {
  it('opens with the options given, and only those', async () => {
    const server = new FakeServer();
    await testRobot(server, { model: 'm', controlHz: 12, environment: { environment_type: 'lab' } });
    expect(server.urls).toEqual(['ws://robot.test:1/v1/stream']);
    expect(server.connection.of('open')).toEqual([
      {
        type: 'open',
        robot_type: 'franka_panda',
        instruction: 'pick up the red cube',
        client: { name: '@sinew/sdk', version: '0.1.0' },
        model: 'm',
        control_hz: 12,
        environment: { environment_type: 'lab' },
      },
    ]);
  });

  it('numbers observations, stamps them with its clock, and copies what it is given', async () => {
    const server = new FakeServer();
    const { robot } = await testRobot(server);
    const data = new Uint8Array(96 * 96 * 3).fill(7);
    expect(robot.observe({ ...SEEN, images: { main: { data, width: 96, height: 96 } } })).toBe(0);
    data.fill(9);
    expect(robot.observe({ ...SEEN, capturedAtMs: robot.now() - 40, instruction: 'now the blue one' })).toBe(1);
    const [first, second] = server.connection.of('observation');
    expect(first).toMatchObject({ seq: 0, captured_at_ms: robot.now() });
    expect(first?.images.main?.data[0]).toBe(7);
    expect(first?.applied_seq).toBeUndefined();
    expect(second).toMatchObject({ seq: 1, captured_at_ms: robot.now() - 40, instruction: 'now the blue one' });
  });

  it('refuses on the spot what the model cannot take, with the field', async () => {
    const server = new FakeServer();
    const { robot } = await testRobot(server);
    const cases: [object, string][] = [
      [{ state: [1, 2] }, 'state'],
      [{ state: [0, 0, 0, 0, 0, 0, Number.NaN] }, 'state'],
      [{ images: {} }, 'images.main'],
      [{ images: { main: new Uint8Array(9) } }, 'images.main'],
      [{ images: { main: { data: new Uint8Array(9), width: 96, height: 96 } } }, 'images.main'],
    ];
    for (const [change, field] of cases) {
      let error: unknown;
      try {
        robot.observe({ ...SEEN, ...change });
      } catch (thrown) {
        error = thrown;
      }
      expect(error, field).toBeInstanceOf(SinewError);
      expect(error).toMatchObject({ code: 'validation_failed', field });
    }
    expect(server.connection.of('observation')).toEqual([]);
    expect(robot.observe(SEEN)).toBe(0);
  });

  it('names the last tick that the consumer took as applied, holds of the server too', async () => {
    const server = new FakeServer();
    const { robot } = await testRobot(server);
    robot.observe(SEEN);
    server.connection.action(4, 0);
    await settle();
    robot.observe(SEEN);
    server.connection.hold(5, 'stale');
    await settle();
    robot.observe(SEEN);
    expect(server.connection.of('observation').map((o) => o.applied_seq)).toEqual([undefined, 4, 5]);
  });

  it('does not count an action as applied that still waits for the consumer', async () => {
    const server = new FakeServer();
    const { robot } = await testRobot(server, {}, { idle: true });
    robot.observe(SEEN);
    server.connection.action(0, 0);
    robot.observe(SEEN);
    await robot.actions().next();
    robot.observe(SEEN);
    expect(server.connection.of('observation').map((o) => o.applied_seq)).toEqual([undefined, undefined, 0]);
  });

  it('keeps one unsent observation, the newest, while the socket is backed up', async () => {
    const server = new FakeServer();
    const { robot } = await testRobot(server);
    server.connection.bufferedBytes = 1_000_000;
    for (let i = 0; i < 50; i++) robot.observe(SEEN);
    server.clock.advance(100);
    expect(server.connection.of('observation')).toEqual([]);
    server.connection.bufferedBytes = 0;
    server.clock.advance(10);
    expect(server.connection.of('observation').map((o) => o.seq)).toEqual([49]);
    expect(robot.stats).toMatchObject({ observations: 50, superseded: 49 });
    robot.observe(SEEN);
    expect(server.connection.of('observation').map((o) => o.seq)).toEqual([49, 50]);
  });
});

describe('actions', () => {
  it('come in order, with their age by the robot’s own clock', async () => {
    const server = new FakeServer();
    const { robot, taken } = await testRobot(server);
    robot.observe({ ...SEEN, capturedAtMs: robot.now() - 30 });
    server.clock.advance(70);
    server.connection.action(0, 0);
    server.connection.hold(1, 'starved', Float64Array.of(0, 0, 0, 0, 0, 0, 0.5));
    await settle();
    expect(taken).toEqual([
      {
        kind: 'action',
        values: Float64Array.of(0.01, 0, 0, 0, 0, 0, 1),
        seq: 0,
        reason: null,
        ageMs: 100,
        observationSeq: 0,
        logId: 1000,
        clamped: false,
        local: false,
        remaining: 0,
      },
      expect.objectContaining({ kind: 'hold', seq: 1, reason: 'starved', local: false, ageMs: null }),
    ]);
    expect(robot.stats).toMatchObject({ actions: 1, holds: { starved: 1 } });
  });

  it('a slow consumer gets the newest two; the rest is counted', async () => {
    const server = new FakeServer();
    const { robot } = await testRobot(server, {}, { idle: true });
    robot.observe(SEEN);
    for (let tick = 0; tick < 100; tick++) server.connection.action(tick, 0);
    const actions = robot.actions();
    expect((await actions.next()).value?.seq).toBe(98);
    expect((await actions.next()).value?.seq).toBe(99);
    expect(robot.stats.dropped).toBe(98);
  });

  it('leaving the loop leaves the robot; the next loop goes on', async () => {
    const server = new FakeServer();
    const { robot } = await testRobot(server, {}, { idle: true });
    robot.observe(SEEN);
    server.connection.action(0, 0);
    for await (const action of robot.actions()) {
      expect(action.seq).toBe(0);
      break;
    }
    server.connection.action(1, 0);
    for await (const action of robot.actions()) {
      expect(action.seq).toBe(1);
      break;
    }
  });
});

describe('the watchdog on the robot’s side', () => {
  it('gives one hold for every missing tick when the server falls silent, with the gripper as it was', async () => {
    const server = new FakeServer();
    const { robot, taken } = await testRobot(server);
    robot.observe(SEEN);
    server.connection.action(7, 0, { values: Float64Array.of(0.01, 0.02, 0, 0.1, 0, 0, 0.25) });
    await settle();
    server.clock.advance(499);
    await settle();
    expect(taken).toHaveLength(1);
    for (let tick = 0; tick < 10; tick++) {
      server.clock.advance(100);
      await settle();
    }
    const holds = taken.slice(1);
    expect(holds.map(({ kind, reason, local }) => ({ kind, reason, local }))).toEqual(
      new Array(holds.length).fill({ kind: 'hold', reason: 'link', local: true }),
    );
    expect(holds.map(({ seq }) => seq)).toEqual([12, 13, 14, 15, 16, 17, 18, 19, 20, 21]);
    expect(holds[0]?.values).toEqual(Float64Array.of(0, 0, 0, 0, 0, 0, 0.25));
  });

  it('falls silent itself as soon as the server speaks again', async () => {
    const server = new FakeServer();
    const { robot, taken } = await testRobot(server);
    robot.observe(SEEN);
    server.connection.action(0, 0);
    server.clock.advance(700);
    await settle();
    const held = taken.length;
    expect(held).toBeGreaterThan(1);
    server.connection.action(8, 0);
    await settle();
    server.clock.advance(450);
    await settle();
    expect(taken.slice(held).map(({ kind, seq }) => [kind, seq])).toEqual([['action', 8]]);
  });

  it('an observation after a local hold names no tick', async () => {
    const server = new FakeServer();
    const { robot } = await testRobot(server);
    robot.observe(SEEN);
    server.connection.action(0, 0);
    await settle();
    server.clock.advance(700);
    await settle();
    robot.observe(SEEN);
    expect(server.connection.of('observation').at(-1)?.applied_seq).toBeUndefined();
  });

  it('never gives more holds than ticks went by, however time jumps', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 12 }), async (jumps) => {
        const server = new FakeServer();
        const { robot, taken } = await testRobot(server);
        robot.observe(SEEN);
        server.connection.action(0, 0);
        let elapsed = 0;
        for (const jump of jumps) {
          server.clock.advance(jump);
          elapsed += jump;
          await settle();
        }
        const holds = taken.filter(({ local }) => local);
        expect(holds.length).toBeLessThanOrEqual(Math.max(0, Math.floor((elapsed - 500) / 100) + 2));
        // a new session, after a silence that ended the link, begins before its tick 0
        for (let i = 1; i < holds.length; i++) {
          if (holds[i]?.seq !== -1) expect(holds[i]?.seq).toBeGreaterThan(holds[i - 1]?.seq ?? 0);
        }
        await robot.close();
      }),
      { numRuns: 40 },
    );
  });

  it('holds nothing before anything could have moved', async () => {
    const server = new FakeServer();
    const { taken } = await testRobot(server);
    server.clock.advance(4000);
    await settle();
    expect(taken).toEqual([]);
  });
});

describe('stopping', () => {
  it('an e-stop holds from that moment, whatever the server still sends, until it is cleared', async () => {
    const server = new FakeServer();
    const { robot, taken } = await testRobot(server);
    robot.observe(SEEN);
    server.connection.action(0, 0);
    await settle();
    robot.estop();
    server.connection.action(1, 0);
    await settle();
    server.connection.hold(2, 'estop');
    await settle();
    expect(server.connection.of('estop')).toHaveLength(1);
    expect(taken.slice(1).map(({ kind, reason }) => [kind, reason])).toEqual([
      ['hold', 'estop'],
      ['hold', 'estop'],
      ['hold', 'estop'],
    ]);
    expect(robot.clearEstop()).toBe(true);
    expect(server.connection.of('estop_clear')).toHaveLength(1);
    robot.observe(SEEN);
    server.connection.action(3, 1);
    await settle();
    expect(taken.at(-1)).toMatchObject({ kind: 'action', seq: 3 });
  });

  it('[S11] an operator’s release ends the e-stop of this side too, from a fresh observation on', async () => {
    const server = new FakeServer();
    const { robot, taken } = await testRobot(server);
    robot.observe(SEEN);
    server.connection.action(0, 0);
    await settle();
    robot.estop();
    server.connection.send({ type: 'notice', code: 'estop_cleared', message: '' });
    server.connection.action(1, 0);
    await settle();
    expect(taken.at(-1)).toMatchObject({ kind: 'hold', reason: 'estop' });
    robot.observe(SEEN);
    server.connection.action(2, 1);
    await settle();
    expect(taken.at(-1)).toMatchObject({ kind: 'action', seq: 2 });
    expect(server.connection.of('estop_clear')).toHaveLength(0);
  });

  it('[S11] an e-stop cleared before the server heard of it: what it sent until then moves nothing', async () => {
    const server = new FakeServer();
    const { robot, taken } = await testRobot(server);
    robot.observe(SEEN);
    server.connection.action(0, 0);
    await settle();
    robot.estop();
    robot.observe(SEEN);
    robot.clearEstop();
    for (const [seq, observationSeq] of [
      [1, 0],
      [2, 0],
      [3, 1],
    ] as const) {
      server.connection.action(seq, observationSeq);
      await settle();
    }
    expect(taken.slice(1).map(({ kind, reason, values }) => [kind, reason, values[0]])).toEqual(
      new Array(4).fill(['hold', 'estop', 0]),
    );
    robot.observe(SEEN);
    server.connection.action(4, 2);
    await settle();
    expect(taken.at(-1)).toMatchObject({ kind: 'action', seq: 4, observationSeq: 2 });
  });

  it('[S11] once stopped the robot stands: the server’s braking does not move it again', async () => {
    const server = new FakeServer();
    const { robot, taken } = await testRobot(server);
    const braking = (seq: number, reason: HoldReason, x: number) =>
      server.connection.hold(seq, reason, Float64Array.of(x, 0, 0, 0, 0, 0, 1));
    robot.observe(SEEN);
    server.connection.action(0, 0, { values: Float64Array.of(0.01, 0, 0, 0, 0, 0, 0.25) });
    await settle();
    robot.estop();
    braking(1, 'estop', 0.008);
    await settle();
    robot.clearEstop();
    braking(2, 'estop', 0.004);
    await settle();
    braking(3, 'starved', 0.001);
    await settle();
    expect(taken.map(({ values }) => values[0])).toEqual([0.01, 0, 0, 0, 0]);
    expect(taken.slice(1).every(({ values }) => values[6] === 0.25)).toBe(true);
    expect(taken.slice(2).map(({ seq, reason, local }) => [seq, reason, local])).toEqual([
      [1, 'estop', false],
      [2, 'estop', false],
      [3, 'starved', false],
    ]);
    // from then on the server's holds brake what it moves
    robot.observe(SEEN);
    server.connection.action(4, 1);
    await settle();
    braking(5, 'stale', 0.005);
    await settle();
    expect(taken.at(-1)?.values[0]).toBe(0.005);
  });

  it('[S11] nor after a silence in which this side stopped it', async () => {
    const server = new FakeServer();
    const { robot, taken } = await testRobot(server);
    robot.observe(SEEN);
    server.connection.action(0, 0);
    server.clock.advance(700);
    await settle();
    expect(taken.at(-1)).toMatchObject({ reason: 'link', local: true });
    server.connection.hold(7, 'stale', Float64Array.of(0.008, 0, 0, 0, 0, 0, 1));
    await settle();
    expect(taken.at(-1)).toMatchObject({ reason: 'stale', seq: 7, values: Float64Array.of(0, 0, 0, 0, 0, 0, 1) });
  });

  it('[K5] a hold keeps the measured gripper within the command’s range', async () => {
    for (const [measured, commanded] of [
      [55, 1],
      [-0.2, 0],
      [0.3, 0.3],
    ] as const) {
      const server = new FakeServer();
      const { robot, taken } = await testRobot(server);
      robot.observe({ ...SEEN, state: [0.3, 0, 0.2, 0, 0, 0, measured] });
      robot.estop();
      await settle();
      expect(taken.map(({ values }) => [...values])).toEqual([[0, 0, 0, 0, 0, 0, commanded]]);
      await robot.close();
    }
  });

  it('an e-stop takes back what the consumer has not taken', async () => {
    const server = new FakeServer();
    const { robot } = await testRobot(server, {}, { idle: true });
    robot.observe(SEEN);
    server.connection.action(0, 0);
    server.connection.action(1, 0);
    robot.estop();
    expect((await robot.actions().next()).value).toMatchObject({ kind: 'hold', reason: 'estop' });
  });

  it('after a reset nothing from before is executed', async () => {
    const server = new FakeServer();
    const { robot, taken } = await testRobot(server);
    robot.observe(SEEN);
    server.connection.action(0, 0);
    await settle();
    robot.reset({ outcome: { success: true } });
    server.connection.action(1, 0);
    robot.observe(SEEN);
    server.connection.action(2, 1);
    await settle();
    expect(server.connection.of('reset')).toEqual([{ type: 'reset', outcome: { success: true } }]);
    expect(taken.map(({ seq }) => seq)).toEqual([0, 2]);
    expect(server.connection.of('observation').at(-1)?.applied_seq).toBeUndefined();
  });

  it('close ends the loop, brings the server’s counters, and leaves no timer', async () => {
    const server = new FakeServer();
    const test = await testRobot(server);
    test.robot.observe(SEEN);
    server.connection.action(0, 0);
    await settle();
    const farewell = await test.robot.close();
    await settle();
    expect(farewell).toMatchObject({ type: 'closed', counters: { actions: 3 } });
    expect(test.end).toEqual({ error: null });
    expect(server.clock.pending).toBe(0);
    expect(() => test.robot.observe(SEEN)).toThrow(SinewError);
  });
});
