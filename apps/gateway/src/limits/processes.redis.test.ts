import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Gate, openGate } from '@sinew/cache/testing';
import type { LimitOverrides } from '@sinew/contracts';
import { accounts, createPool, migrate } from '@sinew/db';
import { startTestDatabase } from '@sinew/db/testing';
import { logIdNode } from '@sinew/journal';
import { Redis } from 'ioredis';
import type { Pool } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startGatewayEntry } from '../testing/gateway-child.js';
import { inferenceRequest } from '../testing/rest.js';
import { StreamClient } from '../testing/stream-client.js';
import { OPEN } from '../testing/test-gateway.js';

/** A database of its own beside the others' tests: those empty theirs. */
const DATABASE = 9;
const base = process.env.SINEW_TEST_REDIS_URL;
if (base === undefined) throw new Error('SINEW_TEST_REDIS_URL is not set');
const url = new URL(base);
url.pathname = `/${DATABASE}`;

type Entry = Awaited<ReturnType<typeof startGatewayEntry>>;

let database: Awaited<ReturnType<typeof startTestDatabase>>;
let pool: Pool;
let admin: Redis;
let gate: Gate;
let folder: string;
let start: () => Promise<Entry>;
const running: Entry[] = [];

beforeAll(async () => {
  database = await startTestDatabase();
  pool = createPool(database.url);
  await migrate(pool);
  admin = new Redis(url.href);
  await admin.flushdb();
  gate = await openGate(url.hostname, Number(url.port || '6379'));
  const gated = new URL(url);
  gated.hostname = '127.0.0.1';
  gated.port = String(gate.port);
  folder = await mkdtemp(join(tmpdir(), 'sinew-gateways-'));
  start = async () => {
    const entry = await startGatewayEntry(database.url, join(folder, uuidv7()), { REDIS_URL: gated.href });
    running.push(entry);
    return entry;
  };
});
afterAll(async () => {
  await Promise.all(running.map((entry) => entry.stop()));
  await gate.shut();
  await admin.flushdb();
  await admin.quit();
  await pool.end();
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

async function customer(tier: 'free' | 'pro' | 'enterprise', limits: LimitOverrides = {}): Promise<string> {
  const store = accounts(pool);
  const { customer_id } = await store.createCustomer({ name: `${tier} ${uuidv7()}`, tier });
  await pool.query('UPDATE vlaapi.customers SET limits = $2 WHERE customer_id = $1', [customer_id, limits]);
  return (await store.createKey(customer_id, { name: 'k', scopes: ['stream', 'infer'] })).key;
}

const infer = (entry: Entry, key: string, body: object = inferenceRequest()): Promise<Response> =>
  fetch(`http://127.0.0.1:${entry.ready.port}/v1/inference`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${key}` },
    body: JSON.stringify(body),
  });

const nodeOf = async (response: Response): Promise<number> => {
  const body = (await response.json()) as { log_id: number };
  expect(response.status, JSON.stringify(body)).toBe(200);
  return logIdNode(body.log_id);
};

async function metric(entry: Entry, line: string): Promise<number | undefined> {
  const text = await (await fetch(`http://127.0.0.1:${entry.ready.port}/metrics`)).text();
  const found = text.split('\n').find((each) => each.startsWith(`${line} `));
  return found === undefined ? undefined : Number(found.slice(line.length + 1));
}

const until = async (entry: Entry, line: string, value: number): Promise<void> => {
  while ((await metric(entry, line)) !== value) await new Promise((resolve) => setTimeout(resolve, 50));
};

test('two gateways as they run in production: their own node numbers, one limit, one answer, and each alone without Redis', async () => {
  const [a, b] = [await start(), await start()];
  const plain = await customer('enterprise');
  expect([await nodeOf(await infer(a, plain)), await nodeOf(await infer(b, plain))]).toEqual([0, 1]);

  const limited = await customer('pro', { requests_per_minute: 4 });
  const request = { ...inferenceRequest(), request_id: uuidv7() };
  const first = await infer(a, limited, request);
  const again = await infer(b, limited, request);
  expect([first.status, again.status, again.headers.get('Idempotent-Replayed')]).toEqual([200, 200, 'true']);
  expect(await again.text()).toBe(await first.text());
  const rest = [await infer(a, limited, {}), await infer(b, limited, {}), await infer(a, limited, {})];
  expect(rest.map(({ status }) => status)).toEqual([422, 422, 429]);
  expect(await metric(a, 'vla_redis_operations_total{operation="limit"}')).toBeGreaterThan(0);

  await gate.shut();
  await until(a, 'vla_shared_state_fallback', 1);
  await until(b, 'vla_shared_state_fallback', 1);
  expect((await infer(a, limited)).status).toBe(200);
  const client = await StreamClient.connect(b.ready.port, plain);
  client.send(OPEN);
  await client.next('opened');
  await gate.open();
  await until(a, 'vla_shared_state_fallback', 0);
  expect((await infer(a, limited)).status).toBe(429);
  expect(a.log()).toContain('Redis is away');
  expect(a.log() + b.log()).not.toContain('vla_live_');
  client.terminate();
});

test('a killed gateway’s number rests, and its robot takes its place again elsewhere, where no other one may', async () => {
  const key = await customer('pro', { sessions: 1 });
  const [killed, other] = [await start(), await start()];
  const open = async (entry: Entry, robot_id: string): Promise<StreamClient> => {
    const client = await StreamClient.connect(entry.ready.port, key);
    client.send({ ...OPEN, robot_id });
    return client;
  };
  await (await open(killed, 'arm-1')).next('opened');
  const dead = await nodeOf(await infer(killed, key));
  await killed.stop('SIGKILL');
  expect((await (await open(other, 'arm-2')).next('error')).code).toBe('session_limit');
  await (await open(other, 'arm-1')).next('opened');
  const heir = await start();
  expect(await nodeOf(await infer(heir, key))).not.toBe(dead);
});

test('a gateway with a number of its own needs no lease', async () => {
  const entry = await startGatewayEntry(database.url, join(folder, uuidv7()), { SINEW_NODE: '42' });
  running.push(entry);
  expect(await nodeOf(await infer(entry, await customer('free')))).toBe(42);
  const { rows } = await pool.query('SELECT node FROM vlaapi.gateway_nodes WHERE node = 42');
  expect(rows).toEqual([]);
});
