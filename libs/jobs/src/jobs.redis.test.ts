import { Redis } from 'ioredis';
import { openRedisBackend } from './backend.js';
import { registerJobTests } from './job-tests.js';

/** Uses and empties the database number that the URL names. */
registerJobTests('Redis', async () => {
  const redisUrl = process.env.SINEW_TEST_REDIS_URL;
  if (redisUrl === undefined) throw new Error('SINEW_TEST_REDIS_URL is not set');
  const admin = new Redis(redisUrl);
  await admin.flushdb();
  return {
    options: { databaseUrl: '', redisUrl },
    raw: () => openRedisBackend(redisUrl, () => undefined),
    restart: null,
    async close() {
      await admin.flushdb();
      await admin.quit();
    },
  };
});
