import type { Redis } from 'ioredis';
import { describe } from '../gcra.js';
import {
  type Acquired,
  CLAIM_MS,
  type Claim,
  type Counters,
  type Dedup,
  DUPLICATE_MS,
  type Leases,
  type Limiter,
  type Rate,
  REPLAY_MS,
  type StoredAnswer,
  type Taken,
} from '../shared-state.js';
import { ABANDON, ACQUIRE, ADD, ANSWER, CLAIM, RENEW, TAKE } from './scripts.js';

const PREFIX = 'sinew';
/** Members a call: a script's argument list has its limits. */
const RENEW_AT_ONCE = 500;

/** A script by its hash, by its text the first time that this server sees it. */
class Script {
  readonly #redis: Redis;
  readonly #name: string;

  constructor(redis: Redis, name: string, lua: string, numberOfKeys: number) {
    this.#redis = redis;
    this.#name = `sinew_${name}`;
    redis.defineCommand(this.#name, { lua, numberOfKeys });
  }

  run(...args: (string | number)[]): Promise<unknown> {
    const command: unknown = Reflect.get(this.#redis, this.#name);
    if (typeof command !== 'function') throw new Error(`${this.#name} is no command`);
    return command.apply(this.#redis, args) as Promise<unknown>;
  }
}

const fault = (reply: unknown): Error => new Error(`Redis answered ${JSON.stringify(reply)?.slice(0, 100)}`);

/** The parts of the shared state on Redis. Every call rejects where Redis is away; `FallbackState` is what gateways use. */
export interface RedisParts {
  readonly limiter: Limiter;
  readonly leases: Leases;
  readonly counters: Counters;
  readonly dedup: Dedup;
}

export function redisParts(redis: Redis): RedisParts {
  return {
    limiter: new RedisLimiter(redis),
    leases: new RedisLeases(redis),
    counters: new RedisCounters(redis),
    dedup: new RedisDedup(redis),
  };
}

class RedisLimiter implements Limiter {
  readonly #take: Script;

  constructor(redis: Redis) {
    this.#take = new Script(redis, 'take', TAKE, 1);
  }

  async take(key: string, rate: Rate, cost = 1): Promise<Taken> {
    const reply = await this.#take.run(`${PREFIX}:rate:${key}`, rate.perMinute, rate.burst, cost);
    if (!Array.isArray(reply)) throw fault(reply);
    return describe(reply[0] === 1, Number(reply[1]), rate, cost);
  }
}

class RedisLeases implements Leases {
  readonly #redis: Redis;
  readonly #acquire: Script;
  readonly #renew: Script;

  constructor(redis: Redis) {
    this.#redis = redis;
    this.#acquire = new Script(redis, 'acquire', ACQUIRE, 1);
    this.#renew = new Script(redis, 'renew', RENEW, 1);
  }

  async acquire(set: string, member: string, max: number, ttlMs: number): Promise<Acquired> {
    const reply = await this.#acquire.run(setKey(set), member, max, ttlMs);
    if (!Array.isArray(reply)) throw fault(reply);
    return { granted: reply[0] === 1, held: Number(reply[1]), again: reply[2] === 1 };
  }

  async renew(set: string, members: readonly string[], ttlMs: number): Promise<void> {
    for (let i = 0; i < members.length; i += RENEW_AT_ONCE) {
      await this.#renew.run(setKey(set), ttlMs, ...members.slice(i, i + RENEW_AT_ONCE));
    }
  }

  async release(set: string, member: string): Promise<void> {
    await this.#redis.zrem(setKey(set), member);
  }
}

const setKey = (set: string): string => `${PREFIX}:leases:${set}`;

class RedisCounters implements Counters {
  readonly #add: Script;

  constructor(redis: Redis) {
    this.#add = new Script(redis, 'add', ADD, 1);
  }

  async add(
    key: string,
    n: number,
    { ttlMs, floor = 0 }: { readonly ttlMs: number; readonly floor?: number },
  ): Promise<number> {
    const total = Number(await this.#add.run(`${PREFIX}:count:${key}`, n, floor, ttlMs));
    if (!Number.isSafeInteger(total)) throw fault(total);
    return total;
  }
}

class RedisDedup implements Dedup {
  readonly #claim: Script;
  readonly #answer: Script;
  readonly #abandon: Script;

  constructor(redis: Redis) {
    this.#claim = new Script(redis, 'claim', CLAIM, 2);
    this.#answer = new Script(redis, 'answer', ANSWER, 2);
    this.#abandon = new Script(redis, 'abandon', ABANDON, 1);
  }

  async claim(customerId: string, requestId: string): Promise<Claim> {
    const reply = await this.#claim.run(...keysOf(customerId, requestId), CLAIM_MS);
    if (!Array.isArray(reply)) throw fault(reply);
    const kind: unknown = reply[0];
    if (kind === 'answered') return { kind, answer: parseAnswer(reply[1]) };
    if (kind === 'new' || kind === 'running' || kind === 'duplicate') return { kind };
    throw fault(reply);
  }

  async answer(customerId: string, requestId: string, answer: StoredAnswer): Promise<void> {
    await this.#answer.run(...keysOf(customerId, requestId), JSON.stringify(answer), REPLAY_MS, DUPLICATE_MS);
  }

  async abandon(customerId: string, requestId: string): Promise<void> {
    await this.#abandon.run(keysOf(customerId, requestId)[0]);
  }
}

/** State and answer; the braces keep both on one node of a cluster. */
function keysOf(customerId: string, requestId: string): [string, string] {
  const key = `${PREFIX}:request:{${customerId}:${requestId}}`;
  return [key, `${key}:answer`];
}

function parseAnswer(text: unknown): StoredAnswer {
  const parsed: unknown = JSON.parse(String(text));
  if (typeof parsed !== 'object' || parsed === null || !('status' in parsed) || !('body' in parsed))
    throw fault(parsed);
  // One of an older gateway has none, and is no answer to anything it could be compared with.
  const content = 'content' in parsed ? String(parsed.content) : '';
  return { status: Number(parsed.status), body: String(parsed.body), content };
}
