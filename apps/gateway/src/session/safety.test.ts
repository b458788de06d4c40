import { ControlLoop, GovernorFault } from '@sinew/control';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { observation, startTestGateway, type TestGateway } from '../testing/test-gateway.js';

let server: TestGateway;
beforeAll(async () => {
  server = await startTestGateway();
});
afterAll(() => server.stop());
afterEach(() => {
  vi.restoreAllMocks();
});

test('[SAFE-E3] a fault of the governor itself sends nothing, ends the session and latches its robot', async () => {
  const client = await server.robot({ robot_id: 'arm-e3', control_hz: 50 });
  client.send(observation(0));
  await client.next('action');
  vi.spyOn(ControlLoop.prototype, 'tick').mockImplementationOnce(() => {
    throw new GovernorFault('for this test');
  });
  expect(await client.next('error')).toMatchObject({ code: 'internal', fatal: true });
  expect((await client.closed()).code).toBe(4500);
  const again = await server.connect();
  again.send({ type: 'open', robot_type: 'franka_panda', instruction: 'pick up the red cube', robot_id: 'arm-e3' });
  expect(await again.next('opened')).toMatchObject({ estopped: true });
  again.send(observation(0));
  expect(await again.next('hold')).toMatchObject({ reason: 'estop' });
  const events = (await server.journaled()).filter((record) => record.kind === 'event' && record.event === 'estop');
  expect(events).toMatchObject([{ data: { by: 'governor' } }]);
  again.terminate();
});

test.each(['chunked', 'lockstep'] as const)(
  '[SAFE-E3] a fault of the governor while it plans a %s chunk ends that session alone, and latches its robot',
  async (pacing) => {
    const other = await server.robot({ control_hz: 50 });
    const client = await server.robot({ robot_id: `arm-${pacing}`, control_hz: 50, pacing });
    vi.spyOn(ControlLoop.prototype, 'plan').mockImplementationOnce(() => {
      throw new GovernorFault('for this test');
    });
    client.send(observation(0));
    expect(await client.next('error')).toMatchObject({ code: 'internal', fatal: true });
    expect((await client.closed()).code).toBe(4500);
    const again = await server.robot({ robot_id: `arm-${pacing}` });
    expect(again.received[0]).toMatchObject({ type: 'opened', estopped: true });
    other.send(observation(0));
    await other.next('action');
    other.terminate();
    again.terminate();
  },
);

test('[SAFE-U2] a state in degrees or millimetres is refused by its field and never starts a robot', async () => {
  const client = await server.robot({ control_hz: 50 });
  for (const [seq, state] of [
    [0, [0, 0, 0.2, 180, 0, 90, 1]],
    [1, [310, -40, 200, 0, 0, 0, 1]],
  ] as const) {
    client.send(observation(seq, { state: Float64Array.from(state) }));
    const error = await client.next('error', (e) => e.observation_seq === seq);
    expect(error).toMatchObject({ code: 'validation_failed', field: 'state', fatal: false });
    expect(error.reason).toMatch(/looks like (degrees|millimetres)/);
  }
  expect(client.received.some(({ type }) => type === 'action' || type === 'hold')).toBe(false);
  client.send(observation(2));
  await client.next('action');
  client.terminate();
});

test('[SAFE-N4] keep-outs are told as they are enforced, and contradictory ones refused by their field', async () => {
  const open = { type: 'open', robot_type: 'franka_panda', instruction: 'pick up the red cube' } as const;
  const client = await server.connect();
  client.send({ ...open, keep_out: [{ normal: [0, 0, 2], offset: 0.02 }] });
  const { robot } = await client.next('opened');
  expect(robot).toMatchObject({ keep_out: [{ normal: [0, 0, 1], offset: 0.01 }] });
  client.terminate();
  const refused = await server.connect();
  refused.send({
    ...open,
    keep_out: [
      { center: [0, 0, 0.2], radius: 0.1 },
      { center: [0, 0, 0], radius: 5 },
    ],
  });
  expect(await refused.next('error')).toMatchObject({ code: 'validation_failed', field: 'keep_out.1', fatal: true });
  expect((await refused.closed()).code).toBe(4422);
});
