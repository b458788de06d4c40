import { v7 as uuidv7 } from 'uuid';
import { beforeEach, describe, expect, test } from 'vitest';
import type { ConsentAuditRow, ConsentChange, ConsentRow, ConsentTerms } from '../../consents.js';
import type { TestedDatabase } from './tested-database.js';

const NONE: ConsentTerms = {
  consent_tier: 'none',
  expires_at: null,
  can_store_images: false,
  can_store_embeddings: false,
  can_use_for_training: false,
  anonymization_level: 'full',
};
const RESEARCH: ConsentTerms = {
  ...NONE,
  consent_tier: 'research',
  can_store_images: true,
  can_store_embeddings: true,
  can_use_for_training: true,
  anonymization_level: 'partial',
};
const AT = new Date('2026-11-06T10:00:00.123Z');

const change = (terms: ConsentTerms, more: Partial<ConsentChange> = {}): ConsentChange => ({
  terms,
  at: AT,
  changed_by: null,
  request_id: null,
  reason: null,
  ...more,
});
const unrecorded = async () => {};

export function registerConsentTests(db: TestedDatabase): void {
  describe('consents', () => {
    let customer: string;
    beforeEach(async () => {
      customer = (await db.repo.accounts.createCustomer({ name: 'Consenting' })).customer_id;
    });

    test('a customer has none until it gives one; no customer is told apart', async () => {
      expect(await db.repo.consents.find(customer)).toEqual({ customer: true, row: null });
      expect(await db.repo.consents.find(uuidv7())).toEqual({ customer: false, row: null });
      expect(await db.repo.consents.findMany([customer])).toEqual(new Map());
    });

    test('every change is the next version, with who, when, from, to, why and by which request', async () => {
      const key = uuidv7();
      const request = uuidv7();
      const expires_at = new Date('2027-01-01T00:00:00Z');
      await db.repo.consents.change(customer, change({ ...RESEARCH, expires_at }), unrecorded);
      const by = { changed_by: key, request_id: request, reason: 'asked on the phone' };
      await db.repo.consents.change(customer, change({ ...RESEARCH, can_use_for_training: false }, by), unrecorded);
      const result = await db.repo.consents.change(customer, change(NONE), unrecorded);
      const last = { ...NONE, customer_id: customer, consent_version: 3, consented_at: AT };
      expect(result).toEqual({ kind: 'changed', row: last });
      expect(await db.repo.consents.find(customer)).toEqual({ customer: true, row: last });
      expect(await db.repo.consents.findMany([customer, uuidv7()])).toEqual(new Map([[customer, last]]));
      const { rows, total } = await db.repo.consents.audit(customer, { limit: 2, offset: 0 });
      expect(total).toBe(3);
      expect(rows.map((row) => [row.consent_version, row.action])).toEqual([
        [3, 'revoke'],
        [2, 'update'],
      ]);
      expect(rows[1]).toMatchObject({
        changed_by: key,
        request_id: request,
        reason: 'asked on the phone',
        changed_at: AT,
        previous: { consent_tier: 'research', consent_version: 1, expires_at: '2027-01-01T00:00:00.000Z' },
        current: { consent_tier: 'research', consent_version: 2, can_use_for_training: false, expires_at: null },
      });
      const { rows: first } = await db.repo.consents.audit(customer, { limit: 2, offset: 2 });
      expect(first).toMatchObject([{ consent_version: 1, action: 'grant', previous: null, changed_by: null }]);
    });

    test('a change made on an older version changes nothing and is told the newer one', async () => {
      const attempt = (expected_version: number) =>
        db.repo.consents.change(customer, change(RESEARCH, { expected_version }), unrecorded);
      expect((await attempt(1)).kind).toBe('conflict');
      expect((await attempt(0)).kind).toBe('changed');
      expect(await attempt(0)).toEqual({ kind: 'conflict', version: 1 });
      expect((await db.repo.consents.audit(customer, { limit: 9, offset: 0 })).total).toBe(1);
    });

    test('changes at once get a version each, and of those on one version one is made', async () => {
      const all = Array.from({ length: 8 }, () => db.repo.consents.change(customer, change(RESEARCH), unrecorded));
      await Promise.all(all);
      const { rows } = await db.repo.consents.audit(customer, { limit: 20, offset: 0 });
      expect(rows.map((row) => row.consent_version)).toEqual([8, 7, 6, 5, 4, 3, 2, 1]);
      const onEight = change(NONE, { expected_version: 8 });
      const race = await Promise.all(
        Array.from({ length: 4 }, () => db.repo.consents.change(customer, onEight, unrecorded)),
      );
      expect(race.filter(({ kind }) => kind === 'changed').length).toBe(1);
    });

    test('what is recorded first is what is stored, and what cannot be recorded is not stored', async () => {
      const recorded: [ConsentRow, ConsentAuditRow][] = [];
      await db.repo.consents.change(customer, change(RESEARCH), async (row, audit) => {
        recorded.push([row, audit]);
      });
      expect(recorded[0]?.[0]).toEqual((await db.repo.consents.find(customer)).row);
      expect(recorded[0]?.[1].current).toEqual(recorded[0]?.[0]);
      const refused = db.repo.consents.change(customer, change(NONE), async () => {
        throw new Error('the disk is full');
      });
      await expect(refused).rejects.toThrow('the disk is full');
      expect((await db.repo.consents.find(customer)).row?.consent_version).toBe(1);
      expect((await db.repo.consents.audit(customer, { limit: 9, offset: 0 })).total).toBe(1);
    });

    test('nobody has a consent without a customer, and no account of it is changed', async () => {
      const nobody = uuidv7();
      expect(await db.repo.consents.change(nobody, change(NONE), unrecorded)).toEqual({ kind: 'no_customer' });
      await db.repo.consents.change(customer, change(RESEARCH), unrecorded);
      const forge = "UPDATE vlaapi.customer_consent_audit SET reason = 'never' WHERE customer_id = $1";
      await expect(db.pool.query(forge, [customer])).rejects.toThrow();
      const forget = 'DELETE FROM vlaapi.customer_consent_audit WHERE customer_id = $1';
      await expect(db.pool.query(forget, [customer])).rejects.toThrow();
      const widen = "UPDATE vlaapi.customer_data_consent SET consent_tier = 'analytics' WHERE customer_id = $1";
      await expect(db.pool.query(widen, [customer])).rejects.toThrow();
    });
  });
}
