import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ChaosInstance, orphans } from './chaos-instance.js';
import { ChaosFleet } from './fleet.js';
import { missingServers, OwnPostgres, OwnRedis } from './servers.js';

const run = promisify(execFile);
const SINEW = fileURLToPath(new URL('../../../cli/bin/sinew.js', import.meta.url));
const MODELS = ['wild', 'wild', 'tabletop-v1'] as const;

const missing = missingServers();
if (missing !== null) process.stderr.write(`chaos: !!! NOT RUN, a real PostgreSQL and Redis that die: ${missing}\n`);

describe.skipIf(missing !== null)(
  'a real PostgreSQL and a real Redis that die under moving robots',
  { timeout: 120_000 },
  () => {
    let postgres: OwnPostgres;
    let redis: OwnRedis;
    let instance: ChaosInstance;
    let fleet: ChaosFleet;

    beforeAll(async () => {
      postgres = await OwnPostgres.start();
      redis = await OwnRedis.start();
      const env = { DATABASE_URL: postgres.url, REDIS_URL: redis.url, SINEW_API_KEY: '' };
      await run(process.execPath, [SINEW, 'migrate'], { env: { ...process.env, ...env } });
      const { stdout } = await run(
        process.execPath,
        [SINEW, 'keys', 'create', 'k', '--customer', 'chaos', '--tier', 'enterprise', '--json'],
        { env: { ...process.env, ...env } },
      );
      env.SINEW_API_KEY = (JSON.parse(stdout) as { key: string }).key;
      instance = await ChaosInstance.start({ env });
      fleet = await ChaosFleet.start(instance, MODELS);
      await fleet.moves();
    }, 180_000);
    afterEach(() => fleet?.sound());
    afterAll(async () => {
      await instance?.stop();
      await redis?.close();
      await postgres?.close();
      expect(orphans()).toEqual([]);
    }, 60_000);

    const undisturbed = (fault: () => Promise<void>): Promise<void> =>
      fleet.unnoticed(async () => {
        await fault();
        await instance.healthy();
        await fleet.moves();
      });

    test('PostgreSQL crashes and recovers: no robot notices', () =>
      undisturbed(async () => {
        await postgres.crash();
        await fleet.moves(2);
        await postgres.begin();
      }));

    test('Redis is killed and started again: no robot notices', () =>
      undisturbed(async () => {
        await redis.crash();
        await fleet.moves(2);
        await redis.begin();
      }));

    test('Redis freezes: no robot notices', () =>
      undisturbed(async () => {
        redis.signal('SIGSTOP');
        await fleet.moves(2);
        redis.signal('SIGCONT');
      }));

    test('both are away and the gateway is killed meanwhile: when they are back, robots are', async () => {
      await postgres.crash();
      await redis.crash();
      const gateway = instance.pid('gateway');
      const held = fleet.holds('link', 10);
      instance.signal('gateway', 'SIGKILL');
      await held;
      await redis.begin();
      await postgres.begin();
      await instance.healthy();
      await fleet.moves();
      expect(instance.pid('gateway')).not.toBe(gateway);
    });

    test('every acknowledged log is stored once', async () => {
      await fleet.stop();
      expect(await fleet.stored()).toBeGreaterThan(50);
    });
  },
);
