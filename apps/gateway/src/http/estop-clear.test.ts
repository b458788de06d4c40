import type { EstopEvent } from '@sinew/journal';
import { afterEach, expect, test } from 'vitest';
import {
  ADMIN_KEY,
  KEY,
  OPEN,
  OTHER_ADMIN_KEY,
  OTHER_KEY,
  observation,
  startTestGateway,
  type TestGateway,
} from '../testing/test-gateway.js';

let server: TestGateway;
afterEach(() => server.stop());

const clear = (robotId: string, key: string | null = ADMIN_KEY, body: string = '{"reason":"cell checked"}') =>
  fetch(`${server.http}/v1/admin/robots/${robotId}/estop-clear`, {
    method: 'POST',
    body,
    headers: key === null ? {} : { authorization: `Bearer ${key}` },
  });

const latches = async (): Promise<EstopEvent[]> =>
  (await server.journaled()).filter(
    (record): record is EstopEvent =>
      record.kind === 'event' && (record.event === 'estop' || record.event === 'estop_clear'),
  );

/** Leaves the robot latched and its session closed. */
async function latched(robot_id: string, key = KEY): Promise<void> {
  const client = await server.robot({ robot_id }, key);
  client.send({ type: 'estop' });
  client.send({ type: 'close' });
  await client.closed();
}

const isLatched = async (robot_id: string, key = KEY): Promise<boolean> => {
  const client = await server.connect(key);
  client.send({ ...OPEN, robot_id });
  const { estopped } = await client.next('opened');
  client.send({ type: 'close' });
  await client.closed();
  return estopped;
};

test('[S11] an operator releases a robot that is away; who and why is in the journal', async () => {
  server = await startTestGateway();
  await latched('arm-1');
  expect(await isLatched('arm-1')).toBe(true);
  const answer = await clear('arm-1');
  expect(answer.status).toBe(200);
  const body = (await answer.json()) as { request_id: string };
  expect(body).toMatchObject({ robot_id: 'arm-1', cleared: true, latched_by: 'client', session_id: null });
  expect(await isLatched('arm-1')).toBe(false);
  expect((await latches()).at(-1)).toMatchObject({
    event: 'estop_clear',
    session_id: null,
    robot_id: 'arm-1',
    data: {
      by: 'operator',
      key_id: [...server.keys.values()].find(({ scopes }) => scopes.includes('admin'))?.key_id,
      reason: 'cell checked',
      request_id: body.request_id,
    },
  });
});

test('[S11] an operator releases a robot that streams: it is told, and moves from a fresh observation only', async () => {
  server = await startTestGateway();
  const client = await server.robot({ robot_id: 'arm-1', control_hz: 50, stale_after_ms: 2_000 });
  client.send(observation(0));
  await client.next('action');
  client.send({ type: 'estop' });
  await client.next('hold', ({ reason }) => reason === 'estop');
  client.send(observation(1));
  const answer = await clear('arm-1');
  expect(await answer.json()).toMatchObject({ cleared: true, session_id: expect.any(String) });
  const notice = await client.next('notice');
  expect(notice.code).toBe('estop_cleared');
  const hold = await client.next('hold', ({ reason }) => reason !== 'estop');
  await client.next('hold', ({ seq }) => seq >= hold.seq + 10);
  const after = client.received.slice(client.received.indexOf(notice));
  expect(after.some(({ type }) => type === 'action')).toBe(false);
  let seq = 2;
  await client.nextWhile(() => observation(seq++), 'action');
});

test('[S11] nobody else releases it: no key, no scope `admin`, another customer', async () => {
  server = await startTestGateway();
  await latched('arm-1');
  expect((await clear('arm-1', null)).status).toBe(401);
  expect((await clear('arm-1', KEY)).status).toBe(403);
  const foreign = await clear('arm-1', OTHER_ADMIN_KEY);
  expect([foreign.status, await foreign.json()]).toMatchObject([200, { cleared: false }]);
  expect(await isLatched('arm-1')).toBe(true);
  expect((await latches()).map(({ event }) => event)).toEqual(['estop']);
});

test('[S11] only the latch that was named is released', async () => {
  server = await startTestGateway();
  await latched('arm-1');
  await latched('arm-2');
  await latched('arm-1', OTHER_KEY);
  expect(await (await clear('arm-1')).json()).toMatchObject({ cleared: true });
  expect([await isLatched('arm-1'), await isLatched('arm-2'), await isLatched('arm-1', OTHER_KEY)]).toEqual([
    false,
    true,
    true,
  ]);
});

test('a robot that is not latched: said so, and nothing is recorded', async () => {
  server = await startTestGateway();
  const client = await server.robot({ robot_id: 'arm-1', control_hz: 50 });
  expect(await (await clear('arm-1')).json()).toMatchObject({ cleared: false });
  expect(await latches()).toEqual([]);
  client.terminate();
});

test.each([
  ['robot_id', 'arm%2F..%2F1', '{"reason":"cell checked"}'],
  ['robot_id', 'x'.repeat(65), '{"reason":"cell checked"}'],
  ['body', 'arm-1', ''],
  ['body', 'arm-1', '[]'],
  ['reason', 'arm-1', '{}'],
  ['operator', 'arm-1', '{"reason":"cell checked","operator":"me"}'],
  ['reason', 'arm-1', '{"reason":""}'],
  ['reason', 'arm-1', `{"reason":"${'x'.repeat(501)}"}`],
])('422 names the field: %s of %s %s', async (field, robotId, body) => {
  server = await startTestGateway();
  const answer = await clear(robotId, ADMIN_KEY, body);
  expect([answer.status, await answer.json()]).toMatchObject([422, { error: 'validation_failed', field }]);
});

test('[S11] a robot latched over a resume is released for good: the latch is not in its new socket either', async () => {
  server = await startTestGateway();
  const client = await server.connect();
  client.send({ ...OPEN, robot_id: 'arm-1', control_hz: 50 });
  const opened = await client.next('opened');
  client.send({ type: 'estop' });
  client.send(observation(0));
  await client.next('hold', ({ reason }) => reason === 'estop');
  client.terminate();
  const again = await server.connect();
  again.send({ type: 'open', resume: { session_id: opened.session_id, token: opened.resume_token } });
  expect((await again.next('opened')).estopped).toBe(true);
  expect(await (await clear('arm-1')).json()).toMatchObject({ cleared: true, session_id: opened.session_id });
  await again.next('notice', ({ code }) => code === 'estop_cleared');
  let seq = 1;
  await again.nextWhile(() => observation(seq++), 'action');
});
