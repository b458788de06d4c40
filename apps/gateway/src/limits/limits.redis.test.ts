import { openRedisState } from '@sinew/cache';
import { Redis } from 'ioredis';
import { describe } from 'vitest';
import { registerLimitTests } from '../testing/limit-tests.js';

/** A database of its own beside the others' tests: those empty theirs. */
const DATABASE = 8;
const base = process.env.SINEW_TEST_REDIS_URL;
if (base === undefined) throw new Error('SINEW_TEST_REDIS_URL is not set');
const url = new URL(base);
url.pathname = `/${DATABASE}`;

describe('with one Redis', () => {
  registerLimitTests(async () => {
    const admin = new Redis(url.href);
    await admin.flushdb();
    const events = { operation: () => {}, away: () => {} };
    const open = () => openRedisState({ url: url.href, now: () => performance.now(), events });
    const [a, b] = await Promise.all([open(), open()]);
    return {
      a,
      b,
      contents: async () => {
        const texts = await Promise.all(
          (await admin.keys('*')).map(
            async (key) => `${key} ${(await admin.type(key)) === 'string' ? await admin.get(key) : ''}`,
          ),
        );
        return texts.join('\n').replaceAll('\\"', '"');
      },
      close: async () => {
        await Promise.all([a.close(), b.close()]);
        await admin.flushdb();
        await admin.quit();
      },
    };
  });
});
