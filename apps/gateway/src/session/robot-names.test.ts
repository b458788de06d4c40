import { afterAll, beforeAll, expect, test } from 'vitest';
import { observation, startTestGateway, type TestGateway } from '../testing/test-gateway.js';

let server: TestGateway;
beforeAll(async () => {
  server = await startTestGateway();
});
afterAll(() => server.stop());

test('a robot may be opened by an alias; everything after names its id', async () => {
  const client = await server.robot({ robot_type: 'panda' });
  const opened = client.received.find((message) => message.type === 'opened');
  expect(opened).toMatchObject({ robot: { robot_type: 'franka_panda' } });
  client.send(observation(0));
  await client.next('action');
  client.send({ type: 'close' });
  await client.next('closed');
  const records = await server.journaled();
  expect(records.find((record) => record.kind === 'session')).toMatchObject({ robot_type: 'franka_panda' });
  expect(records.find((record) => record.kind === 'inference')).toMatchObject({ robot_type: 'franka_panda' });
});

test.each([
  ['franka_pandaa', 'franka_panda'],
  ['Panda', 'franka_panda'],
  ['UR5e', 'ur5e'],
  ['widowx', 'trossen_widowx_250'],
])('a name that no robot has is refused with the nearest three, never guessed: %s', async (name, nearest) => {
  const client = await server.connect();
  client.send({ type: 'open', robot_type: name, instruction: 'pick up the red cube' });
  const error = await client.next('error');
  expect(error).toMatchObject({ code: 'unknown_robot', field: 'robot_type', fatal: true });
  const suggested = (error.details as { nearest: string[] }).nearest;
  expect(suggested).toHaveLength(3);
  expect(suggested[0]).toBe(nearest);
  for (const id of suggested) expect(error.message).toContain(id);
  await client.closed();
});
