import type { Action, Hold } from '@sinew/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { StreamClient } from '../testing/stream-client.js';
import { KEY, OTHER_KEY, observation, startTestGateway, type TestGateway } from '../testing/test-gateway.js';

let server: TestGateway;
beforeAll(async () => {
  server = await startTestGateway({ settings: { resume_window_ms: 60_000 } });
});
afterAll(() => server.stop());

const isTick = (message: { type: string }): message is Action | Hold =>
  message.type === 'action' || message.type === 'hold';

/** Plays a robot that answers every tick with an observation until the predicate says stop. */
async function drive(client: StreamClient, from: number, done: (tick: Action | Hold) => boolean): Promise<number> {
  let seq = from;
  let read = client.received.length;
  client.send(observation(seq++));
  for (;;) {
    while (read < client.received.length) {
      const message = client.received[read++] as Action | Hold;
      if (!isTick(message)) continue;
      if (done(message)) return seq;
      client.send(observation(seq++, { applied_seq: message.seq }));
    }
    await new Promise((resolve) => client.socket.once('message', () => setImmediate(resolve)));
  }
}

test('[S2] ticks rise strictly by one, each is an action or a hold, and actions follow the first chunk', async () => {
  const client = await server.robot({ control_hz: 50 });
  let actions = 0;
  await drive(client, 0, (tick) => tick.type === 'action' && ++actions >= 20);
  const seqs = client.received.filter(isTick).map((tick) => tick.seq);
  for (let i = 1; i < seqs.length; i++) expect(seqs[i]).toBeGreaterThan(seqs[i - 1] as number);
  client.send({ type: 'close' });
  const closed = await client.next('closed');
  expect(closed).toMatchObject({ reason: 'client', resumable: false });
  expect(closed.counters.actions).toBeGreaterThanOrEqual(20);
  // A busy machine may skip ticks, but every gap is counted and nothing is sent twice.
  const ticks = client.received.filter(isTick).map((tick) => tick.seq);
  expect(closed.counters.missed_ticks).toBe((ticks.at(-1) as number) + 1 - ticks.length);
});

test('[S2] no tick leaves before the first accepted observation', async () => {
  const client = await server.robot({ control_hz: 100 });
  client.send({ type: 'ping', sent_at_ms: 1 });
  await client.next('pong');
  client.send(observation(0, { state: Float64Array.from([0, 0, Number.NaN, 0, 0, 0, 1]) }));
  expect(await client.next('error')).toMatchObject({ code: 'validation_failed', field: 'state', observation_seq: 0 });
  client.send({ type: 'ping', sent_at_ms: 2 });
  await client.next('pong');
  expect(client.received.filter(isTick)).toHaveLength(0);
  client.terminate();
});

test('[S6] [SAFE-T2] without fresh observations the session holds as stale and every hold brings the robot to rest', async () => {
  const client = await server.robot({ control_hz: 50, stale_after_ms: 100 });
  await drive(client, 0, (tick) => tick.type === 'action');
  const hold = await client.next('hold', (h) => h.reason === 'stale');
  expect(hold.values).toHaveLength(7);
  const later = await client.next('hold', (h) => h.seq >= hold.seq + 25);
  expect(Array.from(later.values).slice(0, 6)).toEqual([0, 0, 0, 0, 0, 0]);
  client.terminate();
});

test('[W5] [SAFE-T3] a sequence number going back is refused by name and the session goes on', async () => {
  const client = await server.robot({ control_hz: 20 });
  client.send(observation(7));
  client.send(observation(7));
  expect(await client.next('error')).toMatchObject({
    code: 'validation_failed',
    field: 'seq',
    fatal: false,
    observation_seq: 7,
  });
  client.send(observation(8));
  await client.next('action');
  client.terminate();
});

test('[W5] an applied_seq that was never sent is refused', async () => {
  const client = await server.robot({ control_hz: 20 });
  client.send(observation(0, { applied_seq: 500 }));
  expect(await client.next('error')).toMatchObject({ code: 'validation_failed', field: 'applied_seq' });
  client.terminate();
});

test('[S11] a second session of the same robot is refused with robot_busy; another customer may use the name', async () => {
  const first = await server.robot({ robot_id: 'arm-1' });
  const second = await server.connect();
  second.send({ type: 'open', robot_type: 'franka_panda', instruction: 'pick up the red cube', robot_id: 'arm-1' });
  expect(await second.next('error')).toMatchObject({ code: 'robot_busy', fatal: true });
  expect((await second.closed()).code).toBe(4409);
  const other = await server.robot({ robot_id: 'arm-1' }, OTHER_KEY);
  first.terminate();
  other.terminate();
});

test('[S7] resume keeps the session and its tick numbers, raises the epoch and renews the token', async () => {
  const client = await server.connect();
  client.send({ type: 'open', robot_type: 'franka_panda', instruction: 'pick up the red cube', control_hz: 50 });
  const opened = await client.next('opened');
  const lastSeq = await drive(client, 0, (tick) => tick.type === 'action');
  const lastTick = Math.max(...client.received.filter(isTick).map((tick) => tick.seq));
  client.terminate();
  const again = await server.connect();
  again.send({ type: 'open', resume: { session_id: opened.session_id, token: opened.resume_token } });
  const resumed = await again.next('opened');
  expect(resumed).toMatchObject({ session_id: opened.session_id, resumed: true, epoch: 2 });
  expect(resumed.resume_token).not.toBe(opened.resume_token);
  again.send(observation(0));
  expect(await again.next('error')).toMatchObject({ field: 'seq' });
  await drive(again, lastSeq, (tick) => tick.type === 'action');
  const first = again.received.find(isTick);
  expect(first?.seq).toBeGreaterThan(lastTick);
  again.terminate();
});

test('[S7] resuming a session whose socket lives closes the old one with 4409', async () => {
  const client = await server.connect();
  client.send({ type: 'open', robot_type: 'franka_panda', instruction: 'pick up the red cube' });
  const opened = await client.next('opened');
  const again = await server.connect();
  again.send({ type: 'open', resume: { session_id: opened.session_id, token: opened.resume_token } });
  await again.next('opened');
  expect((await client.closed()).code).toBe(4409);
  again.send(observation(0));
  await again.next('action');
  again.terminate();
});

test.each([
  ['a wrong token', KEY, 'wrong-token'],
  ['another customer’s key', OTHER_KEY, null],
])('[S7] resume with %s fails', async (_name, key, token) => {
  const client = await server.connect();
  client.send({ type: 'open', robot_type: 'franka_panda', instruction: 'pick up the red cube' });
  const opened = await client.next('opened');
  const again = await server.connect(key);
  again.send({ type: 'open', resume: { session_id: opened.session_id, token: token ?? opened.resume_token } });
  expect(await again.next('error')).toMatchObject({ code: 'resume_failed', fatal: true });
  await again.closed();
  client.terminate();
});

test('[S11] [SAFE-E2] an e-stop latch outlives the session and holds the next one until it is cleared', async () => {
  const client = await server.robot({ robot_id: 'arm-2', control_hz: 50 });
  await drive(client, 0, (tick) => tick.type === 'action');
  client.send({ type: 'estop' });
  await client.next('hold', (hold) => hold.reason === 'estop');
  client.send({ type: 'close' });
  await client.closed();

  const next = await server.connect();
  next.send({
    type: 'open',
    robot_type: 'franka_panda',
    instruction: 'pick up the red cube',
    robot_id: 'arm-2',
    control_hz: 50,
  });
  expect((await next.next('opened')).estopped).toBe(true);
  const seq = await drive(next, 0, (tick) => tick.seq >= 20);
  const ticks = next.received.filter(isTick);
  expect(ticks.every((tick) => tick.type === 'hold' && tick.reason === 'estop')).toBe(true);
  next.send({ type: 'estop_clear' });
  await drive(next, seq, (tick) => tick.type === 'action');
  next.terminate();
});

test('[S12] of two causes at one tick the higher is named: estop over stale', async () => {
  const client = await server.robot({ control_hz: 50, stale_after_ms: 100 });
  client.send(observation(0));
  await client.next('hold', (hold) => hold.reason === 'stale');
  client.send({ type: 'estop' });
  const hold = await client.next('hold', (h) => h.reason !== 'stale');
  expect(hold.reason).toBe('estop');
  client.terminate();
});

test('[S5] at most one observation waits, and supersessions are counted', async () => {
  const client = await server.robot({ control_hz: 100 });
  // One burst in one write: the scheduler gets its turn only after the last of them.
  for (let seq = 0; seq < 30; seq++) client.send(observation(seq));
  await client.next('action');
  client.send({ type: 'close' });
  const { counters } = await client.next('closed');
  expect((counters.inferences ?? 0) + (counters.superseded ?? 0) + (counters.stale_dropped ?? 0)).toBeLessThanOrEqual(
    30,
  );
  expect(counters.superseded).toBeGreaterThan(0);
});

test('[W6] frames over the session’s rate are dropped and counted', async () => {
  const client = await server.robot({ control_hz: 10 });
  for (let seq = 0; seq < 200; seq++) client.send({ type: 'ping', sent_at_ms: seq });
  await client.next('notice', (notice) => notice.code === 'rate_limited');
  expect(client.received.filter((message) => message.type === 'pong').length).toBeLessThanOrEqual(60);
  client.terminate();
});

test('[S10] after close a session leaves nothing in the registry', async () => {
  const before = server.gateway.sessions.size;
  const client = await server.robot({ control_hz: 50 });
  await drive(client, 0, (tick) => tick.type === 'action');
  expect(server.gateway.sessions.size).toBe(before + 1);
  client.send({ type: 'close' });
  await client.closed();
  expect(server.gateway.sessions.size).toBe(before);
});

test('every log_id that a client saw is in the journal, once', async () => {
  const client = await server.robot({ control_hz: 50 });
  let actions = 0;
  await drive(client, 0, (tick) => tick.type === 'action' && ++actions >= 30);
  const seen = new Set(client.received.filter((m) => m.type === 'action').map((m) => m.log_id));
  const logged = (await server.journaled())
    .filter((record) => record.kind === 'inference')
    .map((record) => record.log_id);
  expect(new Set(logged).size).toBe(logged.length);
  for (const id of seen) expect(logged).toContain(id);
  expect(seen.size).toBeGreaterThan(1);
  client.terminate();
});

test.each([
  ['an unknown robot', { robot_type: 'franka_pandaa' }, 'unknown_robot', 'robot_type'],
  ['an unknown model', { model: 'gpt' }, 'unknown_model', 'model'],
  ['a short instruction', { instruction: 'go' }, 'validation_failed', 'instruction'],
  ['a loosened limit', { limits: { v: 50 } }, 'validation_failed', 'limits.v'],
  ['a horizon beyond the chunk', { execute: 99 }, 'validation_failed', 'execute'],
  ['full speed without the scope', { limits: { mode: 'full' as const } }, 'forbidden', 'limits.mode'],
])('open is refused by name: %s', async (_name, more, code, field) => {
  const client = await server.connect();
  client.send({ type: 'open', robot_type: 'franka_panda', instruction: 'pick up the red cube', ...more });
  expect(await client.next('error')).toMatchObject({ code, field, fatal: true });
  await client.closed();
});

test('[W6] an e-stop is heard even over the session’s rate', async () => {
  const client = await server.robot({ control_hz: 10 });
  client.send(observation(0));
  await client.next('action');
  for (let seq = 0; seq < 200; seq++) client.send({ type: 'ping', sent_at_ms: seq });
  client.send({ type: 'estop' });
  await client.next('notice', (notice) => notice.code === 'rate_limited');
  await client.next('hold', (hold) => hold.reason === 'estop');
  client.terminate();
});
