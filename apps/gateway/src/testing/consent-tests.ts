import { createHash } from 'node:crypto';
import { type DurableRecord, RecordFailed } from '@sinew/accounts';
import { ConsentBody, ConsentHistory, ErrorBody } from '@sinew/contracts';
import { createPool, migrate, repositories } from '@sinew/db';
import type { AccountEvent, JournalRecord } from '@sinew/journal';
import { ConsentCache, GRACE_MS, TIER_PERMISSIONS } from '@sinew/privacy';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { monotonicClock } from '../clock.js';
import { consentRoutes } from '../http/consent.js';
import type { StreamClient } from './stream-client.js';
import { ADMIN_KEY, KEY, OTHER_ADMIN_KEY, startTestGateway, type TestGateway } from './test-gateway.js';

const ADMIN_KEY_ID = '01900000-0000-7000-8000-0000000000a4';
const OPERATOR_KEY = 'vla_live_test-key-00000000000000000000000operator';
/** How long a change may take to be in force everywhere. */
const SOON = { timeout: 5_000, interval: 50 };

interface Target {
  readonly url: string;
  close(): Promise<void>;
}

/** Gateways with consent, on whatever database they share. */
export function registerConsentTests(name: string, start: () => Promise<Target>): void {
  describe(`consent on ${name}`, () => {
    let database: Target;
    let pool: ReturnType<typeof createPool>;
    beforeAll(async () => {
      database = await start();
      pool = createPool(database.url);
      await migrate(pool);
    });
    afterAll(async () => {
      await pool?.end();
      await database?.close();
    });
    /** New for every test: the account of a consent stays, as it must. */
    let customer: string;
    beforeEach(async () => {
      customer = (await repositories(pool).accounts.createCustomer({ name: 'consenting' })).customer_id;
    });

    const open: TestGateway[] = [];
    afterEach(async () => {
      await Promise.all(open.splice(0).map((gateway) => gateway.stop()));
    });

    interface World {
      readonly record?: DurableRecord;
      /** Added to what the consents know of time: how much has passed, what the calendar says. */
      readonly later?: { passedMs: number; wallMs: number };
      readonly away?: { yes: boolean };
    }

    /** A gateway on the database that all gateways here share. */
    async function gateway({ record, later, away }: World = {}): Promise<TestGateway> {
      const { consents: store } = repositories(pool);
      const consents = new ConsentCache(
        (ids) => (away?.yes ? Promise.reject(new Error('the database is away')) : store.findMany(ids)),
        { now: () => monotonicClock.now() + (later?.passedMs ?? 0), wall: () => Date.now() + (later?.wallMs ?? 0) },
      );
      const started = await startTestGateway({
        consents,
        routes: ({ log }) =>
          consentRoutes({
            consents: store,
            record: record ?? { record: async () => undefined },
            changed: (customerId, version) => consents.changed(customerId, version),
            wallNow: Date.now,
            log,
          }),
      });
      open.push(started);
      for (const key of [KEY, ADMIN_KEY]) {
        const row = started.keys.get(sha256(key));
        if (row === undefined) throw new Error('the test gateway has no such key');
        started.keys.set(sha256(key), { ...row, customer_id: customer });
        started.keys.set(sha256(OPERATOR_KEY), { ...row, is_operator: true });
      }
      return started;
    }

    const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

    async function ask(
      server: TestGateway,
      method: 'GET' | 'POST' | 'DELETE',
      path = '',
      { body, of = customer, key = ADMIN_KEY }: { body?: unknown; of?: string; key?: string } = {},
    ): Promise<{ status: number; body: Record<string, unknown> }> {
      const response = await fetch(`${server.http}/admin/customers/${of}/consent${path}`, {
        method,
        headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    }

    describe('the endpoints of consent', () => {
      test('a customer that never consented has the tier none at version 0', async () => {
        const server = await gateway();
        const { status, body } = await ask(server, 'GET');
        expect(status).toBe(200);
        expect(ConsentBody.parse(body)).toEqual({
          customer_id: customer,
          tier: 'none',
          version: 0,
          consented_at: null,
          expires_at: null,
          ...TIER_PERMISSIONS.none,
          expired: false,
        });
        expect((await ask(server, 'GET', '/audit')).body).toMatchObject({
          changes: [],
          total_count: 0,
          has_next: false,
        });
      });

      test('consent is given, narrowed and taken back, and every step is on record', async () => {
        const server = await gateway();
        const expires_at = '2099-01-01T00:00:00.000Z';
        const given = await ask(server, 'POST', '', { body: { tier: 'research', expires_at, reason: 'signed' } });
        expect(given.status).toBe(200);
        expect(ConsentBody.parse(given.body)).toMatchObject({
          tier: 'research',
          version: 1,
          expires_at,
          ...TIER_PERMISSIONS.research,
          expired: false,
        });
        const narrower = { tier: 'research', can_use_for_training: false, anonymization_level: 'full', version: 1 };
        expect((await ask(server, 'POST', '', { body: narrower })).body).toMatchObject({
          version: 2,
          can_store_images: true,
          can_use_for_training: false,
          anonymization_level: 'full',
          expires_at: null,
        });
        const why = `?reason=${encodeURIComponent('asked by mail from ana@b.example')}`;
        expect((await ask(server, 'DELETE', why)).body).toMatchObject({
          tier: 'none',
          version: 3,
          ...TIER_PERMISSIONS.none,
        });
        expect((await ask(server, 'GET')).body).toMatchObject({ tier: 'none', version: 3 });
        const first = ConsentHistory.parse((await ask(server, 'GET', '/audit?per_page=2')).body);
        expect(first).toMatchObject({ total_count: 3, page: 1, per_page: 2, has_next: true });
        expect(first.changes).toMatchObject([
          {
            version: 3,
            action: 'revoke',
            changed_by: ADMIN_KEY_ID,
            // What can never be deleted names nobody.
            reason: 'asked by mail from [email]',
            from: { tier: 'research', version: 2, can_use_for_training: false },
            to: { tier: 'none', version: 3 },
          },
          { version: 2, action: 'update', reason: null, from: { version: 1, expires_at }, to: { expires_at: null } },
        ]);
        const rest = ConsentHistory.parse((await ask(server, 'GET', '/audit?per_page=2&page=2')).body);
        expect(rest.has_next).toBe(false);
        expect(rest.changes).toMatchObject([{ version: 1, action: 'grant', reason: 'signed', from: null }]);
        expect(rest.changes[0]?.request_id).toMatch(/^[0-9a-f-]{36}$/);
      });

      test.each([
        [{ tier: 'analytics', can_store_images: true }, 'can_store_images'],
        [{ tier: 'none', can_store_embeddings: true }, 'can_store_embeddings'],
        [{ tier: 'basic', can_use_for_training: true }, 'can_use_for_training'],
        [{ tier: 'analytics', anonymization_level: 'partial' }, 'anonymization_level'],
        [{ tier: 'research', expires_at: '2020-01-01T00:00:00Z' }, 'expires_at'],
        [{ tier: 'research', expires_at: 'soon' }, 'expires_at'],
        [{ tier: 'research', expires_at: '9999-12-31T23:59:59-10:00' }, 'expires_at'],
        [{ tier: 'premium' }, 'tier'],
        [{ can_store_images: true }, 'tier'],
        [{ tier: 'none', can_do_anything: true }, 'can_do_anything'],
        [{ tier: 'none', reason: ' ' }, 'reason'],
      ])('%j is refused by its field', async (body, field) => {
        const server = await gateway();
        const refused = await ask(server, 'POST', '', { body });
        expect(refused.status).toBe(422);
        expect(ErrorBody.parse(refused.body)).toMatchObject({ error: 'validation_failed', field });
        expect(refused.body.validation_errors).toMatchObject([{ loc: ['body', field] }]);
        expect((await ask(server, 'GET')).body).toMatchObject({ version: 0 });
      });

      test('a change on an older version is refused and changes nothing', async () => {
        const server = await gateway();
        expect((await ask(server, 'POST', '', { body: { tier: 'analytics', version: 0 } })).status).toBe(200);
        const late = await ask(server, 'POST', '', { body: { tier: 'research', version: 0 } });
        expect(late.status).toBe(409);
        expect(ErrorBody.parse(late.body)).toMatchObject({ error: 'duplicate', field: 'version' });
        expect((await ask(server, 'GET')).body).toMatchObject({ tier: 'analytics', version: 1 });
      });

      test('only an administrator of the customer reaches it; to others it is not there', async () => {
        const server = await gateway();
        const before = (await ask(server, 'GET')).body.version;
        for (const [method, path, body] of [
          ['GET', '', undefined],
          ['POST', '', { tier: 'research' }],
          ['DELETE', '', undefined],
          ['GET', '/audit', undefined],
        ] as const) {
          const foreign = await ask(server, method, path, { body, key: OTHER_ADMIN_KEY });
          expect(foreign.status).toBe(404);
          const nobody = await ask(server, method, path, { body, of: uuidv7(), key: OPERATOR_KEY });
          expect(nobody.status).toBe(404);
          expect({ ...foreign.body, request_id: '' }).toEqual({ ...nobody.body, request_id: '' });
          expect((await ask(server, method, path, { body, key: KEY })).status).toBe(403);
          expect((await ask(server, method, path, { body, of: '7' })).status).toBe(422);
        }
        expect((await ask(server, 'GET')).body.version).toBe(before);
        expect((await ask(server, 'GET', '', { of: customer, key: OPERATOR_KEY })).status).toBe(200);
      });

      test('a change is recorded before it is made; one that cannot be recorded is not made', async () => {
        const recorded: AccountEvent[] = [];
        let full = false;
        const record: DurableRecord = {
          record: async (events) => {
            if (full) throw new RecordFailed('the disk is full');
            recorded.push(...events);
          },
        };
        const server = await gateway({ record });
        await ask(server, 'POST', '', { body: { tier: 'analytics' } });
        expect(recorded).toMatchObject([
          {
            event: 'consent',
            customer_id: customer,
            data: { row: { consent_tier: 'analytics', consent_version: 1 }, audit: { action: 'grant' } },
          },
        ]);
        full = true;
        expect((await ask(server, 'DELETE')).status).toBe(503);
        expect((await ask(server, 'GET')).body).toMatchObject({ tier: 'analytics', version: 1 });
      });
    });

    const told = (records: readonly JournalRecord[]): unknown[] =>
      records.flatMap((record) =>
        record.kind === 'event' && record.event === 'consent' ? [(record.data.row as { tier: unknown }).tier] : [],
      );
    const lastInstruction = (records: readonly JournalRecord[]): string | undefined =>
      records
        .flatMap((record) =>
          record.kind === 'event' && record.event === 'instruction' ? [record.data.instruction] : [],
        )
        .at(-1);

    /** Tells the robot something new with an address in it, and reads what the journal kept of it. */
    async function kept(server: TestGateway, robot: StreamClient, n: number): Promise<string | undefined> {
      const before = lastInstruction(await server.journaled());
      robot.send({ type: 'instruction', instruction: `hand cube ${n} to ana@b.example` });
      return vi.waitFor(async () => {
        const last = lastInstruction(await server.journaled());
        if (last === before) throw new Error('not journaled yet');
        return last;
      }, SOON);
    }

    describe('consent where text is kept', () => {
      test('a change made on one gateway is in force on the other within 5 s, both ways', async () => {
        const [a, b] = [await gateway(), await gateway()];
        const robotA = await a.robot();
        const robotB = await b.robot();
        expect(await kept(a, robotA, 1)).toBe('hand cube 1 to [email]');
        expect(await kept(b, robotB, 2)).toBe('hand cube 2 to [email]');

        expect((await ask(a, 'POST', '', { body: { tier: 'research' } })).status).toBe(200);
        // On the gateway that answered it counts already.
        expect(await kept(a, robotA, 3)).toBe('hand cube 3 to ana@b.example');
        await vi.waitFor(async () => expect(told(await b.journaled())).toEqual(['research']), SOON);
        expect(await kept(b, robotB, 4)).toBe('hand cube 4 to ana@b.example');

        expect((await ask(b, 'DELETE')).status).toBe(200);
        expect(await kept(b, robotB, 5)).toBe('hand cube 5 to [email]');
        await vi.waitFor(async () => expect(told(await a.journaled())).toEqual(['research', 'none']), SOON);
        expect(await kept(a, robotA, 6)).toBe('hand cube 6 to [email]');
        const records = await b.journaled();
        expect(records.find((record) => record.kind === 'session')).toMatchObject({
          consent: { tier: 'none', version: 0 },
        });
      });

      test('what a session begins with is known from its first record on', async () => {
        const first = await gateway();
        await ask(first, 'POST', '', { body: { tier: 'research' } });
        const second = await gateway();
        await second.robot({ instruction: 'hand the cube to ana@b.example' });
        const opened = (await second.journaled()).find((record) => record.kind === 'session');
        expect(opened).toMatchObject({
          instruction: 'hand the cube to ana@b.example',
          consent: { tier: 'research', version: 1 },
        });
      });

      test('it ends while a session runs, at its time', async () => {
        const later = { passedMs: 0, wallMs: 0 };
        const server = await gateway({ later });
        const expires_at = new Date(Date.now() + 3_600_000).toISOString();
        await ask(server, 'POST', '', { body: { tier: 'research', expires_at } });
        const robot = await server.robot();
        expect(await kept(server, robot, 1)).toBe('hand cube 1 to ana@b.example');
        later.wallMs = 3_600_000;
        expect(await kept(server, robot, 2)).toBe('hand cube 2 to [email]');
        await vi.waitFor(async () => expect(told(await server.journaled())).toEqual(['none']), SOON);
      });

      test('with the database away nothing more is kept after a few seconds, and the robot runs on', async () => {
        const later = { passedMs: 0, wallMs: 0 };
        const away = { yes: false };
        const server = await gateway({ later, away });
        await ask(server, 'POST', '', { body: { tier: 'research' } });
        const robot = await server.robot();
        away.yes = true;
        later.passedMs = GRACE_MS - 2_000;
        expect(await kept(server, robot, 1)).toBe('hand cube 1 to ana@b.example');
        later.passedMs = GRACE_MS + 2_000;
        expect(await kept(server, robot, 2)).toBe('hand cube 2 to [email]');
        await vi.waitFor(async () => expect(told(await server.journaled())).toEqual(['unknown']), SOON);
        // Who connects now is let in all the same.
        await server.robot({ robot_id: 'late' });
        away.yes = false;
        await vi.waitFor(
          async () => expect(told(await server.journaled()).slice(0, 2)).toEqual(['unknown', 'research']),
          SOON,
        );
        expect(await kept(server, robot, 3)).toBe('hand cube 3 to ana@b.example');
      });

      test('nothing on the wire tells of it', async () => {
        const server = await gateway();
        await ask(server, 'POST', '', { body: { tier: 'research' } });
        const robot = await server.robot();
        await ask(server, 'DELETE');
        await vi.waitFor(async () => expect(told(await server.journaled())).toEqual(['none']), SOON);
        expect(JSON.stringify(robot.received)).not.toMatch(/consent|research/);
        expect(robot.received.map(({ type }) => type)).toEqual(['opened']);
      });
    });
  });
}
