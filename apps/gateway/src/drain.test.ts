import type { Hold } from '@sinew/protocol';
import { expect, test } from 'vitest';
import { infer } from './testing/rest.js';
import { Gate, moving, scriptedModels } from './testing/scripted-models.js';
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

test.each([2, 50])(
  '[S9] a robot that moves at %i Hz is braked and held before it is told to go',
  async (control_hz) => {
    const models = await scriptedModels({ run: moving(0.01) });
    const server = await startTestGateway({ models, settings: { drain_ms: 0 } });
    const robot = await server.robot({ control_hz });
    robot.send(observation(0));
    await robot.next('action', ({ values }) => (values[0] ?? 0) > 0);
    const stopped = server.stop();
    await robot.next('closed');
    const last = robot.received.filter(({ type }) => type === 'hold' || type === 'action').at(-1);
    expect(last).toMatchObject({ type: 'hold', reason: 'draining' });
    expect(Array.from((last as Hold).values.slice(0, 6))).toEqual([0, 0, 0, 0, 0, 0]);
    await stopped;
  },
);

test('[S9] who comes while the gateway drains is told 503, and what was asked before is answered', async () => {
  const gate = new Gate(false);
  const server = await startTestGateway({
    models: await scriptedModels({ run: gate.run }),
    settings: { drain_ms: 60_000 },
  });
  const pending = infer(server);
  await expect.poll(() => gate.ran.length).toBe(1);
  const stopped = server.stop();
  const health = await fetch(`${server.http}/health`);
  expect(health.status).toBe(503);
  expect(await health.json()).toEqual({ status: 'draining' });
  await expect(server.connect()).rejects.toThrow('HTTP 503');
  const late = await infer(server);
  expect(late.status).toBe(503);
  expect(await late.json()).toMatchObject({ error: 'draining' });
  gate.open();
  expect((await pending).status).toBe(200);
  await stopped;
});

test('[S9] a session whose robot is away keeps no drain waiting', async () => {
  const server = await startTestGateway({ settings: { drain_ms: 600_000 } });
  const robot = await server.robot();
  robot.terminate();
  await expect.poll(() => server.gateway.status.sessions().detached).toBe(1);
  await server.stop();
  expect(server.gateway.sessions.size).toBe(0);
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
