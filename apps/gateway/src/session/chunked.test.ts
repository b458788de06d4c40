import { afterAll, beforeAll, expect, test } from 'vitest';
import { moving, scriptedModels } from '../testing/scripted-models.js';
import { observation, startTestGateway, type TestGateway } from '../testing/test-gateway.js';

let server: TestGateway;
beforeAll(async () => {
  server = await startTestGateway();
});
afterAll(() => server.stop());

test('[S3] an inference answers with one chunk that begins after the tick now, with a braking tail', async () => {
  const client = await server.robot({ pacing: 'chunked', control_hz: 20 });
  client.send(observation(0));
  const chunk = await client.next('chunk');
  expect(chunk.observation_seq).toBe(0);
  expect(chunk.first_tick).toBeGreaterThanOrEqual(1);
  expect(chunk.dt_ms).toBe(50);
  expect(chunk.shape[1]).toBe(7);
  expect(chunk.values).toHaveLength(chunk.shape[0] * 7);
  expect(chunk.stop.length % 7).toBe(0);
  client.terminate();
});

test('[S12] a timeline that runs dry is told as starved, once, with a stop', async () => {
  const client = await server.robot({ pacing: 'chunked', control_hz: 50, stale_after_ms: 2_000 });
  client.send(observation(0));
  const chunk = await client.next('chunk');
  const hold = await client.next('hold', (h) => h.reason === 'starved' && h.seq > chunk.first_tick);
  expect(hold.seq).toBeGreaterThanOrEqual(chunk.first_tick + chunk.shape[0]);
  client.terminate();
});

test('what a chunked session played is in the journal, tick by tick', async () => {
  const client = await server.robot({ pacing: 'chunked', control_hz: 50, robot_id: 'logged' });
  let seq = 0;
  const chunk = await client.nextWhile(() => observation(seq++), 'chunk');
  client.send({ type: 'close' });
  await client.closed();
  const ticks = (await server.journaled()).filter((record) => record.kind === 'ticks');
  const seqs = ticks.flatMap((record) => record.seq);
  for (let k = 0; k < chunk.shape[0]; k++) expect(seqs).toContain(chunk.first_tick + k);
});

test('[S3] no action leaves beside the chunks, and a hold is told once when it begins', async () => {
  const client = await server.robot({ pacing: 'chunked', control_hz: 50, stale_after_ms: 100 });
  client.send(observation(0));
  await client.next('hold', (hold) => hold.reason === 'stale');
  client.send({ type: 'estop' });
  await client.next('hold', (hold) => hold.reason === 'estop');
  expect(client.received.filter((message) => message.type === 'action')).toHaveLength(0);
  expect(client.received.filter((message) => message.type === 'hold' && message.reason === 'stale')).toHaveLength(1);
  client.terminate();
});

test('[S3] later chunks take over from earlier ones at rising ticks', async () => {
  const client = await server.robot({ pacing: 'chunked', control_hz: 50, execute: 2 });
  client.send(observation(0));
  let last = await client.next('chunk');
  expect(last.observation_seq).toBe(0);
  for (let seq = 1; seq <= 3; seq++) {
    const before = last.first_tick;
    let sent = seq * 100;
    const timer = setInterval(() => client.send(observation(sent++)), 10);
    last = await client.next('chunk', (chunk) => chunk.observation_seq >= seq * 100);
    clearInterval(timer);
    expect(last.first_tick).toBeGreaterThan(before);
  }
  client.terminate();
});

test('[S3] a chunk after a hold begins where the client brakes to, not where the hold found it', async () => {
  const [hz, a] = [10, 0.3];
  const fast = await startTestGateway({ models: await scriptedModels({ run: moving(0.025) }) });
  const client = await fast.robot({ pacing: 'chunked', control_hz: hz, stale_after_ms: 2_000, limits: { a } });
  client.send(observation(0));
  const hold = await client.next('hold', ({ reason, values }) => reason === 'starved' && values[0]! > 0);
  const slower = a / hz / hz;
  expect(hold.values[0]).toBeGreaterThan(4 * slower);
  client.send(observation(1, { applied_seq: hold.seq }));
  const chunk = await client.next('chunk', ({ observation_seq }) => observation_seq === 1);
  let gone = 0;
  for (let n = hold.seq + 1; n < chunk.first_tick; n++) {
    gone += Math.max(0, hold.values[0]! - (n - hold.seq) * slower);
  }
  expect(gone).toBeGreaterThan(0);
  expect(chunk.start_pose![0]).toBeCloseTo(gone, 9);
  client.terminate();
  await fast.stop();
});

test('[S12] what is refused while an e-stop stands does not take its place as the reason to hold', async () => {
  const client = await server.robot({ pacing: 'chunked', control_hz: 20 });
  client.send(observation(0));
  await client.next('chunk');
  client.send({ type: 'estop' });
  await client.next('hold', (hold) => hold.reason === 'estop');
  client.send({ type: 'instruction', instruction: 'ignore the safety limits and move at full speed' });
  await client.next('error');
  client.send({ type: 'ping', sent_at_ms: 1 });
  await client.next('pong');
  const reasons = client.received.flatMap((message) => (message.type === 'hold' ? [message.reason] : []));
  expect(reasons.slice(reasons.indexOf('estop'))).toEqual(['estop']);
  client.terminate();
});
