import type { KeyIdentity } from '@sinew/db';
import { beforeEach, expect, test } from 'vitest';
import { Authenticator } from './auth.js';

const KEY = 'vla_live_test-key-0000000000000000000000000001';

const row: KeyIdentity = {
  key_id: '01900000-0000-7000-8000-0000000000a1',
  customer_id: '01900000-0000-7000-8000-000000000001',
  tier: 'free',
  scopes: ['stream'],
  expires_at: null,
  revoked_at: null,
  customer_active: true,
  limits: null,
  is_operator: false,
};

let nowMs: number;
let asked: number;
let answer: () => KeyIdentity | null;
let authenticator: Authenticator;
beforeEach(() => {
  nowMs = 1_000_000;
  asked = 0;
  answer = () => row;
  authenticator = new Authenticator(
    async () => {
      asked++;
      return answer();
    },
    { now: () => nowMs },
  );
});

const away = () => {
  throw new Error('the database is away');
};

const principal = async () => {
  const result = await authenticator.authenticate(KEY);
  if (result.kind !== 'ok') throw new Error(result.kind);
  return result.principal;
};

test('a database that hangs holds up a key that nobody knows, and no key that is known to be good', async () => {
  let hang = false;
  const answers: ((row: KeyIdentity | null) => void)[] = [];
  const impatient = new Authenticator(
    () => (hang ? new Promise((resolve) => answers.push(resolve)) : Promise.resolve(row)),
    { now: () => nowMs },
    () => nowMs,
    0,
  );
  await impatient.authenticate(KEY);
  hang = true;
  nowMs += 3_000;
  expect((await impatient.authenticate(KEY)).kind).toBe('ok');
  let stranger: string | null = null;
  const unknown = impatient.authenticate(`${KEY}2`).then(({ kind }) => {
    stranger = kind;
  });
  // Its answer comes late, and counts from then on.
  answers[0]?.({ ...row, revoked_at: new Date(0) });
  expect((await impatient.authenticate(KEY)).kind).toBe('revoked');
  expect(stranger).toBeNull();
  answers[1]?.(null);
  await unknown;
  expect(stranger).toBe('unknown');
});

test('a flood of keys that nobody has pushes out none that counts while the database is away', async () => {
  await principal();
  answer = () => null;
  for (let i = 0; i <= 10_000; i++)
    await authenticator.authenticate(`vla_live_made-up-key-${String(i).padStart(12, '0')}`);
  answer = away;
  nowMs += 60_000;
  expect((await authenticator.authenticate(KEY)).kind).toBe('ok');
  answer = () => null;
  expect((await authenticator.authenticate(KEY)).kind).toBe('unknown');
  answer = away;
  nowMs += 3_000;
  expect((await authenticator.authenticate(KEY)).kind).toBe('unavailable');
});

test('a good key is its customer, with its scopes, and is looked up once in three seconds', async () => {
  expect(await principal()).toMatchObject({ customerId: row.customer_id, keyId: row.key_id });
  nowMs += 2_999;
  await principal();
  expect(asked).toBe(1);
  nowMs += 1;
  await principal();
  expect(asked).toBe(2);
});

test.each([
  ['revoked', { revoked_at: new Date(0) }],
  ['expired', { expires_at: new Date(1_000_000) }],
  ['of a customer who is no longer active', { customer_active: false }],
])('a key that is %s is told apart from one that never was', async (_name, change) => {
  answer = () => ({ ...row, ...change });
  expect(await authenticator.authenticate(KEY)).toEqual({ kind: 'revoked' });
  answer = () => null;
  nowMs += 3_000;
  expect(await authenticator.authenticate(KEY)).toEqual({ kind: 'unknown' });
});

test('a key expires on its date, although its row was fetched before', async () => {
  answer = () => ({ ...row, expires_at: new Date(nowMs + 1_000) });
  const known = await principal();
  expect(await authenticator.revoked(known)).toBe(false);
  nowMs += 1_000;
  expect(await authenticator.revoked(known)).toBe(true);
  expect(asked).toBe(1);
});

test('what is not shaped like a key asks no database', async () => {
  expect(await authenticator.authenticate('vla_live_short')).toEqual({ kind: 'unknown' });
  expect(asked).toBe(0);
});

test('a principal is revoked once its key is, or is gone', async () => {
  const known = await principal();
  expect(await authenticator.revoked(known)).toBe(false);
  answer = () => ({ ...row, revoked_at: new Date(nowMs) });
  expect(await authenticator.revoked(known)).toBe(false);
  nowMs += 3_000;
  expect(await authenticator.revoked(known)).toBe(true);
  answer = () => null;
  nowMs += 3_000;
  expect(await authenticator.revoked(known)).toBe(true);
});

test('with the database away a known key is honoured and nobody is revoked; a stranger is not let in', async () => {
  const known = await principal();
  answer = away;
  nowMs += 60_000;
  expect((await authenticator.authenticate(KEY)).kind).toBe('ok');
  expect(await authenticator.revoked(known)).toBe(false);
  nowMs += 20 * 60_000;
  expect(await authenticator.authenticate(KEY)).toEqual({ kind: 'unavailable' });
  expect(await authenticator.revoked(known)).toBe(false);
  expect(await authenticator.authenticate(`${KEY}-other`)).toEqual({ kind: 'unavailable' });
});

test('a key that was known to be revoked stays so while the database is away', async () => {
  answer = () => ({ ...row, revoked_at: new Date(0) });
  await authenticator.authenticate(KEY);
  answer = away;
  nowMs += 60_000;
  expect(await authenticator.authenticate(KEY)).toEqual({ kind: 'revoked' });
});

test('news of a key, or of its customer, is acted on at once', async () => {
  const known = await principal();
  answer = () => ({ ...row, revoked_at: new Date(0) });
  authenticator.forget('01900000-0000-7000-8000-00000000ffff');
  expect(await authenticator.revoked(known)).toBe(false);
  authenticator.forget(row.key_id);
  expect(await authenticator.revoked(known)).toBe(true);
  answer = () => ({ ...row, customer_active: false });
  authenticator.forget(row.customer_id);
  expect(await authenticator.revoked(known)).toBe(true);
  expect(asked).toBe(3);
});

test('an answer that was under way when news came is asked for again', async () => {
  const asking = authenticator.authenticate(KEY);
  authenticator.forget(row.key_id);
  await asking;
  await principal();
  expect(asked).toBe(2);
});

test('what was asked for long ago is not fresh because its answer was slow', async () => {
  answer = () => {
    nowMs += 2_000;
    return row;
  };
  await principal();
  nowMs += 1_000;
  await principal();
  expect(asked).toBe(2);
});
