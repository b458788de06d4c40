import { afterAll, beforeAll, expect, test } from 'vitest';
import { Gate, scriptedModels } from '../testing/scripted-models.js';
import { OPEN, observation, startTestGateway, type TestGateway } from '../testing/test-gateway.js';

let server: TestGateway;
beforeAll(async () => {
  server = await startTestGateway();
});
afterAll(() => server.stop());

test('[S4] every observation is answered by one chunk, in order, whose ticks count executed actions', async () => {
  const client = await server.robot({ pacing: 'lockstep' });
  let applied: number | undefined;
  for (let seq = 0; seq < 5; seq++) {
    client.send(observation(seq, applied === undefined ? {} : { applied_seq: applied }));
    const chunk = await client.next('chunk');
    expect(chunk.observation_seq).toBe(seq);
    expect(chunk.first_tick).toBe(applied === undefined ? 0 : applied + 1);
    applied = chunk.first_tick + 3;
  }
  client.send({ type: 'reset' });
  client.send(observation(5));
  expect((await client.next('chunk')).first_tick).toBe(0);
  client.terminate();
});

test('[S4] observations queue in order and the fifth that waits is refused with overflow', async () => {
  const client = await server.robot({ pacing: 'lockstep' });
  // One burst: the first is taken when the scheduler gets its turn, at most four wait.
  for (let seq = 0; seq < 12; seq++) client.send(observation(seq));
  const error = await client.next('error');
  expect(error).toMatchObject({ code: 'overflow', fatal: false });
  client.send({ type: 'ping', sent_at_ms: 1 });
  await client.next('pong');
  const answered = client.received.filter((m) => m.type === 'chunk').map((m) => m.observation_seq);
  expect(answered).toEqual([...answered].sort((a, b) => a - b));
  client.terminate();
});

test('[W6] who waits for each answer in lockstep is slowed by no frame rate', async () => {
  const client = await server.robot({ pacing: 'lockstep' });
  for (let seq = 0; seq < 400; seq++) {
    client.send(observation(seq));
    await client.next('chunk');
  }
  expect(client.received.filter((m) => m.type === 'notice')).toEqual([]);
  client.terminate();
});

test('[W6] what is not answered in lockstep counts against the frame rate', async () => {
  const client = await server.robot({ pacing: 'lockstep' });
  for (let sent = 0; sent < 400; sent++) client.send({ type: 'ping', sent_at_ms: sent });
  expect(await client.next('notice')).toMatchObject({ code: 'rate_limited' });
  client.terminate();
});

test('[S4] no watchdog: silence beyond stale_after_ms is no hold', async () => {
  const client = await server.robot({ pacing: 'lockstep', stale_after_ms: 250 });
  client.send(observation(0));
  await client.next('chunk');
  const silentUntil = performance.now() + 600;
  for (let sent = 0; performance.now() < silentUntil; sent++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    client.send({ type: 'ping', sent_at_ms: sent });
    await client.next('pong');
  }
  expect(client.received.filter((m) => m.type === 'hold')).toHaveLength(0);
  client.send(observation(1, { applied_seq: 7 }));
  expect((await client.next('chunk')).first_tick).toBe(8);
  client.terminate();
});

test('[S7] after a resume the ticks that the client executed still count', async () => {
  const client = await server.connect();
  client.send({ ...OPEN, pacing: 'lockstep' });
  const opened = await client.next('opened');
  client.send(observation(0));
  await client.next('chunk');
  client.terminate();
  const again = await server.connect();
  again.send({ type: 'open', resume: { session_id: opened.session_id, token: opened.resume_token } });
  await again.next('opened');
  again.send(observation(1, { applied_seq: 5 }));
  expect((await again.next('chunk')).first_tick).toBe(6);
  again.terminate();
});

test('[S11] an e-stop answers every observation that waits, and holds what comes after within the governor’s bounds', async () => {
  const client = await server.robot({ pacing: 'lockstep' });
  const state = Float64Array.from([0, 0, 0.2, 0, 0, 0, 55]);
  client.send(observation(0));
  client.send(observation(1));
  client.send({ type: 'estop' });
  client.send(observation(2, { state }));
  const hold = await client.next('hold', (h) => h.reason === 'estop');
  expect(hold.values[6]).toBeLessThanOrEqual(1);
  client.send({ type: 'ping', sent_at_ms: 1 });
  await client.next('pong');
  const answers = client.received.filter((m) => m.type === 'chunk' || m.type === 'hold');
  expect(answers.length).toBe(3);
  client.terminate();
});

test('[S4] [S11] what an e-stop answered while it was computed is not answered again by the next', async () => {
  const gate = new Gate(false);
  const slow = await startTestGateway({ models: await scriptedModels({ run: gate.run }) });
  const client = await slow.robot({ pacing: 'lockstep' });
  client.send(observation(0));
  await expect.poll(() => gate.ran.length).toBe(1);
  for (const type of ['estop', 'estop_clear', 'estop'] as const) client.send({ type });
  client.send({ type: 'ping', sent_at_ms: 1 });
  await client.next('pong');
  expect(client.received.filter((m) => m.type === 'chunk' || m.type === 'hold')).toHaveLength(1);
  gate.open();
  client.terminate();
  await slow.stop();
});

test('[S4] [S11] an e-stop answers an observation whose chunk is being recorded, once', async () => {
  const client = await server.robot({ pacing: 'lockstep' });
  const session = [...server.gateway.sessions].at(-1);
  const journal = session?.context.journal ?? expect.unreachable();
  const append = journal.append.bind(journal);
  const written: (() => void)[] = [];
  journal.append = (record, done) => append(record, done === undefined ? done : () => void written.push(done));
  const answers = async () => {
    client.send({ type: 'ping', sent_at_ms: 1 });
    await client.next('pong');
    return client.received.filter((m) => m.type === 'chunk' || m.type === 'hold').map(({ type }) => type);
  };
  client.send(observation(0));
  await expect.poll(() => written.length).toBe(1);
  client.send({ type: 'estop' });
  expect(await answers()).toEqual(['hold']);
  journal.append = append;
  written[0]?.();
  expect(await answers()).toEqual(['hold']);
  client.terminate();
});

test('[S11] a latched robot is answered with a hold instead of a chunk', async () => {
  const client = await server.robot({ pacing: 'lockstep' });
  client.send({ type: 'estop' });
  client.send(observation(0));
  expect(await client.next('hold')).toMatchObject({ reason: 'estop' });
  client.send({ type: 'estop_clear' });
  client.send(observation(1));
  await client.next('chunk');
  client.terminate();
});
