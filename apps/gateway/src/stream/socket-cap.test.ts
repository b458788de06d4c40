import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { KEY, OTHER_KEY, startTestGateway } from '../testing/test-gateway.js';

const hash = (key: string) => createHash('sha256').update(key).digest('hex');

test('[W2] no customer takes all sockets: beyond its own it is told 503, and others connect', async () => {
  const server = await startTestGateway();
  const row = server.keys.get(hash(KEY));
  if (row === undefined) throw new Error('no key');
  server.keys.set(hash(KEY), { ...row, limits: { sessions: 1 } });
  const sockets = await Promise.all(Array.from({ length: 34 }, () => server.connect()));
  await expect(server.connect()).rejects.toThrow('HTTP 503');
  const other = await server.robot({}, OTHER_KEY);
  other.terminate();
  for (const socket of sockets) socket.terminate();
  await server.stop();
});
