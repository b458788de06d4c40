import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { infer } from '../testing/rest.js';
import { KEY, OTHER_KEY, observation, startTestGateway } from '../testing/test-gateway.js';

const hash = (key: string) => createHash('sha256').update(key).digest('hex');

test('[W2] a revoked key ends its sessions with 4401, detached ones too, and opens none; others go on', async () => {
  const server = await startTestGateway();
  const robot = await server.robot({ robot_id: 'arm-1' });
  const away = await server.robot({ robot_id: 'arm-2' });
  const other = await server.robot({}, OTHER_KEY);
  away.terminate();
  const row = server.keys.get(hash(KEY));
  if (row === undefined) throw new Error('no key');
  robot.send(observation(0));
  await robot.next('action');
  server.keys.set(hash(KEY), { ...row, revoked_at: new Date() });

  // It brakes by the server's hand, and only then hears that it has no server any more.
  await robot.next('hold', ({ reason }) => reason === 'draining');

  expect(await robot.next('error')).toMatchObject({ code: 'key_revoked', fatal: true });
  expect(await robot.next('closed')).toMatchObject({ reason: 'key_revoked', resumable: false });
  expect((await robot.closed()).code).toBe(4401);
  expect(server.gateway.sessions.size).toBe(1);
  await expect(server.connect()).rejects.toThrow('HTTP 401');
  const refused = await infer(server);
  expect(refused.status).toBe(401);
  expect(await refused.json()).toMatchObject({ error: 'key_revoked' });

  other.send({ type: 'ping', sent_at_ms: 1 });
  await other.next('pong');
  await server.stop();
});
