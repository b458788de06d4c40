import type { JournalRecord } from '@sinew/journal';
import { createLogger, createMetrics } from '@sinew/telemetry';
import { beforeEach, expect, test, vi } from 'vitest';
import { Refusals } from './refusals.js';

const CUSTOMER = '01900000-0000-7000-8000-000000000001';
const caller = { source: 'rest', customerId: CUSTOMER, robotType: 'franka_panda' } as const;

let nowMs: number;
let written: JournalRecord[];
let logged: unknown[];
let metrics: ReturnType<typeof createMetrics>;
let refusals: Refusals;

beforeEach(() => {
  nowMs = 1_000;
  written = [];
  logged = [];
  metrics = createMetrics();
  const log = createLogger('gateway', 'silent');
  vi.spyOn(log, 'info').mockImplementation((line: unknown) => void logged.push(line));
  refusals = new Refusals({ now: () => nowMs }, metrics, log, (record) => void written.push(record));
});

const counted = async (name: string) => (await metrics.registry.getSingleMetric(name)?.get())?.values ?? [];

test('a refusal counts under the words of its rule, and under its gate if it has one', async () => {
  refusals.note({ rule: 'image.wrong_size', field: 'images.main' }, caller);
  refusals.note({ rule: 'image.wrong_size', field: 'images.other' }, caller);
  refusals.note({ rule: 'state.not_finite' }, caller);
  expect(await counted('vla_validation_failures_total')).toMatchObject([
    { labels: { field: 'image', reason: 'wrong_size' }, value: 2 },
    { labels: { field: 'state', reason: 'not_finite' }, value: 1 },
  ]);
  expect(await counted('vla_hard_rejections_total')).toMatchObject([{ labels: { rule: 'image' }, value: 2 }]);
});

test('whatever a client calls its fields, no label is made of it', async () => {
  for (let i = 0; i < 500; i++) refusals.note({ field: `field-${i}`, rule: `rule-${i}` }, caller);
  for (const field of ['__proto__', 'constructor', 'toString', '']) refusals.note({ field }, caller);
  expect(await counted('vla_validation_failures_total')).toMatchObject([
    { labels: { field: 'message', reason: 'malformed' }, value: 504 },
  ]);
});

test('a field is logged once a second at most, with how many came since', () => {
  for (let i = 0; i < 50; i++) {
    refusals.note({ rule: 'image.wrong_size' }, caller);
    refusals.note({ rule: 'state.not_finite' }, caller);
    nowMs += 10;
  }
  expect(logged).toHaveLength(2);
  nowMs += 1_000;
  refusals.note({ rule: 'image.too_few_bytes' }, caller);
  expect(logged).toHaveLength(3);
  expect(logged[2]).toEqual({
    field: 'image',
    rule: 'image.too_few_bytes',
    source: 'rest',
    customer_id: CUSTOMER,
    since_last: 50,
  });
});

test('a second of refusals is one record a customer, rule and robot type, with a name of its own', () => {
  const other = { ...caller, customerId: '01900000-0000-7000-8000-000000000002' };
  for (let i = 0; i < 30; i++) refusals.note({ rule: 'image.wrong_size' }, caller);
  refusals.note({ rule: 'image.wrong_size' }, other);
  refusals.note({ rule: 'image.wrong_size' }, { ...caller, robotType: null });
  nowMs += 999;
  refusals.sweep();
  expect(written).toEqual([]);
  nowMs += 1;
  refusals.sweep();
  refusals.sweep();
  expect(written).toHaveLength(3);
  expect(written[0]).toEqual({
    v: 1,
    kind: 'event',
    event: 'rejected_observations',
    log_id: null,
    t_ms: 2_000,
    session_id: null,
    customer_id: CUSTOMER,
    robot_id: null,
    episode: null,
    data: {
      failure_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      field: 'image',
      reason: 'wrong_size',
      count: 30,
      rule: 'image.wrong_size',
      robot_type: 'franka_panda',
      source: 'rest',
    },
  });
  const names = written.map((record) => (record as { data: { failure_id: string } }).data.failure_id);
  expect(new Set(names).size).toBe(3);
});

test('many different ones at once are written early, and none is lost', () => {
  for (let i = 0; i < 2_500; i++) refusals.note({ rule: 'state.not_finite' }, { ...caller, customerId: `c${i}` });
  refusals.close();
  const counts = written.map((record) => (record as { data: { count: number } }).data.count);
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(2_500);
});
