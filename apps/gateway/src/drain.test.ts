import { expect, test } from 'vitest';
import { observation, startTestGateway } from './testing/test-gateway.js';

test('[S9] draining tells, lets sessions finish, then holds, closes 4503, and accepts nobody', async () => {
  const server = await startTestGateway({ settings: { drain_ms: 200 } });
  const staying = await server.robot({ control_hz: 50 });
  const leaving = await server.robot();
  staying.send(observation(0));
  await staying.next('action');
  const stopped = server.stop();
  expect(await staying.next('notice')).toMatchObject({ code: 'draining' });
  await leaving.next('notice');
  leaving.send({ type: 'close' });
  expect((await leaving.closed()).code).toBe(1000);
  await staying.next('hold', (hold) => hold.reason === 'draining');
  expect(await staying.next('closed')).toMatchObject({ reason: 'drained' });
  expect((await staying.closed()).code).toBe(4503);
  await stopped;
  await expect(server.connect()).rejects.toThrow();
});

test('[S11] an e-stop latch survives the gateway that took it', async () => {
  const first = await startTestGateway({ settings: { drain_ms: 0 }, keepDir: true });
  const client = await first.robot({ robot_id: 'arm-1' });
  client.send({ type: 'estop' });
  client.send({ type: 'ping', sent_at_ms: 1 });
  await client.next('pong');
  await first.stop();
  const second = await startTestGateway({ dir: first.dir });
  const again = await second.connect();
  again.send({ type: 'open', robot_type: 'franka_panda', instruction: 'pick up the red cube', robot_id: 'arm-1' });
  expect((await again.next('opened')).estopped).toBe(true);
  await second.stop();
});
