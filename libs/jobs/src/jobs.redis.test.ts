import { openGate } from '@sinew/cache/testing';
import { Redis } from 'ioredis';
import { openRedisBackend } from './backend.js';
import { registerJobTests } from './job-tests.js';

/** Uses and empties the database number that the URL names. */
registerJobTests('Redis', async () => {
  const redisUrl = process.env.SINEW_TEST_REDIS_URL;
  if (redisUrl === undefined) throw new Error('SINEW_TEST_REDIS_URL is not set');
  const admin = new Redis(redisUrl);
  await admin.flushdb();
  const gated = new URL(redisUrl);
  const gate = await openGate(gated.hostname, Number(gated.port || '6379'));
  gated.hostname = '127.0.0.1';
  gated.port = String(gate.port);
  return {
    options: { databaseUrl: '', redisUrl: gated.href },
    raw: () => openRedisBackend(redisUrl, () => undefined),
    outage: { begin: gate.shut, end: gate.open },
    async close() {
      await gate.shut();
      await admin.flushdb();
      await admin.quit();
    },
  };
});
