import { AccountAdministration, type DurableRecord, NO_RECORD, RecordFailed } from '@sinew/accounts';
import { createMemoryState, type SharedState } from '@sinew/cache';
import {
  type AnyRoute,
  createCustomerRoute,
  createKeyRoute,
  ErrorBody,
  type KeyScope,
  listCustomersRoute,
  listKeysRoute,
  revokeKeyRoute,
  rotateKeyRoute,
  updateCustomerRoute,
} from '@sinew/contracts';
import { accounts, createPool, hashKey, migrate } from '@sinew/db';
import type { Logger } from '@sinew/telemetry';
import type { Pool } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { accountRoutes } from '../http/accounts.js';
import type { StreamClient } from './stream-client.js';
import { startTestGateway, type TestGateway } from './test-gateway.js';

/** How long a key may work anywhere after it has ended. */
const IN_FORCE_MS = 5_000;
const HOUR_S = 3_600;

interface Target {
  readonly url: string;
  close(): Promise<void>;
}

interface Owner {
  readonly customer_id: string;
  readonly key_id: string;
  readonly key: string;
}

/** The endpoints of accounts, and how soon an ended key is refused, on every database that we run on. */
export function registerAccountRestTests(name: string, connect: () => Promise<Target>): void {
  describe(`accounts over REST on ${name}`, () => {
    let target: Target;
    let pool: Pool;
    beforeAll(async () => {
      target = await connect();
      pool = createPool(target.url);
      await migrate(pool);
    });
    afterAll(async () => {
      await pool?.end();
      await target?.close();
    });

    const direct = () => new AccountAdministration(pool, NO_RECORD);
    async function owner(scopes: readonly KeyScope[], more: { is_operator?: boolean } = {}): Promise<Owner> {
      const customer = await direct().createCustomer({ name: `customer ${uuidv7()}`, tier: 'enterprise', ...more });
      return direct().createKey(customer, { name: 'first', scopes, expires_at: null });
    }

    const started: TestGateway[] = [];
    afterEach(async () => {
      await Promise.all(started.splice(0).map((gateway) => gateway.stop()));
    });
    const logged: unknown[] = [];
    const log = { info: (line: unknown) => logged.push(line), warn: (line: unknown) => logged.push(line) };

    async function gateway(shared: SharedState, record: DurableRecord = NO_RECORD): Promise<TestGateway> {
      const store = accounts(pool);
      const made = await startTestGateway({
        shared,
        findKey: (hash) => store.findKeyByHash(hash),
        routes: () =>
          accountRoutes({
            store,
            administration: new AccountAdministration(pool, record),
            changed: (id) => shared.bus.publish('keys', id),
            log: log as unknown as Logger,
          }),
      });
      started.push(made);
      return made;
    }
    const state = () => createMemoryState(() => performance.now());

    interface Asked {
      readonly body?: unknown;
      readonly at?: string;
      readonly query?: string;
    }

    /** What the tests read of the answers; which of it an answer has, its schema says. */
    interface Answered {
      readonly customer_id: string;
      readonly customers: readonly { readonly customer_id: string }[];
      readonly has_next: boolean;
      readonly key: string;
      readonly key_id: string;
      readonly keys: readonly { readonly customer_id: string; readonly key_id: string }[];
      readonly scopes: readonly string[];
      readonly [field: string]: unknown;
    }

    /** One request; an answer that its contract does not describe fails the test. */
    async function ask(
      server: TestGateway,
      key: string | null,
      { method, path, answers }: AnyRoute,
      asked: Asked = {},
    ) {
      const response = await fetch(`${server.http}${path.replace(/\{\w+\}/, asked.at ?? '-')}${asked.query ?? ''}`, {
        method: method.toUpperCase(),
        headers: {
          'Content-Type': 'application/json',
          ...(key === null ? {} : { Authorization: `Bearer ${key}` }),
        },
        ...(asked.body === undefined ? {} : { body: JSON.stringify(asked.body) }),
      });
      const { status } = response;
      const body = (await response.json()) as Answered;
      const schema = status < 400 ? answers[status]?.schema : ErrorBody;
      if (schema === undefined || schema === null) throw new Error(`${method} ${path} answered ${status}`);
      expect(schema.parse(body)).toEqual(body);
      return { status, body };
    }

    const works = async (server: TestGateway, key: string): Promise<boolean> =>
      (await ask(server, key, listCustomersRoute)).status === 200;

    describe('keys and customers', () => {
      let server: TestGateway;
      let operator: Owner;
      let mine: Owner;
      let theirs: Owner;
      beforeEach(async () => {
        server = await gateway(state());
        operator = await owner(['admin'], { is_operator: true });
        mine = await owner(['admin', 'stream']);
        theirs = await owner(['admin', 'stream', 'infer']);
      });

      test('an operator makes a customer and its key, which is shown once and works', async () => {
        const made = await ask(server, operator.key, createCustomerRoute, {
          body: { name: 'Acme', tier: 'pro', limits: { sessions: 3 } },
        });
        expect(made).toMatchObject({ status: 201, body: { name: 'Acme', tier: 'pro', limits: { sessions: 3 } } });
        const { customer_id } = made.body;
        const expires_at = '2099-01-01T00:00:00.000Z';
        const key = await ask(server, operator.key, createKeyRoute, {
          body: { customer_id, name: 'line 1', scopes: ['admin', 'admin', 'full_speed'], expires_at },
        });
        expect(key).toMatchObject({ status: 201, body: { customer_id, scopes: ['admin', 'full_speed'], expires_at } });
        expect(await works(server, key.body.key)).toBe(true);
        const listed = await ask(server, operator.key, listKeysRoute, { query: `?customer_id=${customer_id}` });
        expect(listed.body).toMatchObject({ total_count: 1, keys: [{ key_id: key.body.key_id, name: 'line 1' }] });
        expect(JSON.stringify([listed, logged])).not.toContain(key.body.key);
        expect(JSON.stringify([listed, logged])).not.toContain(hashKey(key.body.key));
      });

      test('without wishes a key is the asker’s customer’s, with what robots need as far as the asker has it', async () => {
        const made = await ask(server, mine.key, createKeyRoute, { body: { name: 'arm' } });
        expect(made).toMatchObject({ status: 201, body: { customer_id: mine.customer_id, scopes: ['stream'] } });
        const full = await ask(server, operator.key, createKeyRoute, { body: { name: 'arm' } });
        expect(full.body.scopes).toEqual(['stream', 'infer', 'feedback']);
      });

      test('a key grants no scope that it lacks, neither in a new key nor by rotating one', async () => {
        const beyond = await ask(server, mine.key, createKeyRoute, { body: { name: 'x', scopes: ['infer'] } });
        expect(beyond).toMatchObject({ status: 403, body: { error: 'forbidden', field: 'scopes' } });
        const customer = await accounts(pool).findCustomer(mine.customer_id);
        if (customer === null) throw new Error('no customer');
        const fast = await direct().createKey(customer, { name: 'fast', scopes: ['full_speed'], expires_at: null });
        const rotated = { at: fast.key_id, body: { grace_seconds: 0 } };
        expect((await ask(server, mine.key, rotateKeyRoute, rotated)).status).toBe(403);
        expect((await ask(server, operator.key, rotateKeyRoute, rotated)).status).toBe(201);
      });

      test('what is another customer’s answers as what is not there at all', async () => {
        const attempts: [AnyRoute, Asked, Asked][] = [
          [revokeKeyRoute, { at: theirs.key_id }, { at: uuidv7() }],
          [
            rotateKeyRoute,
            { at: theirs.key_id, body: { grace_seconds: 0 } },
            { at: uuidv7(), body: { grace_seconds: 0 } },
          ],
          [updateCustomerRoute, { at: theirs.customer_id, body: { name: 'x' } }, { at: uuidv7(), body: { name: 'x' } }],
          [listKeysRoute, { query: `?customer_id=${theirs.customer_id}` }, { query: `?customer_id=${uuidv7()}` }],
          [
            createKeyRoute,
            { body: { name: 'x', scopes: ['stream'], customer_id: theirs.customer_id } },
            { body: { name: 'x', scopes: ['stream'], customer_id: uuidv7() } },
          ],
        ];
        for (const [route, foreign, nobody] of attempts) {
          const [one, other] = [
            await ask(server, mine.key, route, foreign),
            await ask(server, mine.key, route, nobody),
          ];
          expect(one.status, route.operation).toBe(404);
          expect({ ...one.body, request_id: '' }).toEqual({ ...other.body, request_id: '' });
        }
        expect(await works(server, theirs.key)).toBe(true);
        expect(await accounts(pool).listKeys(theirs.customer_id)).toHaveLength(1);
        const own = await ask(server, mine.key, listKeysRoute);
        expect(own.body.keys.map((key) => key.customer_id)).toEqual([mine.customer_id]);
        const seen = await ask(server, mine.key, listCustomersRoute);
        expect(seen.body).toMatchObject({ total_count: 1, customers: [{ customer_id: mine.customer_id }] });
      });

      test('an operator sees everybody, in pages that together hold each once', async () => {
        const ids: string[] = [];
        for (let page = 1; ; page++) {
          const { body } = await ask(server, operator.key, listCustomersRoute, { query: `?page=${page}&per_page=2` });
          ids.push(...body.customers.map((customer) => customer.customer_id));
          expect(body).toMatchObject({ page, per_page: 2 });
          if (!body.has_next) break;
        }
        expect(new Set(ids).size).toBe(ids.length);
        expect(ids).toEqual(expect.arrayContaining([operator, mine, theirs].map(({ customer_id }) => customer_id)));
        const { body: keys } = await ask(server, operator.key, listKeysRoute, { query: '?per_page=200' });
        expect(keys.keys.map((key) => key.key_id)).toContain(theirs.key_id);
      });

      test('everybody changes the own name, and nobody else’s rank or the own', async () => {
        const change = (key: string, at: string, body: object) => ask(server, key, updateCustomerRoute, { at, body });
        expect(await change(mine.key, mine.customer_id, { name: 'Renamed' })).toMatchObject({
          status: 200,
          body: { name: 'Renamed', tier: 'enterprise' },
        });
        for (const body of [{ tier: 'pro' }, { is_operator: true }, { limits: null }, { name: 'x', is_active: true }]) {
          expect((await change(mine.key, mine.customer_id, body)).status).toBe(403);
        }
        expect((await ask(server, mine.key, createCustomerRoute, { body: { name: 'x' } })).status).toBe(403);
        expect(await accounts(pool).findCustomer(mine.customer_id)).toMatchObject({
          name: 'Renamed',
          is_operator: false,
        });
        // Recording costs the operators' disk; an end of it anybody may ask for.
        expect((await change(mine.key, mine.customer_id, { record_sessions: true })).status).toBe(403);
        expect(await change(operator.key, mine.customer_id, { record_sessions: true })).toMatchObject({
          body: { record_sessions: true },
        });
        expect(await change(mine.key, mine.customer_id, { record_sessions: false })).toMatchObject({
          body: { record_sessions: false },
        });
        expect(await change(operator.key, mine.customer_id, { tier: 'free', limits: { sessions: 1 } })).toMatchObject({
          status: 200,
          body: { name: 'Renamed', tier: 'free', limits: { sessions: 1 } },
        });
      });

      test('an operator does not lock itself out', async () => {
        for (const body of [{ is_active: false }, { is_operator: false }]) {
          const refused = await ask(server, operator.key, updateCustomerRoute, { at: operator.customer_id, body });
          expect(refused).toMatchObject({ status: 422, body: { field: Object.keys(body)[0] } });
        }
        expect(await works(server, operator.key)).toBe(true);
      });

      test.each([
        ['a scope that is none', { name: 'x', scopes: ['root'] }, 'scopes.0'],
        ['no scopes', { name: 'x', scopes: [] }, 'scopes'],
        ['an end in the past', { name: 'x', expires_at: '2020-01-01T00:00:00Z' }, 'expires_at'],
        ['an end in the year 10000', { name: 'x', expires_at: '9999-12-31T23:59:59-23:59' }, 'expires_at'],
        ['an end that is no time', { name: 'x', expires_at: 'tomorrow' }, 'expires_at'],
        ['a name of spaces', { name: '  ' }, 'name'],
        ['a name that the database cannot hold', { name: 'a\0b' }, 'name'],
        ['a customer that is no id', { name: 'x', customer_id: '1' }, 'customer_id'],
        ['a field that is unknown', { name: 'x', scope: 'admin' }, 'scope'],
      ])('a key with %s is refused, naming the field', async (_what, body, field) => {
        expect(await ask(server, operator.key, createKeyRoute, { body })).toMatchObject({
          status: 422,
          body: { error: 'validation_failed', field },
        });
      });

      test('a rotated key works beside the old one, until the grace ends', async () => {
        const rotate = (at: string, grace_seconds: number) =>
          ask(server, mine.key, rotateKeyRoute, { at, body: { grace_seconds } });
        const rotated = await rotate(mine.key_id, HOUR_S);
        expect(rotated).toMatchObject({
          status: 201,
          body: { rotated_from: mine.key_id, scopes: ['admin', 'stream'] },
        });
        expect(await works(server, rotated.body.key)).toBe(true);
        expect(await works(server, mine.key)).toBe(true);
        expect(await rotate(mine.key_id, 0)).toMatchObject({ status: 201 });
        expect((await ask(server, mine.key, listKeysRoute)).body).toMatchObject({ error: 'key_revoked' });
        const again = await ask(server, rotated.body.key, rotateKeyRoute, {
          at: mine.key_id,
          body: { grace_seconds: 0 },
        });
        expect(again).toMatchObject({ status: 422, body: { field: 'key_id' } });
      });

      test('a key is revoked once, and is refused from then on', async () => {
        const revoke = (key: string) => ask(server, key, revokeKeyRoute, { at: theirs.key_id });
        expect(await revoke(operator.key)).toMatchObject({ status: 200, body: { revoked: true } });
        expect(await revoke(operator.key)).toMatchObject({ status: 200, body: { revoked: false } });
        expect(await revoke(theirs.key)).toMatchObject({ status: 401, body: { error: 'key_revoked' } });
      });

      test('a key of this machine is no substitute for one with the scope', async () => {
        const robot = await owner(['stream', 'infer', 'feedback', 'full_speed']);
        expect((await ask(server, null, listKeysRoute)).status).toBe(401);
        for (const route of [listKeysRoute, listCustomersRoute]) {
          expect((await ask(server, robot.key, route)).status).toBe(403);
        }
      });

      test('what cannot be recorded is not done, and said so', async () => {
        const failing = await gateway(state(), {
          record: () => Promise.reject(new RecordFailed('the disk is full')),
        });
        const refused = await ask(failing, mine.key, createKeyRoute, { body: { name: 'x' } });
        expect(refused).toMatchObject({ status: 503, body: { error: 'unavailable' } });
        expect((await ask(failing, mine.key, revokeKeyRoute, { at: mine.key_id })).status).toBe(503);
        expect(await accounts(pool).listKeys(mine.customer_id)).toMatchObject([{ revoked_at: null }]);
      });
    });

    describe('two gateways', () => {
      /** Until the robot is told and its socket is closed. */
      async function ended(robot: StreamClient): Promise<{ code: number; error: string; atMs: number }> {
        const { code: error } = await robot.next('error', (message) => message.fatal);
        const { code } = await robot.closed();
        return { code, error, atMs: performance.now() };
      }

      async function refusedBy(server: TestGateway, key: string): Promise<number> {
        while (await works(server, key)) await new Promise((resolve) => setTimeout(resolve, 50));
        return performance.now();
      }

      const ends: [string, (victim: Owner) => Promise<unknown>][] = [
        ['revoked at the command line', (victim) => direct().revokeKey(victim)],
        [
          'whose customer is deactivated',
          ({ customer_id }) => direct().updateCustomer(customer_id, { is_active: false }),
        ],
        ['rotated without a grace period', (victim) => direct().rotateKey(victim, { grace_ms: 0 })],
        ['that expires', (victim) => direct().rotateKey(victim, { grace_ms: 300 })],
      ];
      test.each(ends)('a key %s is refused, and its sessions end, on both within 5 s', async (_how, end) => {
        // Each with a state of its own: nobody tells them.
        const both = await Promise.all([gateway(state()), gateway(state())]);
        const victim = await owner(['stream', 'admin']);
        const other = await owner(['stream', 'admin']);
        const robots = await Promise.all(both.map((server) => server.robot({}, victim.key)));
        const spared = await Promise.all(both.map((server) => server.robot({}, other.key)));
        const endings = robots.map(ended);
        const refusals = both.map((server) => refusedBy(server, victim.key));
        await end(victim);
        const from = performance.now();
        for (const { code, error, atMs } of await Promise.all(endings)) {
          expect([code, error]).toEqual([4401, 'key_revoked']);
          expect(atMs - from).toBeLessThan(IN_FORCE_MS);
        }
        for (const atMs of await Promise.all(refusals)) expect(atMs - from).toBeLessThan(IN_FORCE_MS);
        expect(both.map((server) => server.gateway.sessions.size)).toEqual([1, 1]);
        for (const robot of spared) robot.socket.close();
      });

      test('news of a revocation over REST reaches the other gateway before it would look by itself', async () => {
        const shared = state();
        const [here, there] = await Promise.all([gateway(shared), gateway(shared)]);
        const victim = await owner(['stream', 'admin']);
        const robot = await there.robot({}, victim.key);
        const ending = ended(robot);
        expect((await ask(here, victim.key, revokeKeyRoute, { at: victim.key_id })).status).toBe(200);
        // Known on both until now, and fresh: without news it would still be let in.
        expect(await works(there, victim.key)).toBe(false);
        expect(await works(here, victim.key)).toBe(false);
        expect(await ending).toMatchObject({ code: 4401, error: 'key_revoked' });
      });
    });
  });
}
