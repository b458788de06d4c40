import { v7 as uuidv7 } from 'uuid';
import { describe, expect, test } from 'vitest';
import { hashKey, KEY_PREFIX } from '../../accounts.js';
import { EMPTY_BATCH } from '../../shipping-rows.js';
import { inferenceRow, sessionRow } from '../rows.js';
import type { TestedDatabase } from './tested-database.js';

export function registerAccountTests(db: TestedDatabase): void {
  describe('accounts', () => {
    test('a key is shown once, kept as its SHA-256 only and found by it', async () => {
      const customer = await db.repo.accounts.createCustomer({ name: 'Acme', tier: 'pro' });
      const made = await db.repo.accounts.createKey(customer.customer_id, {
        name: 'line 1',
        scopes: ['stream', 'admin'],
      });
      expect(made.key).toMatch(/^vla_live_[A-Za-z0-9_-]{32,}$/);
      const { rows } = await db.pool.query('SELECT to_jsonb(k)::text AS all FROM vlaapi.api_keys k WHERE key_id = $1', [
        made.key_id,
      ]);
      expect(rows[0].all).not.toContain(made.key);
      expect(rows[0].all).toContain(hashKey(made.key));
      expect(await db.repo.accounts.findKeyByHash(hashKey(made.key))).toEqual({
        key_id: made.key_id,
        customer_id: customer.customer_id,
        tier: 'pro',
        scopes: ['stream', 'admin'],
        expires_at: null,
        revoked_at: null,
        customer_active: true,
        limits: null,
        is_operator: false,
        record_sessions: false,
      });
      expect(await db.repo.accounts.findKeyByHash(hashKey(`${KEY_PREFIX}unknown`))).toBeNull();
    });

    test('a revoked key is found with its time, and is revoked once', async () => {
      const customer = await db.repo.accounts.createCustomer({ name: 'Bolt' });
      const made = await db.repo.accounts.createKey(customer.customer_id, { name: 'k' });
      expect(await db.repo.accounts.revokeKey(made.key_id)).toBe(true);
      expect(await db.repo.accounts.revokeKey(made.key_id)).toBe(false);
      expect(await db.repo.accounts.revokeKey(uuidv7())).toBe(false);
      expect((await db.repo.accounts.findKeyByHash(hashKey(made.key)))?.revoked_at).toBeInstanceOf(Date);
    });

    test('keys are listed by customer, with their first characters', async () => {
      const customer = await db.repo.accounts.createCustomer({ name: 'Crane' });
      const expires_at = new Date('2030-01-01T00:00:00Z');
      const first = await db.repo.accounts.createKey(customer.customer_id, { name: 'first', expires_at });
      await db.repo.accounts.createKey(customer.customer_id, { name: 'second' });
      const listed = await db.repo.accounts.listKeys(customer.customer_id);
      expect(listed.map((key) => [key.name, key.customer_name, key.scopes, key.last_used_at])).toEqual([
        ['first', 'Crane', ['stream', 'infer', 'feedback'], null],
        ['second', 'Crane', ['stream', 'infer', 'feedback'], null],
      ]);
      expect(listed[0]?.expires_at).toEqual(expires_at);
      expect(first.key.startsWith(listed[0]?.key_prefix ?? '-')).toBe(true);
      expect((await db.repo.accounts.listKeys()).length).toBeGreaterThanOrEqual(2);
    });

    test('a key’s last use follows what is shipped, to the minute, and never goes back', async () => {
      const { customer_id } = await db.repo.accounts.createCustomer({ name: 'Echo' });
      const { key_id } = await db.repo.accounts.createKey(customer_id, { name: 'k' });
      const lastUse = async () => (await db.repo.accounts.listKeys(customer_id))[0]?.last_used_at?.toISOString();
      const inferred = (...timestamps: string[]) =>
        db.repo.shipping.store({
          ...EMPTY_BATCH,
          inferences: timestamps.map((timestamp) => inferenceRow({ key_id, timestamp })),
        });
      const session = sessionRow({ key_id, opened_at: '2026-11-06T10:00:00.000Z' });
      await db.repo.shipping.store({ ...EMPTY_BATCH, sessions: [session] });
      expect(await lastUse()).toBe('2026-11-06T10:00:00.000Z');
      await inferred('2026-11-06T10:20:00.000Z', '2026-11-06T10:10:00.000Z');
      expect(await lastUse()).toBe('2026-11-06T10:20:00.000Z');
      await inferred('2026-11-06T10:20:59.000Z');
      await inferred('2026-11-06T10:05:00.000Z');
      expect(await lastUse()).toBe('2026-11-06T10:20:00.000Z');
    });

    test('a customer is found by name, and a key needs a customer', async () => {
      const customer = await db.repo.accounts.createCustomer({ name: 'Delta' });
      expect(await db.repo.accounts.findCustomerByName('Delta')).toEqual(customer);
      expect(await db.repo.accounts.findCustomerByName('Nobody')).toBeNull();
      await expect(db.repo.accounts.createKey(uuidv7(), { name: 'k' })).rejects.toThrow();
    });
  });
}
