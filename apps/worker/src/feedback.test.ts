import { createPool, EMPTY_BATCH, instructionHash, migrate, repositories } from '@sinew/db';
import { inferenceRow, startTestDatabase, type TestDatabase } from '@sinew/db/testing';
import { createJobs, type Jobs } from '@sinew/jobs';
import { createLogger } from '@sinew/telemetry';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { feedbackIngestion } from './handlers.js';

let database: TestDatabase;
let pool: ReturnType<typeof createPool>;
let repo: ReturnType<typeof repositories>;
let jobs: Jobs;
const hour = new Date('2026-09-10T07:00:00Z');

beforeAll(async () => {
  database = await startTestDatabase();
  pool = createPool(database.url);
  await migrate(pool);
  repo = repositories(pool);
  jobs = createJobs({ databaseUrl: database.url, onError: () => undefined });
  const tools = { pool, repositories: repo, log: createLogger('worker', 'silent'), now: () => new Date() };
  await jobs.work('feedback', feedbackIngestion(tools));
});
afterAll(async () => {
  await jobs?.close();
  await pool?.end();
  await database?.close();
});

async function rated(instruction: string, ...ratings: number[]): Promise<number[]> {
  const { customer_id } = await repo.accounts.createCustomer({ name: instruction });
  const ids: number[] = [];
  for (const rating of ratings) {
    const log = inferenceRow({ customer_id, instruction, session_id: null, timestamp: '2026-09-10T07:10:00.000Z' });
    await repo.shipping.store({ ...EMPTY_BATCH, inferences: [log] });
    const row = await repo.feedback.store({
      feedback_id: await repo.feedback.nextId(),
      customer_id,
      key_id: log.key_id,
      log_id: log.log_id,
      log_timestamp: new Date(log.timestamp),
      feedback_type: 'success_rating',
      rating,
      corrected_action: null,
      original_action: null,
      correction_delta: null,
      correction_magnitude: null,
      failure_reason: null,
      notes: null,
      timestamp: new Date(),
      idempotency_key: null,
    });
    ids.push(row.feedback_id);
  }
  await repo.instructions.recomputeHour(hour);
  return ids;
}

async function rateOf(instruction: string): Promise<number | null | undefined> {
  const { rows } = await pool.query<{ success_rate: number | null }>(
    'SELECT success_rate FROM vlaapi.instruction_analytics WHERE instruction_hash = $1',
    [instructionHash(instruction)],
  );
  return rows[0]?.success_rate;
}

const PATIENT = { timeout: 20_000 };

test('a job brings ratings into the statistics; the same job again changes nothing', async () => {
  const instruction = 'wipe the long table';
  const feedback_ids = await rated(instruction, 5, 4, 1);
  await jobs.add('feedback', { feedback_ids });
  await expect.poll(() => rateOf(instruction), PATIENT).toBeCloseTo(2 / 3);
  const completed = async () => (await jobs.counts('feedback')).completed ?? 0;
  const before = await completed();
  await jobs.add('feedback', { feedback_ids });
  await expect.poll(completed, PATIENT).toBe(before + 1);
  expect(await rateOf(instruction)).toBeCloseTo(2 / 3);
});

test('a sweep takes what no job was told of', async () => {
  const instruction = 'fold the small napkin';
  await rated(instruction, 2, 5);
  await jobs.add('feedback', {});
  await expect.poll(() => rateOf(instruction), PATIENT).toBe(0.5);
});

test('a sweep goes through more rows than one transaction takes, past those whose log is late', async () => {
  const taken: number[][] = [];
  const rows = Array.from({ length: 25 }, (_, i) => i + 1);
  const sweep = feedbackIngestion({
    repositories: {
      feedbackIngestion: {
        process: async (ids: readonly number[]) => {
          taken.push([...ids]);
          return { processed: ids.length - 1, waiting: 1 };
        },
        unprocessed: async (after: number) => rows.filter((id) => id > after).slice(0, 10),
      },
    },
  } as never);
  const swept = await sweep({}, { attempt: 1, progress: async () => undefined });
  expect(taken.map((ids) => ids.length)).toEqual([10, 10, 5]);
  expect(swept).toEqual({ processed: 22, waiting: 3 });
});
