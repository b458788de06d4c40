import type { KeyIdentity } from '@sinew/db';
import { afterEach, expect, test } from 'vitest';
import type { ModelCatalogue } from '../models.js';
import { beginUpload, infer, inferenceRequest, statusOf } from '../testing/rest.js';
import { Gate, scriptedModels } from '../testing/scripted-models.js';
import { KEY, OTHER_KEY, observation, startTestGateway, type TestGateway } from '../testing/test-gateway.js';

let server: TestGateway | null = null;
afterEach(async () => {
  await server?.stop();
  server = null;
});

const depth = (models: ModelCatalogue) => models.find('null')?.scheduler.stats();
const errorOf = async (response: Response) => ((await response.json()) as { error: string }).error;

test('what sessions were promised is not given to requests: 503 capacity once they have it all', async () => {
  const models = await scriptedModels({ inferMs: 105 });
  server = await startTestGateway({ models });
  expect((await infer(server)).status).toBe(200);
  // 2.5 inferences a second each, of about 8 that may be promised.
  for (let i = 0; i < 3; i++) await server.robot({ robot_id: `arm-${i}` });
  const refused = await infer(server);
  expect(refused.status).toBe(503);
  expect(refused.headers.get('retry-after')).not.toBeNull();
  expect(await errorOf(refused)).toBe('capacity');
});

test('[Q1] a robot that still has actions goes before a request', async () => {
  const gate = new Gate(true);
  const models = await scriptedModels({ run: gate.run, maxBatch: 1 });
  server = await startTestGateway({ models });
  const robot = await server.robot({ control_hz: 5 });
  robot.send(observation(0));
  await robot.next('action');
  gate.close();
  const first = infer(server, inferenceRequest('hold the only worker'));
  await expect.poll(() => gate.ran.at(-1)).toBe('hold the only worker');
  let seq = 1;
  while (depth(models)?.depth !== 1) {
    const { seq: applied_seq } = await robot.next('action');
    robot.send(observation(seq++, { applied_seq }));
    await new Promise(setImmediate);
    robot.send({ type: 'ping', sent_at_ms: 1 });
    await robot.next('pong');
  }
  const second = infer(server, inferenceRequest('wait for the robot'));
  await expect.poll(() => depth(models)?.depth).toBe(2);
  gate.letGo();
  await expect.poll(() => gate.ran.length).toBe(3);
  expect(gate.ran.at(-1)).toBe('pick up the red cube');
  gate.open();
  expect((await first).status).toBe(200);
  expect((await second).status).toBe(200);
});

test('a key has four requests at a time, another key its own, and each ends its place', async () => {
  const gate = new Gate(false);
  const models = await scriptedModels({ run: gate.run });
  server = await startTestGateway({ models });
  const running = Array.from({ length: 4 }, () => infer(server as TestGateway));
  await expect.poll(() => depth(models)?.requesters).toBe(4);
  const fifth = await infer(server);
  expect(fifth.status).toBe(429);
  expect(await errorOf(fifth)).toBe('rate_limited');
  const other = infer(server, inferenceRequest(), OTHER_KEY);
  await expect.poll(() => depth(models)?.requesters).toBe(5);
  gate.open();
  for (const response of await Promise.all([...running, other])) expect(response.status).toBe(200);
  for (let i = 0; i < 5; i++) expect((await infer(server)).status).toBe(200);
});

test('an upload that breaks off ends its place', async () => {
  server = await startTestGateway();
  const uploads = Array.from({ length: 4 }, () => beginUpload(server as TestGateway, 100_000, KEY));
  for (const upload of uploads) {
    upload.on('error', () => {});
    upload.write('{');
  }
  await expect.poll(async () => (await infer(server as TestGateway)).status).toBe(429);
  for (const upload of uploads) upload.destroy();
  await expect.poll(async () => (await infer(server as TestGateway)).status).toBe(200);
});

test.each([
  ['without a key', 5_000_000, null, 401],
  ['with an unknown key', 5_000_000, 'vla_live_unknown-key-000000000000000000000000001', 401],
  ['too large by its own account', 6_000_001, KEY, 413],
  ['much too large by its own account', 60_000_000, KEY, 413],
])('an upload %s is refused before its body comes', async (_name, length, key, status) => {
  server = await startTestGateway();
  const upload = beginUpload(server, length, key);
  expect(await statusOf(upload)).toBe(status);
  upload.destroy();
});

test('a body that comes while the key is looked up is read whole afterwards', async () => {
  server = await startTestGateway();
  const { keys } = server;
  const known = Map.prototype.get.bind(keys) as (hash: string) => KeyIdentity | undefined;
  let found = (): void => {};
  const lookedUp = new Promise<void>((resolve) => {
    found = resolve;
  });
  let asked = false;
  keys.get = ((hash: string) => {
    asked = true;
    return lookedUp.then(() => known(hash));
  }) as never;
  const answer = infer(server, `${JSON.stringify(inferenceRequest())}${' '.repeat(3_000_000)}`);
  await expect.poll(() => asked).toBe(true);
  found();
  expect((await answer).status).toBe(200);
});
