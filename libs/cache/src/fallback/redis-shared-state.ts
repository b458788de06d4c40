import { Redis } from 'ioredis';
import { createMemoryState } from '../memory/memory-state.js';
import { RedisBus } from '../redis/redis-bus.js';
import { redisParts } from '../redis/redis-state.js';
import type { SharedState } from '../shared-state.js';
import { type LinkEvents, RedisLink } from './redis-link.js';

export interface RedisStateOptions {
  readonly url: string;
  /** Milliseconds that never go back, for the time without Redis. */
  readonly now: () => number;
  readonly events: LinkEvents;
}

/** A REST request waits for Redis no longer than this, and only the first one does. */
const COMMAND_TIMEOUT_MS = 300;
const CONNECT_TIMEOUT_MS = 2_000;
const reconnectMs = (attempt: number): number => Math.min(1_000, 50 * 2 ** Math.min(attempt, 8));

/**
 * The state on Redis, and in this process' memory while Redis is away: then gateways do not know of each other, but each still
 * limits on its own. What this gateway holds (leases, totals, answers) is in its memory all along, so that its own customers
 * notice no change; its leases are in Redis again with their next renewal. Resolves within two seconds, whether Redis is there
 * or not, and answers without Redis from then on.
 */
export async function openRedisState({ url, now, events }: RedisStateOptions): Promise<SharedState> {
  const common = { lazyConnect: true, connectTimeout: CONNECT_TIMEOUT_MS, retryStrategy: reconnectMs } as const;
  const redis = new Redis(url, {
    ...common,
    connectionName: 'sinew',
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    // A primary that has become a replica: another address answers for it now.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
    commandTimeout: COMMAND_TIMEOUT_MS,
  });
  const subscriber = new Redis(url, { ...common, connectionName: 'sinew bus', maxRetriesPerRequest: null });
  // The link tells once that Redis is away; the driver would at every attempt.
  redis.on('error', () => {});
  subscriber.on('error', () => {});
  const link = new RedisLink(redis, events);
  const bus = new RedisBus(redis, subscriber);
  const remote = redisParts(redis);
  const local = createMemoryState(now);

  const listening = subscriber.connect().then(
    () => bus.listen(),
    () => bus.listen(),
  );
  listening.catch(() => {});
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, CONNECT_TIMEOUT_MS);
  });
  const connected = redis.connect().catch(() => {});
  await Promise.race([connected, patience]);
  if (await link.probe()) await Promise.race([listening.catch(() => {}), patience]);
  clearTimeout(timer);

  return {
    limiter: {
      take: (key, rate, cost) =>
        link.ask(
          'limit',
          () => remote.limiter.take(key, rate, cost),
          () => local.limiter.take(key, rate, cost),
        ),
    },
    leases: {
      acquire: (set, member, max, ttlMs) =>
        link.ask(
          'lease',
          async () => {
            const acquired = await remote.leases.acquire(set, member, max, ttlMs);
            if (acquired.granted) await local.leases.renew(set, [member], ttlMs);
            return acquired;
          },
          () => local.leases.acquire(set, member, max, ttlMs),
        ),
      renew: async (set, members, ttlMs) => {
        await local.leases.renew(set, members, ttlMs);
        await link.ask('lease', () => remote.leases.renew(set, members, ttlMs), nothing);
      },
      release: async (set, member) => {
        await local.leases.release(set, member);
        await link.ask('lease', () => remote.leases.release(set, member), nothing);
      },
    },
    counters: {
      add: (key, n, options) =>
        link.ask(
          'counter',
          async () => {
            const total = await remote.counters.add(key, n, options);
            await local.counters.add(key, 0, { ttlMs: options.ttlMs, floor: total });
            return total;
          },
          () => local.counters.add(key, n, options),
        ),
    },
    dedup: {
      claim: async (customerId, requestId) => {
        // What this gateway answered while Redis was away is known here alone.
        const claim = await local.dedup.claim(customerId, requestId);
        if (claim.kind !== 'new') return claim;
        const shared = await link.ask(
          'dedup',
          () => remote.dedup.claim(customerId, requestId),
          async () => claim,
        );
        if (shared.kind !== 'new') await local.dedup.abandon(customerId, requestId);
        return shared;
      },
      answer: async (customerId, requestId, answer) => {
        await local.dedup.answer(customerId, requestId, answer);
        await link.ask('dedup', () => remote.dedup.answer(customerId, requestId, answer), nothing);
      },
      abandon: async (customerId, requestId) => {
        await local.dedup.abandon(customerId, requestId);
        await link.ask('dedup', () => remote.dedup.abandon(customerId, requestId), nothing);
      },
    },
    bus: {
      publish: async (topic, message) => {
        bus.deliver(topic, message);
        await link.ask('publish', () => bus.send(topic, message), nothing);
      },
      subscribe: (topic, listener) => bus.subscribe(topic, listener),
    },
    close: async () => {
      link.close();
      redis.disconnect();
      subscriber.disconnect();
    },
  };
}

const nothing = async (): Promise<void> => {};
