import { afterAll, beforeAll, expect, test } from 'vitest';
import { infer } from './testing/rest.js';
import { OPEN, observation, startTestGateway, type TestGateway } from './testing/test-gateway.js';

let server: TestGateway;
let doubtful = false;
beforeAll(async () => {
  server = await startTestGateway({ barred: () => doubtful });
});
afterAll(() => server.stop());

test('while its node number is in doubt a gateway begins nothing, its robots hold, and they go on when it is renewed', async () => {
  const client = await server.robot();
  let seq = 0;
  const camera = setInterval(() => client.send(observation(++seq)), 40);
  const { log_id: before } = await client.next('action');
  doubtful = true;
  await client.next('hold');
  const refused = await infer(server);
  expect(refused.status).toBe(503);
  expect(await refused.json()).toMatchObject({ error: 'journal_full' });
  await expect(server.connect()).rejects.toThrow('HTTP 503');
  doubtful = false;
  const { log_id: after } = await client.next('action', ({ log_id }) => log_id > before);
  expect(after).toBeGreaterThan(before);
  clearInterval(camera);
  const late = await server.connect();
  late.send(OPEN);
  await late.next('opened');
});
