import { createHash, randomUUID } from 'node:crypto';
import { NO_RECORD } from '@sinew/accounts';
import { ErrorBody, FeedbackList, FeedbackReceipt, FeedbackStats } from '@sinew/contracts';
import { createPool, EMPTY_BATCH, type InferenceRow, migrate, repositories } from '@sinew/db';
import { inferenceRow, startTestDatabase, type TestDatabase } from '@sinew/db/testing';
import { LogIds, logIdTimeMs, saveCheckpoint } from '@sinew/journal';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type OpenFeedback, openFeedback } from '../feedback/open-feedback.js';
import { infer, inferenceRequest } from '../testing/rest.js';
import { startTestGateway, type TestGateway } from '../testing/test-gateway.js';
import { feedbackRoutes } from './feedback.js';

const MY_KEY = 'vla_live_test-key-of-feedback-0000000000000001';
const THEIR_KEY = 'vla_live_test-key-of-feedback-0000000000000002';
const KEY_WITHOUT_SCOPE = 'vla_live_test-key-of-feedback-0000000000000003';

let database: TestDatabase;
let pool: ReturnType<typeof createPool>;
let repo: ReturnType<typeof repositories>;
let feedback: OpenFeedback;
let server: TestGateway;
let mine: string;
let theirs: string;
const ids = new LogIds(0);
const queued: number[] = [];

beforeAll(async () => {
  database = await startTestDatabase();
  pool = createPool(database.url);
  await migrate(pool);
  repo = repositories(pool);
  server = await startTestGateway({
    routes: ({ models, dir }) => {
      feedback = openFeedback({
        database: repo.feedback,
        durable: NO_RECORD,
        journalDir: dir,
        node: () => 0,
        models,
        mayKeepText: () => false,
        queue: { add: async (added) => void queued.push(...added), failed: () => undefined },
        now: () => Date.now(),
      });
      return feedbackRoutes(feedback);
    },
  });
  mine = (await repo.accounts.createCustomer({ name: 'mine' })).customer_id;
  theirs = (await repo.accounts.createCustomer({ name: 'theirs' })).customer_id;
  const key = (text: string, customer_id: string, scopes: string[]) =>
    server.keys.set(createHash('sha256').update(text).digest('hex'), {
      key_id: randomUUID(),
      customer_id,
      tier: 'enterprise',
      scopes,
      expires_at: null,
      revoked_at: null,
      customer_active: true,
      limits: null,
      is_operator: false,
    });
  key(MY_KEY, mine, ['feedback', 'infer']);
  key(THEIR_KEY, theirs, ['feedback']);
  key(KEY_WITHOUT_SCOPE, mine, ['stream', 'infer']);
});
afterAll(async () => {
  await server?.stop();
  await feedback?.close();
  await pool?.end();
  await database?.close();
});

/** An inference in the database. */
async function shipped(customer_id: string, overrides: Partial<InferenceRow> = {}): Promise<number> {
  const log_id = ids.next(Date.now());
  const timestamp = new Date(logIdTimeMs(log_id)).toISOString();
  const action_vector = [0.08, 0.03, 0.01, 0, 0, 0.08, 1];
  const chunk = new Uint8Array(new Float32Array(action_vector).buffer);
  const row = {
    log_id,
    timestamp,
    customer_id,
    action_vector,
    chunk,
    chunk_steps: 1,
    action_dim: 7,
    model_name: 'null',
  };
  await repo.shipping.store({ ...EMPTY_BATCH, inferences: [inferenceRow({ ...row, ...overrides })] });
  return log_id;
}

const send = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(`${server.http}/v1/feedback/${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${MY_KEY}`, ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
const get = (path: string, key = MY_KEY) =>
  fetch(`${server.http}/v1/feedback/${path}`, { headers: { Authorization: `Bearer ${key}` } });
const asTheirs = { Authorization: `Bearer ${THEIR_KEY}` };

async function refused(answer: Response): Promise<Record<string, unknown>> {
  const body = (await answer.json()) as Record<string, unknown>;
  expect(ErrorBody.safeParse(body).error).toBeUndefined();
  expect(body.status_code).toBe(answer.status);
  return body;
}

describe('the four reports', () => {
  const notes = 'Robot maintained safe distance from obstacles';
  test.each([
    ['success', { rating: 5, notes }, 'success_rating', 'Success rating 5/5 recorded successfully'],
    ['safety-rating', { rating: 4, notes }, 'safety_rating', 'Safety rating 4/5 recorded successfully'],
    [
      'action-correction',
      { corrected_action: [0.05, 0.02, -0.01, 0, 0, 0.1, 1], notes },
      'action_correction',
      'Action correction recorded (magnitude: 0.0424)',
    ],
    ['failure-report', { failure_reason: 'collision', notes }, 'failure_report', 'Failure report recorded: collision'],
  ])('%s is answered 201 with its receipt', async (path, report, feedback_type, message) => {
    const log_id = await shipped(mine);
    const answer = await send(path, { log_id, ...report });
    expect(answer.status).toBe(201);
    const receipt = FeedbackReceipt.strict().parse(await answer.json());
    expect(receipt).toMatchObject({ log_id, feedback_type, customer_id: mine, message });
    expect(Math.abs(Date.parse(receipt.timestamp) - Date.now())).toBeLessThan(60_000);
    const { entries } = await repo.feedback.list(
      mine,
      { type: null, start: null, end: null },
      { page: 1, per_page: 1 },
    );
    expect(entries).toMatchObject([{ ...report, feedback_id: receipt.feedback_id }]);
  });

  test('a correction keeps what it was compared with', async () => {
    const log_id = await shipped(mine);
    await send('action-correction', { log_id, corrected_action: [0.08, 0.03, 0.01, 0, 0, 0.05, 1] });
    const { feedback } = FeedbackList.parse(await (await get('list?per_page=1')).json());
    expect(feedback[0]).toMatchObject({
      log_id,
      original_action: [0.08, 0.03, 0.01, 0, 0, 0.08, 1],
      correction_magnitude: expect.closeTo(0.03, 12),
    });
    expect(feedback[0]?.correction_delta?.[5]).toBeCloseTo(-0.03, 12);
  });

  test('notes lose what could reach a person', async () => {
    const log_id = await shipped(mine);
    await send('success', { log_id, rating: 3, notes: 'ask ana@example.org' });
    const { feedback } = FeedbackList.parse(await (await get('list?per_page=1')).json());
    expect(feedback[0]).toMatchObject({ log_id, notes: 'ask [email]' });
  });
});

describe('a repeat', () => {
  test('with the same key is the same 201 and one row', async () => {
    const log_id = await shipped(mine);
    const once = { 'Idempotency-Key': randomUUID() };
    const answers = await Promise.all(Array.from({ length: 6 }, () => send('success', { log_id, rating: 4 }, once)));
    const later = await send('success', { log_id, rating: 4 }, once);
    const bodies = await Promise.all([...answers, later].map((answer) => answer.text()));
    expect(new Set([...answers, later].map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(bodies).size).toBe(1);
    const { rows } = await pool.query('SELECT count(*) AS n FROM vlaapi.feedback WHERE log_id = $1', [log_id]);
    expect(rows).toEqual([{ n: 1 }]);
  });

  test('with the same key and another report is refused', async () => {
    const log_id = await shipped(mine);
    const once = { 'Idempotency-Key': 'the same' };
    await send('success', { log_id, rating: 4 }, once);
    const answer = await send('success', { log_id, rating: 2 }, once);
    expect([answer.status, (await refused(answer)).error]).toEqual([409, 'duplicate']);
  });

  test('of another customer with the same key is a report of their own', async () => {
    const once = { 'Idempotency-Key': 'shared by chance' };
    const own = await send('success', { log_id: await shipped(mine), rating: 4 }, once);
    const other = await send('success', { log_id: await shipped(theirs), rating: 4 }, { ...once, ...asTheirs });
    expect([own.status, other.status]).toEqual([201, 201]);
    expect(((await own.json()) as FeedbackReceipt).feedback_id).not.toBe(
      ((await other.json()) as FeedbackReceipt).feedback_id,
    );
  });

  test('a key that is none is refused', async () => {
    const log_id = await shipped(mine);
    const answer = await send('success', { log_id, rating: 4 }, { 'Idempotency-Key': 'x'.repeat(129) });
    expect([answer.status, (await refused(answer)).field]).toEqual([422, 'Idempotency-Key']);
  });
});

describe('what is refused', () => {
  test('400: a body that is no JSON, as NaN makes it', async () => {
    for (const body of ['{', '{"log_id": 1, "corrected_action": [NaN]}']) {
      const answer = await send('action-correction', body);
      expect([answer.status, (await refused(answer)).error]).toEqual([400, 'bad_message']);
    }
  });

  test('401 without a key, 403 without the scope', async () => {
    const body = { log_id: 1, rating: 5 };
    const unknown = await send('success', body, { Authorization: '' });
    expect([unknown.status, (await refused(unknown)).error]).toEqual([401, 'unauthorized']);
    const scopeless = await send('success', body, { Authorization: `Bearer ${KEY_WITHOUT_SCOPE}` });
    expect([scopeless.status, (await refused(scopeless)).error]).toEqual([403, 'forbidden']);
    for (const path of ['stats', 'list']) expect((await get(path, KEY_WITHOUT_SCOPE)).status).toBe(403);
  });

  test('404: a log that is nowhere, and another customer’s, in the same words', async () => {
    const foreign = await shipped(theirs);
    for (const log_id of [12_345, foreign]) {
      for (const [path, report] of [
        ['success', { rating: 5 }],
        ['safety-rating', { rating: 5 }],
        ['action-correction', { corrected_action: [0] }],
        ['failure-report', { failure_reason: 'x' }],
      ] as const) {
        const answer = await send(path, { log_id, ...report });
        expect(answer.status).toBe(404);
        expect(await refused(answer)).toMatchObject({
          error: 'not_found',
          message: `Inference log ${log_id} not found or doesn't belong to customer`,
        });
      }
    }
  });

  test('422: every field that breaks its rule is named', async () => {
    const answer = await send('success', { log_id: 1.5, rating: 6, notes: 7 });
    expect(answer.status).toBe(422);
    const body = await refused(answer);
    expect(body).toMatchObject({ error: 'validation_failed' });
    expect(body.validation_errors).toMatchObject([
      { loc: ['body', 'log_id'] },
      { loc: ['body', 'rating'], msg: 'Rating must be between 1 and 5' },
      { loc: ['body', 'notes'] },
    ]);
  });

  test.each([
    ['an infinite component', '[0,0,1e999,0,0,0,1]', ['body', 'corrected_action', 2]],
    ['a wrong length', '[0,0,0,0,0,1]', ['body', 'corrected_action']],
    ['a gripper beyond open', '[0,0,0,0,0,0,1.2]', ['body', 'corrected_action', 6]],
  ])('422: a correction with %s', async (_what, action, loc) => {
    const log_id = await shipped(mine);
    const answer = await send('action-correction', `{"log_id": ${log_id}, "corrected_action": ${action}}`);
    expect(answer.status).toBe(422);
    expect((await refused(answer)).validation_errors).toMatchObject([{ loc }]);
  });

  test('422: filters that are none', async () => {
    for (const query of [
      'list?page=0',
      'list?per_page=201',
      'list?type=praise',
      'stats?start_date=soon',
      'list?limit=3',
    ]) {
      expect((await get(query)).status).toBe(422);
    }
  });
});

describe('lists and statistics', () => {
  test('pages, filters and numbers are of the own reports alone', async () => {
    const customer = (await repo.accounts.createCustomer({ name: 'counts' })).customer_id;
    const key = 'vla_live_test-key-of-feedback-0000000000000004';
    const known = server.keys.get(createHash('sha256').update(MY_KEY).digest('hex'));
    if (known === undefined) throw new Error('no key');
    server.keys.set(createHash('sha256').update(key).digest('hex'), { ...known, customer_id: customer });
    const asOwner = { Authorization: `Bearer ${key}` };
    const log = await shipped(customer);
    await shipped(customer);
    await send('success', { log_id: await shipped(theirs), rating: 1 }, asTheirs);
    for (const rating of [5, 4]) await send('success', { log_id: log, rating }, asOwner);
    for (const failure_reason of ['timeout', 'collision', 'collision']) {
      await send('failure-report', { log_id: log, failure_reason }, asOwner);
    }
    const page = FeedbackList.strict().parse(await (await get('list?page=1&per_page=2', key)).json());
    expect(page).toMatchObject({ total_count: 5, page: 1, per_page: 2, has_next: true });
    expect(page.feedback.map(({ failure_reason }) => failure_reason)).toEqual(['collision', 'collision']);
    const last = FeedbackList.parse(await (await get('list?page=3&per_page=2', key)).json());
    expect([last.feedback.length, last.has_next]).toEqual([1, false]);
    for (const name of ['feedback_type', 'type']) {
      const list = FeedbackList.parse(await (await get(`list?${name}=success_rating`, key)).json());
      expect(list.feedback.map(({ rating }) => rating)).toEqual([4, 5]);
    }
    const today = new Date().toISOString().slice(0, 10);
    expect(FeedbackList.parse(await (await get(`list?start_date=${today}`, key)).json()).total_count).toBe(5);
    expect(FeedbackList.parse(await (await get('list?end_date=2026-01-31', key)).json()).total_count).toBe(0);
    const stats = FeedbackStats.strict().parse(await (await get('stats', key)).json());
    expect(stats).toMatchObject({
      customer_id: customer,
      total_feedback_count: 5,
      total_inference_count: 2,
      feedback_rate: 0.5,
      feedback_by_type: { success_rating: 2, safety_rating: 0, action_correction: 0, failure_report: 3 },
      average_success_rating: 4.5,
      average_safety_rating: null,
      failure_count: 3,
      top_failure_reasons: [
        { reason: 'collision', count: 2 },
        { reason: 'timeout', count: 1 },
      ],
    });
  });
});

describe('an inference that is still in the journal', () => {
  test('takes feedback from its own customer, is shipped, and takes more', async () => {
    const answer = (await (await infer(server, inferenceRequest(), MY_KEY)).json()) as { log_id: number };
    const { log_id } = answer;
    expect((await send('success', { log_id, rating: 5 })).status).toBe(201);
    const correction = await send('action-correction', { log_id, corrected_action: [0, 0, 0, 0, 0, 0, 0.5] });
    expect(correction.status).toBe(201);
    expect((await send('success', { log_id, rating: 5 }, asTheirs)).status).toBe(404);
    const record = (await server.journaled()).find((each) => each.log_id === log_id);
    if (record?.kind !== 'inference') throw new Error('no record');
    const first = [...new Float32Array(Uint8Array.from(record.chunk).buffer).subarray(0, 7)];
    const { feedback: list } = FeedbackList.parse(await (await get('list?type=action_correction&per_page=1')).json());
    expect(list[0]).toMatchObject({ log_id, original_action: first });
    await shippedAs(log_id);
    expect((await send('failure-report', { log_id, failure_reason: 'timeout' })).status).toBe(201);
  });

  async function shippedAs(log_id: number): Promise<void> {
    const timestamp = new Date(logIdTimeMs(log_id)).toISOString();
    await repo.shipping.store({
      ...EMPTY_BATCH,
      inferences: [inferenceRow({ log_id, timestamp, customer_id: mine, model_name: 'null' })],
    });
    await saveCheckpoint(server.dir, { position: { segment: 1_000, offset: 0 }, state: '{}' });
  }
});

test('what was stored is queued for its job', async () => {
  const answer = await send('success', { log_id: await shipped(mine), rating: 5 });
  const { feedback_id } = (await answer.json()) as FeedbackReceipt;
  await expect.poll(() => queued, { timeout: 10_000 }).toContain(feedback_id);
});
