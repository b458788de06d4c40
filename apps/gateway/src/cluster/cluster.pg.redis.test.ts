import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPool } from '@sinew/db';
import { startServerDatabase } from '@sinew/db/testing';
import { logIdNode } from '@sinew/journal';
import { Redis } from 'ioredis';
import type { Pool } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Child } from '../testing/gateway-child.js';
import { inferenceRequest } from '../testing/rest.js';
import { StreamClient } from '../testing/stream-client.js';
import { OPEN, observation } from '../testing/test-gateway.js';
import { sinew, startSinew } from './sinew-process.js';

// Production as the README says it: every part a process of its own by its command, on one real PostgreSQL and one real Redis.

/** A number of its own beside the other suites, which empty theirs. */
const REDIS_DATABASE = 11;
const NODES = [11, 12] as const;
/** For what follows through journal, shipper, queue and worker on a busy machine. */
const EVENTUALLY = { timeout: 60_000, interval: 200 };
/** What the platform promises: a change on one gateway is in force on every other one within so long. */
const IN_FORCE = { timeout: 5_000, interval: 100 };

interface Made {
  readonly key: string;
  readonly key_id: string;
  readonly customer_id: string;
}
// biome-ignore lint/suspicious/noExplicitAny: answers are checked field by field below
type Json = any;

describe('two gateways, two shippers and two workers on one PostgreSQL and one Redis', { timeout: 180_000 }, () => {
  let database: Awaited<ReturnType<typeof startServerDatabase>>;
  let pool: Pool;
  let redis: Redis;
  let folder: string;
  let env: NodeJS.ProcessEnv;
  let gateways: readonly [Child<{ port: number }>, Child<{ port: number }>];
  const parts: Child<object>[] = [];

  beforeAll(async () => {
    const base = process.env.SINEW_TEST_REDIS_URL;
    if (base === undefined) throw new Error('SINEW_TEST_REDIS_URL is not set');
    const redisUrl = new URL(base);
    redisUrl.pathname = `/${REDIS_DATABASE}`;
    redis = new Redis(redisUrl.href);
    await redis.flushdb();
    database = await startServerDatabase();
    pool = createPool(database.url);
    folder = await mkdtemp(join(tmpdir(), 'sinew-cluster-'));
    env = { DATABASE_URL: database.url, REDIS_URL: redisUrl.href, SINEW_LOG_LEVEL: 'warn', SINEW_POLICIES: 'null' };
    // From two places at once, as two machines that are updated together would.
    const applied = await Promise.all([
      sinew<{ applied: string[] }>(env, 'migrate'),
      sinew<{ applied: string[] }>(env, 'migrate'),
    ]);
    expect(applied.map((each) => each.applied.length > 0).sort()).toEqual([false, true]);
    const start = async <R extends object>(node: number, ...args: string[]): Promise<Child<R>> => {
      const own = { SINEW_DATA_DIR: join(folder, `node-${node}`), SINEW_NODE: String(node) };
      const child = await startSinew<R>({ ...env, ...own }, ...args);
      parts.push(child);
      return child;
    };
    const gateway = (node: number) => start<{ port: number }>(node, 'gateway', '--port', '0');
    gateways = [await gateway(NODES[0]), await gateway(NODES[1])];
    for (const node of NODES) await start(node, 'shipper');
    for (const node of NODES) await start(node, 'worker');
  }, 180_000);

  afterAll(async () => {
    await Promise.all(parts.map((part) => part.stop('SIGKILL')));
    await redis?.flushdb();
    await redis?.quit();
    await pool?.end();
    await database?.close();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  const makeKey = (customer: string, ...options: string[]): Promise<Made> =>
    sinew<Made>(env, 'keys', 'create', 'k', '--customer', customer, ...options);
  const ofTier = async (customer: string, limits: string, ...options: string[]): Promise<Made> => {
    await sinew(env, 'customers', 'create', customer, '--tier', 'enterprise', '--limits', limits);
    return makeKey(customer, ...options);
  };
  const call = (
    gateway: 0 | 1,
    key: string,
    path: string,
    body?: object,
    method = body === undefined ? 'GET' : 'POST',
  ) =>
    fetch(`http://127.0.0.1:${gateways[gateway].ready.port}${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const ask = async (gateway: 0 | 1, key: string, path: string): Promise<Json> => {
    const response = await call(gateway, key, path);
    const body: Json = await response.json();
    expect(response.status, JSON.stringify(body)).toBe(200);
    return body;
  };
  const infer = (gateway: 0 | 1, key: string, body: object = inferenceRequest()) =>
    call(gateway, key, '/v1/inference', body);
  const robot = async (gateway: 0 | 1, key: string, open: object = {}): Promise<StreamClient> => {
    const client = await StreamClient.connect(gateways[gateway].ready.port, key);
    client.send({ ...OPEN, ...open });
    await client.next('opened');
    return client;
  };
  const opened = (client: StreamClient): Json => client.received.find(({ type }) => type === 'opened');
  /** The log ids behind the actions that a robot got, having looked so often. */
  const drive = async (client: StreamClient, looks: number): Promise<number[]> => {
    const ids = new Set<number>();
    for (let seq = 0; seq < looks; seq++) {
      client.send(observation(seq));
      ids.add((await client.next('action')).log_id);
    }
    return [...ids];
  };

  test('robots stream to both; sessions and inferences of both are seen over either', async () => {
    const { key } = await makeKey('fleet', '--tier', 'enterprise');
    const [one, two] = [await robot(0, key, { robot_id: 'arm-1' }), await robot(1, key, { robot_id: 'arm-2' })];
    const logs = [await drive(one, 10), await drive(two, 10)];
    for (const [i, ids] of logs.entries()) for (const id of ids) expect(logIdNode(id)).toBe(NODES[i]);
    for (const client of [one, two]) client.send({ type: 'close' });
    await vi.waitFor(async () => {
      for (const gateway of [0, 1] as const) {
        const { sessions } = await ask(gateway, key, '/v1/sessions');
        const closed = sessions
          .filter((each: Json) => each.close_reason === 'client')
          .map((each: Json) => each.robot_id);
        expect(closed.sort()).toEqual(['arm-1', 'arm-2']);
      }
    }, EVENTUALLY);
    // Each of the inferences is in the table once, whichever shipper brought it, and is answered for by both gateways.
    for (const id of logs.flat()) {
      for (const gateway of [0, 1] as const) expect((await ask(gateway, key, `/v1/logs/${id}`)).log_id).toBe(id);
    }
    const { rows } = await pool.query(
      'SELECT count(*)::int AS rows, count(DISTINCT log_id)::int AS ids FROM vlaapi.inference_logs WHERE log_id = ANY ($1)',
      [logs.flat()],
    );
    expect(rows).toEqual([{ rows: logs.flat().length, ids: logs.flat().length }]);
    // What follows a shipment is a job, that either worker does, and once.
    await vi.waitFor(async () => {
      const { rows: counted } = await pool.query(
        `SELECT sum(total_uses)::int AS uses FROM vlaapi.instruction_analytics a
         JOIN (SELECT DISTINCT instruction_hash FROM vlaapi.inference_logs WHERE log_id = ANY ($1)) AS ours
         USING (instruction_hash)`,
        [logs.flat()],
      );
      expect(counted[0].uses).toBeGreaterThan(0);
    }, EVENTUALLY);
  });

  test('resume on the other gateway is a clear `resume_failed`; where the session lives it still works', async () => {
    const { key } = await makeKey('roamer', '--tier', 'enterprise');
    const home = await robot(0, key, { robot_id: 'arm-1' });
    await drive(home, 2);
    const { resume_token, session_id } = opened(home);
    home.terminate();
    const resume = { type: 'open', resume: { session_id, token: resume_token } } as const;
    const elsewhere = await StreamClient.connect(gateways[1].ready.port, key);
    elsewhere.send(resume);
    expect(await elsewhere.next('error')).toMatchObject({
      code: 'resume_failed',
      fatal: true,
      message: expect.stringContaining('open a new one'),
    });
    expect((await elsewhere.closed()).code).toBe(4422);
    const back = await StreamClient.connect(gateways[0].ready.port, key);
    back.send(resume);
    expect(await back.next('opened')).toMatchObject({ session_id, resumed: true, epoch: 2 });
    back.terminate();
  });

  /** On a busy machine Redis may not answer a gateway within its 300 ms; until it does again, each is on its own. */
  const bothOnRedis = (): Promise<void> =>
    vi.waitFor(async () => {
      for (const { ready } of gateways) {
        const page = await (await fetch(`http://127.0.0.1:${ready.port}/metrics`)).text();
        expect(page).toMatch(/^vla_shared_state_fallback(\{[^}]*\})? 0$/m);
      }
    }, EVENTUALLY);

  test('a customer’s limits are one, whichever gateway it asks', async () => {
    await bothOnRedis();
    const { key } = await ofTier('limited', 'requests_per_minute=4,sessions=2', '--scopes', 'stream,infer');
    const statuses: number[] = [];
    for (let i = 0; i < 6; i++) statuses.push((await infer((i % 2) as 0 | 1, key, {})).status);
    expect(statuses).toEqual([422, 422, 422, 422, 429, 429]);
    const refused = await infer(0, key, {});
    expect(Number(refused.headers.get('Retry-After'))).toBeGreaterThan(0);
    expect(refused.headers.get('RateLimit-Remaining')).toBe('0');
    const held = [await robot(0, key, { robot_id: 'arm-1' }), await robot(1, key, { robot_id: 'arm-2' })];
    for (const gateway of [0, 1] as const) {
      const third = await StreamClient.connect(gateways[gateway].ready.port, key);
      third.send({ ...OPEN, robot_id: 'arm-3' });
      expect((await third.next('error')).code).toBe('session_limit');
      expect((await third.closed()).code).toBe(4429);
    }
    for (const client of held) client.terminate();
  });

  test('a request sent to both is inferred once, and answered alike', async () => {
    const { key } = await makeKey('repeater', '--tier', 'enterprise');
    const request = { ...inferenceRequest(), request_id: uuidv7() };
    await bothOnRedis();
    const [first, again] = [await infer(0, key, request), await infer(1, key, request)];
    expect([first.status, again.status]).toEqual([200, 200]);
    const answer: Json = await first.json();
    expect(await again.json()).toEqual(answer);
    await vi.waitFor(() => ask(1, key, `/v1/logs/${answer.log_id}`), EVENTUALLY);
    const { rows } = await pool.query('SELECT log_id FROM vlaapi.inference_logs WHERE request_id = $1', [
      request.request_id,
    ]);
    expect(rows.map((row) => Number(row.log_id))).toEqual([answer.log_id]);
  });

  test('a revoked key ends its sessions on both within five seconds, and opens none', async () => {
    const { key, key_id } = await makeKey('leaver', '--tier', 'enterprise');
    const running = [await robot(0, key, { robot_id: 'arm-1' }), await robot(1, key, { robot_id: 'arm-2' })];
    const closed = Promise.all(running.map((client) => client.closed()));
    expect(await sinew(env, 'keys', 'revoke', key_id)).toEqual({ key_id, revoked: true });
    await vi.waitFor(async () => {
      const known = await Promise.race([closed, null]);
      expect(known?.map(({ code }) => code)).toEqual([4401, 4401]);
    }, IN_FORCE);
    for (const gateway of [0, 1] as const) expect((await infer(gateway, key)).status).toBe(401);
  });

  test('what a customer consented to at one is in force at the other within five seconds', async () => {
    const { key: admin, customer_id } = await makeKey('discreet', '--tier', 'enterprise', '--scopes', 'admin');
    const { key } = await makeKey('discreet');
    const path = `/admin/customers/${customer_id}/consent`;
    const mail = 'jane.doe@example.com';
    let robots = 0;
    /** What is stored of an instruction with an address in it, told to a gateway now. */
    const stored = async (gateway: 0 | 1): Promise<string> => {
      const client = await robot(gateway, key, {
        robot_id: `arm-${robots++}`,
        instruction: `pick up the parcel of ${mail}`,
      });
      const [log] = await drive(client, 1);
      client.terminate();
      const found = await vi.waitFor(() => ask(gateway, key, `/v1/logs/${log}`), EVENTUALLY);
      return found.instruction;
    };
    expect(await stored(0)).not.toContain(mail);
    expect(await stored(1)).not.toContain(mail);
    const given = await call(0, admin, path, { tier: 'research', anonymization_level: 'partial', reason: 'agreed to' });
    expect(given.status, await given.clone().text()).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, IN_FORCE.timeout));
    expect(await ask(1, admin, path)).toMatchObject({ tier: 'research', version: 1 });
    expect(await stored(1)).toContain(mail);
    expect((await call(1, admin, path, undefined, 'DELETE')).status).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, IN_FORCE.timeout));
    expect(await ask(0, admin, path)).toMatchObject({ tier: 'none', version: 2 });
    expect(await stored(0)).not.toContain(mail);
    const { changes } = await ask(0, admin, `${path}/audit`);
    expect(changes.map((each: Json) => each.version)).toEqual([2, 1]);
  });

  test('feedback on what one gateway inferred is taken by the other, once', async () => {
    const { key } = await makeKey('rater', '--tier', 'enterprise', '--scopes', 'infer,feedback');
    const { log_id }: Json = await (await infer(0, key)).json();
    const report = { log_id, rating: 5, notes: 'it worked' };
    const post = (gateway: 0 | 1) =>
      fetch(`http://127.0.0.1:${gateways[gateway].ready.port}/v1/feedback/success`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json', 'Idempotency-Key': 'one' },
        body: JSON.stringify(report),
      });
    const answers = [await post(1), await post(0)];
    expect(answers.map(({ status }) => status)).toEqual([201, 201]);
    const { rows } = await pool.query('SELECT rating, log_id FROM vlaapi.feedback WHERE log_id = $1', [log_id]);
    expect(rows.map((row) => [row.rating, Number(row.log_id)])).toEqual([[5, log_id]]);
  });

  test('what the gates of either refuse is counted there, and stored with its rule', async () => {
    const { key, customer_id } = await makeKey('careless', '--tier', 'enterprise');
    for (const gateway of [0, 1, 1] as const) {
      const refused = await infer(gateway, key, { ...inferenceRequest(), instruction: 'go' });
      expect(refused.status).toBe(422);
      expect(await refused.json()).toMatchObject({
        error: 'validation_failed',
        field: 'instruction',
        status_code: 422,
      });
    }
    const client = await robot(0, key);
    client.send(observation(0, { state: new Float64Array(3) }));
    await client.next('error');
    client.send({ type: 'close' });
    await vi.waitFor(async () => {
      const { rows } = await pool.query(
        `SELECT rule, source, sum(count)::int AS count FROM vlaapi.quality_gate_failures WHERE customer_id = $1
         GROUP BY rule, source ORDER BY rule`,
        [customer_id],
      );
      expect(rows).toEqual([
        { rule: 'instruction.too_few_words', source: 'rest', count: 3 },
        { rule: 'state.wrong_length', source: 'stream', count: 1 },
      ]);
    }, EVENTUALLY);
  });

  test('every part ends by SIGTERM with code 0, having written no key into its log and no error', async () => {
    const exits = parts.map(
      ({ process: child }) => new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code))),
    );
    await Promise.all(parts.map((part) => part.stop('SIGTERM')));
    expect(await Promise.all(exits)).toEqual(parts.map(() => 0));
    for (const part of parts) {
      expect(part.log()).not.toContain('vla_live_');
      expect(part.log()).not.toMatch(/"level":(50|60)/);
    }
  });
});
