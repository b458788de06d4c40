import { type DurableRecord, RecordFailed } from '@sinew/accounts';
import type { FeedbackRow } from '@sinew/db';
import type { AccountEvent } from '@sinew/journal';
import { expect, test } from 'vitest';
import type { Principal } from '../auth.js';
import { FeedbackIntake, type Report } from './intake.js';
import type { Ground } from './log-finder.js';

const ME = { customerId: '01900000-0000-7000-8000-000000000001', keyId: 'k' } as Principal;
const YOU = { customerId: '01900000-0000-7000-8000-000000000002', keyId: 'l' } as Principal;
const RATING: Report = { feedback_type: 'success_rating', log_id: 8_192, rating: 5, notes: null };
const correction = (...corrected_action: number[]): Report => ({
  feedback_type: 'action_correction',
  log_id: 8_192,
  corrected_action,
  notes: null,
});
const away = () => Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });

/** A table in memory, with the database's one rule: a key is used once. */
function bench(action: readonly number[] = [1, 1, 0.5], space: 'ee_delta' | 'joint_delta' | null = 'ee_delta') {
  const rows: FeedbackRow[] = [];
  const recorded: AccountEvent[] = [];
  const told: number[] = [];
  const order: string[] = [];
  const world = {
    fault: null as (() => Error) | null,
    recordFault: null as (() => Error) | null,
    keep: false,
    ids: 0,
    missing: false,
  };
  const earlier = (customer: string, key: string | null) =>
    rows.find((row) => key !== null && row.idempotency_key === key && row.customer_id === customer);
  const durable: DurableRecord = {
    async record(events) {
      order.push('record');
      if (world.recordFault !== null) throw world.recordFault();
      recorded.push(...events);
    },
  };
  const intake = new FeedbackIntake({
    finder: {
      async find(customer, _log, key): Promise<Ground> {
        const row = earlier(customer, key);
        if (row !== undefined) return { kind: 'earlier', row };
        if (world.missing) return { kind: 'missing' };
        return { kind: 'log', log: { action, model_name: 'm' }, feedback_id: ++world.ids };
      },
    },
    database: {
      async store(row) {
        order.push('store');
        if (world.fault !== null) throw world.fault();
        const before = earlier(row.customer_id, row.idempotency_key);
        if (before !== undefined) return before;
        rows.push(row);
        return row;
      },
    },
    durable,
    stored: (id) => told.push(id),
    actionSpace: () => space,
    mayKeepText: () => world.keep,
    now: () => 1_000,
  });
  return { intake, world, rows, recorded, told, order };
}

test('a row is recorded, then stored, then told of', async () => {
  const { intake, order, recorded, rows, told } = bench();
  const row = await intake.take(ME, RATING, null);
  expect(order).toEqual(['record', 'store']);
  expect(rows).toEqual([row]);
  expect(told).toEqual([row.feedback_id]);
  expect(recorded).toMatchObject([
    { event: 'feedback', customer_id: ME.customerId, data: { action: 'create', row: JSON.parse(JSON.stringify(row)) } },
  ]);
});

test('what cannot be recorded is not stored', async () => {
  const { intake, rows, world } = bench();
  world.recordFault = () => new RecordFailed('the disk is full');
  await expect(intake.take(ME, RATING, null)).rejects.toMatchObject({ code: 'unavailable' });
  expect(rows).toEqual([]);
});

test('the database goes away after the record: the repeat stores the very same row', async () => {
  const { intake, recorded, rows, world } = bench();
  world.fault = away;
  await expect(intake.take(ME, RATING, 'once')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  world.fault = null;
  const row = await intake.take(ME, RATING, 'once');
  expect(row.feedback_id).toBe(1);
  expect(rows).toEqual([row]);
  expect(recorded.length).toBe(1);
});

test('what was erased meanwhile is not stored by a repeat', async () => {
  const { intake, rows, world } = bench();
  world.fault = away;
  await expect(intake.take(ME, RATING, 'once')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  intake.forget();
  world.fault = null;
  world.missing = true;
  await expect(intake.take(ME, RATING, 'once')).rejects.toMatchObject({ code: 'not_found' });
  expect(rows).toEqual([]);
});

test('the commit’s answer is lost: the repeat is answered with what was stored', async () => {
  const { intake, rows, world } = bench();
  world.fault = () => {
    // Stored, and then the connection broke.
    rows.push({
      ...RATING,
      feedback_id: 77,
      customer_id: ME.customerId,
      idempotency_key: 'once',
      failure_reason: null,
      corrected_action: null,
    } as never);
    world.fault = null;
    return away();
  };
  await expect(intake.take(ME, RATING, 'once')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  expect((await intake.take(ME, RATING, 'once')).feedback_id).toBe(77);
  expect(rows.length).toBe(1);
});

test('the same key again is the same answer, also at the same time; of another customer it is another key', async () => {
  const { intake, recorded, rows } = bench();
  const all = await Promise.all(Array.from({ length: 10 }, () => intake.take(ME, RATING, 'once')));
  expect(new Set(all.map(({ feedback_id }) => feedback_id)).size).toBe(1);
  expect(recorded.length).toBe(1);
  await intake.take(YOU, RATING, 'once');
  await intake.take(ME, RATING, null);
  await intake.take(ME, RATING, null);
  expect(rows.length).toBe(4);
});

test.each([
  ['another rating', { ...RATING, rating: 1 }],
  ['another log', { ...RATING, log_id: 8_193 }],
  ['another type', { ...RATING, feedback_type: 'safety_rating' as const }],
  ['other notes', { ...RATING, notes: 'other' }],
  ['a correction', correction(1, 1, 1)],
])('a key that is used for %s is refused', async (_what, other) => {
  const { intake, rows } = bench();
  await intake.take(ME, RATING, 'once');
  await expect(intake.take(ME, other, 'once')).rejects.toMatchObject({ code: 'duplicate' });
  expect(rows.length).toBe(1);
});

test('a log that is nowhere, or another customer’s, is not found', async () => {
  const { intake, rows, world } = bench();
  world.missing = true;
  await expect(intake.take(ME, RATING, null)).rejects.toMatchObject({
    code: 'not_found',
    message: "Inference log 8192 not found or doesn't belong to customer",
  });
  expect(rows).toEqual([]);
});

test('a correction is compared with the action of its log', async () => {
  const { intake } = bench([1, 1, 0.5]);
  expect(await intake.take(ME, correction(4, 5, 0.5), null)).toMatchObject({
    original_action: [1, 1, 0.5],
    correction_delta: [3, 4, 0],
    correction_magnitude: 5,
  });
});

test('a correction has the length of the action, and there is an action', async () => {
  const refused = (reason: RegExp, loc: unknown[]) => ({ issues: [{ loc, msg: expect.stringMatching(reason) }] });
  const at = ['body', 'corrected_action'];
  const { intake } = bench();
  await expect(intake.take(ME, correction(1, 1), null)).rejects.toMatchObject(refused(/3 components.*got 2/, at));
  const without = bench([]);
  await expect(without.intake.take(ME, correction(1), null)).rejects.toMatchObject(refused(/no action/, at));
});

test('the gripper of an ee_delta action is between closed and open; joints are anything', async () => {
  const tool = bench([1, 1, 0.5], 'ee_delta');
  for (const gripper of [-0.01, 1.01]) {
    await expect(tool.intake.take(ME, correction(1, 1, gripper), null)).rejects.toMatchObject({
      issues: [{ loc: ['body', 'corrected_action', 2], msg: expect.stringContaining('gripper') }],
    });
  }
  for (const gripper of [0, 1]) await tool.intake.take(ME, correction(1, 1, gripper), null);
  await bench([1, 1, 0.5], 'joint_delta').intake.take(ME, correction(1, 1, 2), null);
  await bench([1, 1, 0.5], null).intake.take(ME, correction(1, 1, 2), null);
});

test('notes and reasons lose what could reach a person, unless its customer consented; a changed consent is no other report', async () => {
  const { intake, world, rows } = bench();
  const report: Report = {
    feedback_type: 'failure_report',
    log_id: 8_192,
    failure_reason: 'ask ana@example.org',
    notes: 'call +49 170 1234567',
  };
  const first = await intake.take(ME, report, 'once');
  expect(first).toMatchObject({ failure_reason: 'ask [email]', notes: 'call [phone]' });
  world.keep = true;
  expect(await intake.take(ME, report, 'once')).toEqual(first);
  expect(await intake.take(ME, report, null)).toMatchObject({ notes: 'call +49 170 1234567' });
  expect(rows.length).toBe(2);
});
