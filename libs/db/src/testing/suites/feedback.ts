import { randomUUID } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { beforeAll, describe, expect, test } from 'vitest';
import type { FeedbackRow } from '../../feedback.js';
import { instructionHash } from '../../instruction-hash.js';
import { EMPTY_BATCH, type InferenceRow } from '../../shipping-rows.js';
import { episodeRow, inferenceRow } from '../rows.js';
import type { TestedDatabase } from './tested-database.js';

const ALL = { type: null, start: null, end: null };
const FIRST = { page: 1, per_page: 50 };
const hour = new Date('2026-09-08T11:00:00Z');
const at = (minute: number) => new Date(hour.getTime() + minute * 60_000);

/** A plausible row about this log. */
const reportOf = (log: InferenceRow, feedback_id: number, overrides: Partial<FeedbackRow> = {}): FeedbackRow => ({
  feedback_id,
  customer_id: log.customer_id,
  key_id: log.key_id,
  log_id: log.log_id,
  log_timestamp: new Date(log.timestamp),
  feedback_type: 'success_rating',
  rating: 5,
  corrected_action: null,
  original_action: null,
  correction_delta: null,
  correction_magnitude: null,
  failure_reason: null,
  notes: null,
  timestamp: new Date('2026-09-08T11:30:00Z'),
  idempotency_key: null,
  ...overrides,
});

export function registerFeedbackTests(db: TestedDatabase): void {
  const newCustomer = async () => (await db.repo.accounts.createCustomer({ name: `f ${randomUUID()}` })).customer_id;
  const ship = async (overrides: Partial<InferenceRow>) => {
    const log = inferenceRow({ timestamp: at(1).toISOString(), ...overrides });
    await db.repo.shipping.store({ ...EMPTY_BATCH, inferences: [log] });
    return log;
  };
  const about = (log: InferenceRow) => ({ log_id: log.log_id, timestamp: new Date(log.timestamp) });
  const store = async (log: InferenceRow, overrides: Partial<FeedbackRow> = {}) =>
    db.repo.feedback.store(reportOf(log, await db.repo.feedback.nextId(), overrides));
  const storedOf = async (customerId: string) => (await db.repo.feedback.list(customerId, ALL, FIRST)).entries;

  describe('feedback', () => {
    let mine: string;
    let theirs: string;
    let log: InferenceRow;

    beforeAll(async () => {
      [mine, theirs] = [await newCustomer(), await newCustomer()];
      log = await ship({ customer_id: mine, action_vector: [3, 4], model_name: 'tabletop-v1' });
    });

    test('a log is found by its own customer alone, with a number for the row', async () => {
      const found = await db.repo.feedback.find(mine, about(log), null);
      expect(found).toMatchObject({ log: { action: [3, 4], model_name: 'tabletop-v1' }, earlier: null });
      expect(found.feedback_id).toBeGreaterThan(0);
      const foreign = await db.repo.feedback.find(theirs, about(log), null);
      expect(foreign).toEqual({ log: null, feedback_id: null, earlier: null });
    });

    test('numbers are never given twice', async () => {
      const ids = await Promise.all(Array.from({ length: 20 }, () => db.repo.feedback.nextId()));
      const found = await db.repo.feedback.find(mine, about(log), null);
      expect(new Set([...ids, found.feedback_id]).size).toBe(21);
    });

    test('a row comes back as it was stored', async () => {
      const row = reportOf(log, await db.repo.feedback.nextId(), {
        feedback_type: 'action_correction',
        rating: null,
        corrected_action: [0.1, 4],
        original_action: [3, 4],
        correction_delta: [-2.9, 0],
        correction_magnitude: 2.9,
        notes: 'häf’t “quoted” {braces} 🟥',
        idempotency_key: randomUUID(),
      });
      expect(await db.repo.feedback.store(row)).toEqual(row);
      const found = await db.repo.feedback.find(mine, about(log), row.idempotency_key);
      expect(found).toEqual({ log: null, feedback_id: null, earlier: row });
    });

    test('the same row again, and another with its key, is stored once; the first stands', async () => {
      const customer = await newCustomer();
      const about = await ship({ customer_id: customer });
      const first = await store(about, { idempotency_key: 'once' });
      expect(await db.repo.feedback.store(first)).toEqual(first);
      const unkeyed = await store(about);
      expect(await db.repo.feedback.store(unkeyed)).toEqual(unkeyed);
      const again = await Promise.all([1, 2, 3, 4].map((rating) => store(about, { idempotency_key: 'once', rating })));
      for (const row of again) expect(row).toEqual(first);
      expect(await storedOf(customer)).toHaveLength(2);
    });

    test('several at once with one key are one', async () => {
      const customer = await newCustomer();
      const about = await ship({ customer_id: customer });
      const rows = await Promise.all(Array.from({ length: 8 }, () => store(about, { idempotency_key: 'race' })));
      expect(new Set(rows.map((row) => row.feedback_id)).size).toBe(1);
      expect(await storedOf(customer)).toHaveLength(1);
    });

    test('a key of one customer is free for another', async () => {
      const foreign = await ship({ customer_id: theirs });
      const own = await store(log, { idempotency_key: 'mine or theirs' });
      const other = await store(foreign, { idempotency_key: 'mine or theirs' });
      expect(other.feedback_id).not.toBe(own.feedback_id);
      expect(
        (await db.repo.feedback.find(theirs, { log_id: 1, timestamp: new Date() }, 'mine or theirs')).earlier,
      ).toEqual(other);
    });

    test('a number that was given twice stops the second row, of this customer and of another', async () => {
      const own = await store(log);
      const foreign = await ship({ customer_id: theirs });
      await expect(db.repo.feedback.store(reportOf(foreign, own.feedback_id))).rejects.toThrow('another report');
      const other = { ...own, timestamp: new Date(own.timestamp.getTime() + 1) };
      await expect(db.repo.feedback.store(other)).rejects.toThrow('another report');
    });
  });

  describe('lists and statistics of feedback', () => {
    let customer: string;
    let other: string;
    const day = (n: number) => new Date(Date.UTC(2026, 8, n, 12));

    beforeAll(async () => {
      [customer, other] = [await newCustomer(), await newCustomer()];
      const [one, two] = [await ship({ customer_id: customer }), await ship({ customer_id: customer })];
      for (let i = 0; i < 6; i++) await ship({ customer_id: customer });
      await ship({ customer_id: customer, timestamp: '2026-10-01T00:00:00.000Z' });
      await store(one, { rating: 5, timestamp: day(1) });
      await store(one, { rating: 2, timestamp: day(2) });
      await store(two, { feedback_type: 'safety_rating', rating: 4, timestamp: day(3) });
      const correction = { feedback_type: 'action_correction', rating: null, corrected_action: [0, 0] } as const;
      await store(one, { ...correction, correction_magnitude: 0.5, timestamp: day(4) });
      await store(two, { ...correction, correction_magnitude: 1.5, timestamp: day(5) });
      const failure = { feedback_type: 'failure_report', rating: null } as const;
      await store(one, { ...failure, failure_reason: 'timeout', timestamp: day(6) });
      await store(one, { ...failure, failure_reason: 'collision', timestamp: day(7) });
      await store(two, { ...failure, failure_reason: 'collision', timestamp: day(8) });
      await store(await ship({ customer_id: other }), { rating: 1 });
    });

    test('pages are newest first and together hold each row once', async () => {
      const pages = await Promise.all(
        [1, 2, 3, 4].map((page) => db.repo.feedback.list(customer, ALL, { page, per_page: 3 })),
      );
      expect(pages.map(({ entries }) => entries.length)).toEqual([3, 3, 2, 0]);
      expect(pages.map(({ total }) => total)).toEqual([8, 8, 8, 8]);
      const times = pages.flatMap(({ entries }) => entries.map(({ timestamp }) => timestamp));
      expect(times).toEqual([8, 7, 6, 5, 4, 3, 2, 1].map((n) => day(n).toISOString()));
    });

    test('filters by type and by time, the start in and the end out', async () => {
      const list = async (filter: object) =>
        (await db.repo.feedback.list(customer, { ...ALL, ...filter }, FIRST)).entries.map(({ timestamp }) =>
          new Date(timestamp).getUTCDate(),
        );
      expect(await list({ type: 'failure_report' })).toEqual([8, 7, 6]);
      expect(await list({ start: day(4), end: day(7) })).toEqual([6, 5, 4]);
      expect(await list({ type: 'failure_report', start: day(7) })).toEqual([8, 7]);
    });

    test('counts everything of one customer', async () => {
      const now = new Date();
      const stats = await db.repo.feedback.statistics(customer, ALL, now);
      const { rows } = await db.pool.query<{ created_at: Date }>(
        'SELECT created_at FROM vlaapi.customers WHERE customer_id = $1',
        [customer],
      );
      expect(stats).toEqual({
        customer_id: customer,
        total_feedback_count: 8,
        total_inference_count: 9,
        feedback_rate: 2 / 9,
        feedback_by_type: { success_rating: 2, safety_rating: 1, action_correction: 2, failure_report: 3 },
        average_success_rating: 3.5,
        average_safety_rating: 4,
        correction_count: 2,
        average_correction_magnitude: 1,
        failure_count: 3,
        top_failure_reasons: [
          { reason: 'collision', count: 2 },
          { reason: 'timeout', count: 1 },
        ],
        period: { start: rows[0]?.created_at.toISOString(), end: now.toISOString() },
      });
    });

    test('counts a type or a period alone; nothing is zero and null', async () => {
      const typed = await db.repo.feedback.statistics(customer, { ...ALL, type: 'safety_rating' }, new Date());
      expect(typed).toMatchObject({
        total_feedback_count: 1,
        total_inference_count: 9,
        average_success_rating: null,
        average_safety_rating: 4,
        failure_count: 0,
        top_failure_reasons: [],
      });
      const period = { ...ALL, start: day(8), end: day(9) };
      expect(await db.repo.feedback.statistics(customer, period, new Date())).toMatchObject({
        total_feedback_count: 1,
        total_inference_count: 0,
        feedback_rate: 0,
        period: { start: '2026-09-08T12:00:00.000Z', end: '2026-09-09T11:59:59.999Z' },
      });
      const nobody = await db.repo.feedback.statistics(await newCustomer(), ALL, new Date());
      expect(nobody).toMatchObject({ total_feedback_count: 0, feedback_rate: 0, average_correction_magnitude: null });
    });
  });

  describe('the ingestion of feedback', () => {
    const rateOf = async (instruction: string) => {
      const { rows } = await db.pool.query<{ success_rate: number | null }>(
        'SELECT success_rate FROM vlaapi.instruction_analytics WHERE instruction_hash = $1',
        [instructionHash(instruction)],
      );
      return rows[0]?.success_rate;
    };
    const setUp = async () => {
      const customer_id = await newCustomer();
      const instruction = `fold the towel ${randomUUID()}`;
      const session = { customer_id, instruction, session_id: uuidv7() };
      const inference = (episode: number | null, session_id: string | null = session.session_id) =>
        ship({ ...session, session_id, episode });
      const rate = async (log: InferenceRow, rating: number, minute = 30) =>
        (await store(log, { rating, timestamp: at(minute) })).feedback_id;
      return { customer_id, instruction, session, inference, rate };
    };
    const process = (...ids: number[]) => db.repo.feedbackIngestion.process(ids);

    test('a rating counts as an outcome of its instruction, once, however often it is taken', async () => {
      const { instruction, inference, rate } = await setUp();
      const [good, bad, middling] = [await inference(0), await inference(1), await inference(2)];
      const ids = [await rate(good, 5), await rate(bad, 2), await rate(middling, 3)];
      await db.repo.instructions.recomputeHour(hour);
      expect(await rateOf(instruction)).toBeNull();
      expect(await process(...ids)).toEqual({ processed: 3, waiting: 0 });
      expect(await rateOf(instruction)).toBe(0.5);
      expect(await process(...ids)).toEqual({ processed: 0, waiting: 0 });
      await db.repo.instructions.recomputeHour(hour);
      expect(await rateOf(instruction)).toBe(0.5);
    });

    test('two jobs at once with the same rows end where one would', async () => {
      const { instruction, inference, rate } = await setUp();
      const ids = [await rate(await inference(0), 4), await rate(await inference(1), 1)];
      await db.repo.instructions.recomputeHour(hour);
      const both = await Promise.all([process(...ids), process(...ids)]);
      expect(both.map(({ processed }) => processed).sort()).toEqual([0, 2]);
      expect(await rateOf(instruction)).toBe(0.5);
    });

    test('the last rating of an episode stands for it; a REST inference stands for itself', async () => {
      const { instruction, inference, rate } = await setUp();
      const [first, second] = [await inference(0), await inference(0)];
      const [rest, other] = [await inference(0, null), await inference(0, null)];
      const ids = [await rate(first, 1, 30), await rate(second, 5, 31), await rate(rest, 5), await rate(other, 1)];
      await db.repo.instructions.recomputeHour(hour);
      await process(...ids);
      expect(await rateOf(instruction)).toBeCloseTo(2 / 3);
    });

    test('an episode that said itself how it ended is not counted again by its ratings', async () => {
      const { instruction, session, inference, rate } = await setUp();
      const [early, late] = [await inference(0), await inference(1)];
      const episode = (n: number) => episodeRow({ ...session, episode: n, ended_at: at(20 + n).toISOString() });
      await db.repo.shipping.store({ ...EMPTY_BATCH, episodes: [{ ...episode(0), success: false }, episode(1)] });
      await db.repo.instructions.recomputeHour(hour);
      await process(await rate(early, 5), await rate(late, 5));
      expect(await rateOf(instruction)).toBe(0.5);
      // The outcome comes after the rating: it takes the rating's place.
      await db.repo.shipping.store({ ...EMPTY_BATCH, episodes: [{ ...episode(1), success: false }] });
      await db.repo.instructions.recomputeHour(hour);
      expect(await rateOf(instruction)).toBe(0);
      await db.pool.query('DELETE FROM vlaapi.episodes WHERE session_id = $1', [session.session_id]);
      await db.pool.query('DELETE FROM vlaapi.inference_logs WHERE session_id = $1', [session.session_id]);
      await db.repo.instructions.recomputeHour(hour);
      await process(await rate(early, 5));
      expect(await rateOf(instruction)).toBe(0);
    });

    test('a row whose log is late waits for it, then gets what it lacked from it', async () => {
      const { customer_id, instruction } = await setUp();
      const log = inferenceRow({ customer_id, instruction, timestamp: at(2).toISOString(), action_vector: [3, 4] });
      const correction = { feedback_type: 'action_correction', rating: null, corrected_action: [0, 0] } as const;
      const { feedback_id } = await store(log, { ...correction, timestamp: new Date() });
      expect(await process(feedback_id)).toEqual({ processed: 0, waiting: 1 });
      expect(await db.repo.feedbackIngestion.unprocessed(feedback_id - 1)).toContain(feedback_id);
      await db.repo.shipping.store({ ...EMPTY_BATCH, inferences: [log] });
      expect(await process(feedback_id)).toEqual({ processed: 1, waiting: 0 });
      expect(await storedOf(customer_id)).toMatchObject([
        { original_action: [3, 4], correction_delta: [-3, -4], correction_magnitude: 5 },
      ]);
      expect(await db.repo.feedbackIngestion.unprocessed(feedback_id - 1)).not.toContain(feedback_id);
    });

    test('what a correction was compared with stays as it was', async () => {
      const { customer_id } = await setUp();
      const log = await ship({ customer_id, action_vector: [3, 4] });
      const known = { original_action: [1, 1], correction_delta: [-1, -1], correction_magnitude: Math.SQRT2 };
      const correction = { feedback_type: 'action_correction', rating: null, corrected_action: [0, 0] } as const;
      const { feedback_id } = await store(log, { ...correction, ...known });
      expect(await process(feedback_id)).toEqual({ processed: 1, waiting: 0 });
      expect(await storedOf(customer_id)).toMatchObject([known]);
    });
  });
}
