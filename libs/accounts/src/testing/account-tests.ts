import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accounts, createPool, hashKey, migrate } from '@sinew/db';
import type { AccountEvent } from '@sinew/journal';
import type { Pool } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { AccountAdministration, AccountFault } from '../administration.js';
import { applyEvent } from '../apply-event.js';
import { commandRecord, type DurableRecord, GatewayRecord, NO_RECORD } from '../durable-record.js';
import { consentEvent, customerEvent, erasureEvent, feedbackEvent, keyEvent } from '../events.js';
import { restoreAccounts } from '../restore.js';

interface Target {
  readonly url: string;
  close(): Promise<void>;
}

/** What administration must do on every database that we run on. */
export function registerAccountTests(name: string, connect: () => Promise<Target>): void {
  describe(`accounts on ${name}`, () => {
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

    const start = new Date('2026-11-06T12:00:00.000Z');
    let now: Date;
    let dir: string;
    beforeEach(() => {
      now = start;
      dir = mkdtempSync(join(tmpdir(), 'sinew-accounts-'));
    });
    afterEach(() => rmSync(dir, { recursive: true }));
    const later = (ms: number) => new Date(start.getTime() + ms);
    const administration = (record: DurableRecord = NO_RECORD) => new AccountAdministration(pool, record, () => now);
    const identity = async (key: string) => accounts(pool).findKeyByHash(hashKey(key));

    describe('administration', () => {
      test('a customer has what was wished for, and keeps what a change does not name', async () => {
        const made = await administration().createCustomer({ name: 'Acme', tier: 'pro', limits: { sessions: 3 } });
        expect(await accounts(pool).findCustomer(made.customer_id)).toEqual(made);
        expect(made).toMatchObject({ tier: 'pro', is_operator: false, is_active: true, limits: { sessions: 3 } });
        const changed = await administration().updateCustomer(made.customer_id, { is_active: false, limits: null });
        expect(changed).toEqual({ ...made, is_active: false, limits: null });
        expect(await accounts(pool).findCustomer(made.customer_id)).toEqual(changed);
        expect(await administration().updateCustomer(uuidv7(), { name: 'x' })).toBeNull();
      });

      test('a made key works, and its customer’s end ends it', async () => {
        const customer = await administration().createCustomer({ name: 'Bolt', is_operator: true });
        const made = await administration().createKey(customer, { name: 'k', scopes: ['stream'], expires_at: null });
        expect(await identity(made.key)).toMatchObject({ key_id: made.key_id, is_operator: true, scopes: ['stream'] });
        await administration().updateCustomer(customer.customer_id, { is_active: false });
        expect(await identity(made.key)).toMatchObject({ customer_active: false });
      });

      test('a key is revoked once, and never by another customer', async () => {
        const [mine, theirs] = [await aCustomer(), await aCustomer()];
        const made = await administration().createKey(mine, { name: 'k', scopes: ['stream'], expires_at: null });
        expect(await administration().revokeKey({ ...made, customer_id: theirs.customer_id })).toBeNull();
        expect((await identity(made.key))?.revoked_at).toBeNull();
        now = later(1_000);
        expect(await administration().revokeKey(made)).toEqual({ revoked_at: later(1_000), now: true });
        now = later(2_000);
        expect(await administration().revokeKey(made)).toEqual({ revoked_at: later(1_000), now: false });
        expect((await identity(made.key))?.revoked_at).toEqual(later(1_000));
      });

      test('a rotated key works beside the new one until its grace ends', async () => {
        const customer = await aCustomer();
        const expires_at = later(86_400_000);
        const old = await administration().createKey(customer, {
          name: 'arm',
          scopes: ['stream', 'admin'],
          expires_at,
        });
        now = later(3_600_000);
        const rotated = await administration().rotateKey(old, { grace_ms: 60_000 });
        if (rotated.kind !== 'rotated') throw new Error(rotated.kind);
        expect(rotated.old_expires_at).toEqual(later(3_660_000));
        expect((await identity(old.key))?.expires_at).toEqual(later(3_660_000));
        expect(rotated.key).toMatchObject({ name: 'arm', scopes: ['stream', 'admin'], rotated_from: old.key_id });
        // As long a life as the old one was made to have.
        expect((await identity(rotated.key.key))?.expires_at).toEqual(later(3_600_000 + 86_400_000));
        expect(await accounts(pool).findKey(rotated.key.key_id, customer.customer_id)).toMatchObject({
          rotated_from: old.key_id,
        });
      });

      test('a rotation never lengthens the old key’s life, and gives the new one the life that was named', async () => {
        const customer = await aCustomer();
        const old = await administration().createKey(customer, {
          name: 'k',
          scopes: ['stream'],
          expires_at: later(1_000),
        });
        const rotated = await administration().rotateKey(old, { grace_ms: 60_000, expires_at: null });
        expect(rotated).toMatchObject({ old_expires_at: later(1_000), key: { expires_at: null } });
      });

      test('what has ended, or is another customer’s, is not rotated', async () => {
        const [mine, theirs] = [await aCustomer(), await aCustomer()];
        const wish = { name: 'k', scopes: ['stream'], expires_at: later(1_000) } as const;
        const made = await administration().createKey(mine, wish);
        const rotate = (key: { key_id: string; customer_id: string }) =>
          administration().rotateKey(key, { grace_ms: 60_000 });
        expect(await rotate({ ...made, customer_id: theirs.customer_id })).toEqual({ kind: 'missing' });
        now = later(1_000);
        expect(await rotate(made)).toEqual({ kind: 'ended' });
        const other = await administration().createKey(mine, { ...wish, expires_at: null });
        await administration().revokeKey(other);
        expect(await rotate(other)).toEqual({ kind: 'ended' });
        expect(await accounts(pool).listKeys(mine.customer_id)).toHaveLength(2);
      });

      test('nothing is changed where the record fails', async () => {
        const customer = await aCustomer();
        const made = await administration().createKey(customer, { name: 'k', scopes: ['stream'], expires_at: null });
        const failing = administration({ record: () => Promise.reject(new Error('the disk is full')) });
        const wish = { name: 'other', scopes: ['stream'], expires_at: null } as const;
        await expect(failing.createKey(customer, wish)).rejects.toThrow('full');
        await expect(failing.revokeKey(made)).rejects.toThrow('full');
        await expect(failing.rotateKey(made, { grace_ms: 0 })).rejects.toThrow('full');
        await expect(failing.updateCustomer(customer.customer_id, { name: 'x' })).rejects.toThrow('full');
        const keys = await accounts(pool).listKeys(customer.customer_id);
        expect(keys.map((key) => [key.name, key.revoked_at, key.expires_at])).toEqual([['k', null, null]]);
        expect((await accounts(pool).findCustomer(customer.customer_id))?.name).toBe(customer.name);
      });

      test('a name that no table takes, or that hides in a list, is refused before it is recorded', async () => {
        const recorded: unknown[] = [];
        const watched = administration({ record: async (events) => void recorded.push(events) });
        const customer = await aCustomer();
        const key = { scopes: ['stream'], expires_at: null } as const;
        for (const name of ['', '  ', 'x'.repeat(201), 'a\nb', '\u200b', '\u001b[31mred']) {
          await expect(watched.createCustomer({ name })).rejects.toThrow(AccountFault);
          await expect(watched.createKey(customer, { ...key, name })).rejects.toThrow(AccountFault);
          await expect(watched.updateCustomer(customer.customer_id, { name })).rejects.toThrow(AccountFault);
        }
        expect(recorded).toEqual([]);
      });

      test('changes at once are recorded in the order in which they are made', async () => {
        const customer = await aCustomer();
        const events: AccountEvent[] = [];
        const record: DurableRecord = {
          async record(more) {
            // Time for others to overtake, were the row not held.
            for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
            events.push(...more);
          },
        };
        const changes = Array.from({ length: 8 }, (_, i) =>
          administration(record).updateCustomer(
            customer.customer_id,
            i % 2 === 0 ? { name: `n${i}` } : { tier: 'pro' },
          ),
        );
        await Promise.all(changes);
        const stands = await accounts(pool).findCustomer(customer.customer_id);
        expect(events.at(-1)?.data.row).toEqual(JSON.parse(JSON.stringify(stands)));
      });

      const aCustomer = () => administration().createCustomer({ name: `customer ${uuidv7()}` });
    });

    describe('restoring', () => {
      const empty = async () => {
        // The account of consents is append-only, in tests as well.
        await pool.query('DELETE FROM vlaapi.customers');
        await pool.query('DELETE FROM vlaapi.erasures');
      };
      beforeEach(empty);

      const everything = async () => {
        const tables = ['customers', 'api_keys', 'customer_data_consent', 'feedback', 'erasures'];
        const found: Record<string, unknown> = {};
        for (const table of tables) {
          const without = table === 'customer_data_consent' ? "- 'consent_id'" : '';
          const { rows } = await pool.query(
            `SELECT to_jsonb(t) ${without} AS row FROM vlaapi.${table} t ORDER BY to_jsonb(t)::text`,
          );
          found[table] = rows;
        }
        return found;
      };

      test('brings back customers, keys, consents and feedback from both folders, twice as once', async () => {
        const commands = commandRecord(dir);
        const gateway = new GatewayRecord(dir, async () => false);
        const atDesk = administration(commands);
        const overRest = administration(gateway);
        const customer = await atDesk.createCustomer({ name: 'Acme', is_operator: true });
        const first = await atDesk.createKey(customer, { name: 'a', scopes: ['stream'], expires_at: null });
        const second = await overRest.createKey(customer, { name: 'b', scopes: ['admin'], expires_at: null });
        await overRest.rotateKey(second, { grace_ms: 60_000 });
        await overRest.revokeKey(first);
        await atDesk.updateCustomer(customer.customer_id, { tier: 'enterprise', limits: { sessions: 5 } });
        const about = { customer_id: customer.customer_id };
        const consent = { ...about, ...CONSENT, consent_version: 1 };
        const consented = consentEvent(consent, { ...about, consent_version: 1, action: 'grant', current: consent });
        await gateway.record([consented]);
        await applyEvent(pool, consented);
        const reports = Array.from({ length: 1_203 }, (_, i) => feedbackEvent(report(customer.customer_id, i + 1)));
        await gateway.record(reports);
        for (const event of reports.slice(0, 3)) await applyEvent(pool, event);
        await gateway.close();

        const before = await everything();
        await empty();
        const restored = await restoreAccounts(pool, dir);
        expect(restored).toEqual({
          customers: 1,
          keys: 3,
          consents: 1,
          feedback: 1_203,
          erasures: 0,
          refused: 0,
          faults: [],
        });
        const after = await everything();
        expect({ ...after, feedback: (after.feedback as unknown[]).length }).toEqual({ ...before, feedback: 1_203 });
        expect(after.feedback).toEqual(expect.arrayContaining(before.feedback as unknown[]));
        const { rows } = await pool.query(
          'SELECT count(*) AS n FROM vlaapi.customer_consent_audit WHERE customer_id = $1',
          [customer.customer_id],
        );
        expect(rows).toEqual([{ n: 1 }]);

        expect(await restoreAccounts(pool, dir)).toEqual(restored);
        expect(await everything()).toEqual(after);
        const { rows: next } = await pool.query("SELECT nextval('vlaapi.feedback_feedback_id_seq') AS id");
        expect(next[0].id).toBeGreaterThan(1_203);
      });

      test('takes what older versions recorded: rows without the columns that came later', async () => {
        const customer_id = uuidv7();
        const key_id = uuidv7();
        const created_at = start;
        const old = { customer_id, name: 'Old', tier: 'free', is_active: true, created_at };
        const key = { key_id, customer_id, key_hash: hashKey(key_id), key_prefix: 'vla_live_x', name: 'k' };
        const times = { created_at, expires_at: null, revoked_at: null, last_used_at: null };
        await commandRecord(dir).record([
          customerEvent('create', old),
          keyEvent('create', { ...key, scopes: ['stream'], ...times }),
        ]);
        expect(await restoreAccounts(pool, dir)).toMatchObject({ customers: 1, keys: 1 });
        expect(await accounts(pool).findCustomer(customer_id)).toEqual({
          ...old,
          is_operator: false,
          limits: null,
          record_sessions: false,
        });
      });

      test('leaves out what the tables refuse, says how much, and restores the rest', async () => {
        const customer_id = uuidv7();
        const good = { customer_id, name: 'Acme', tier: 'free', is_active: true, created_at: start };
        await commandRecord(dir).record([
          customerEvent('create', { ...good, customer_id: uuidv7(), name: '' }),
          customerEvent('create', good),
          feedbackEvent(report(customer_id, 1)),
          feedbackEvent({ ...report(customer_id, 2), rating: 9 }),
          feedbackEvent(report(customer_id, 3)),
        ]);
        expect(await restoreAccounts(pool, dir)).toMatchObject({ customers: 1, feedback: 2, refused: 2 });
      });

      test('leaves out what belongs to nobody, where damage took its customer', async () => {
        const customer_id = uuidv7();
        const key = { key_id: uuidv7(), customer_id, key_hash: hashKey('x'), key_prefix: 'vla_live_x', name: 'k' };
        await commandRecord(dir).record([
          keyEvent('create', { ...key, scopes: ['stream'], created_at: start }),
          feedbackEvent(report(customer_id, 1)),
        ]);
        expect(await restoreAccounts(pool, dir)).toMatchObject({ customers: 0, keys: 0, feedback: 0 });
      });

      test('does not bring back what was erased', async () => {
        const customer = await administration(commandRecord(dir)).createCustomer({ name: 'Acme' });
        const { customer_id } = customer;
        const erasure = { erasure_id: uuidv7(), customer_id, log_id: null, before: later(1_500), requested_at: start };
        await commandRecord(dir).record([
          feedbackEvent({ ...report(customer_id, 1), timestamp: later(1_000) }),
          erasureEvent(erasure),
          feedbackEvent({ ...report(customer_id, 2), timestamp: later(2_000) }),
        ]);
        expect(await restoreAccounts(pool, dir)).toMatchObject({ feedback: 1, erasures: 1 });
        const { rows } = await pool.query('SELECT feedback_id FROM vlaapi.feedback');
        expect(rows).toEqual([{ feedback_id: 2 }]);
      });

      test('answers nothing where nothing was recorded', async () => {
        expect(existsSync(join(dir, 'accounts'))).toBe(false);
        expect(await restoreAccounts(pool, dir)).toEqual({
          customers: 0,
          keys: 0,
          consents: 0,
          feedback: 0,
          erasures: 0,
          refused: 0,
          faults: [],
        });
      });

      const CONSENT = {
        consent_tier: 'analytics',
        consented_at: start,
        expires_at: null,
        can_store_images: false,
        can_store_embeddings: true,
        can_use_for_training: false,
        anonymization_level: 'full',
      };
      const report = (customer_id: string, feedback_id: number) => ({
        feedback_id,
        customer_id,
        log_id: 7,
        log_timestamp: start,
        feedback_type: 'success_rating',
        rating: 5,
        timestamp: start,
      });
    });
  });
}
