import { describe, expect, test } from 'vitest';
import {
  COMMON_FAILURE_REASONS,
  CorrectionReport,
  FailureReport,
  FeedbackListQuery,
  FeedbackStatsQuery,
  feedbackFilter,
  SuccessReport,
} from './feedback.js';
import { FEEDBACK_ROUTES } from './routes/feedback.js';

const messages = (result: { error?: { issues: { path: PropertyKey[]; message: string }[] } | undefined }) =>
  result.error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);

describe('reports', () => {
  test.each([0, 6, 2.5, '5', null, undefined])('a rating of %j is refused', (rating) => {
    expect(messages(SuccessReport.safeParse({ log_id: 1, rating }))?.[0]).toMatch(/^rating: /);
  });

  test('a rating says what its bounds are', () => {
    expect(messages(SuccessReport.safeParse({ log_id: 1, rating: 6 }))).toEqual([
      'rating: Rating must be between 1 and 5',
    ]);
  });

  test.each([0, -1, 1.5, 2 ** 53, '12'])('a log_id of %j is refused', (log_id) => {
    expect(messages(SuccessReport.safeParse({ log_id, rating: 3 }))?.[0]).toMatch(/^log_id: /);
  });

  test('a correction has finite components only; the fault names the component', () => {
    const parsed = CorrectionReport.safeParse(JSON.parse('{"log_id": 1, "corrected_action": [0, 0, 1e999]}'));
    expect(messages(parsed)).toEqual(['corrected_action.2: must be a finite number']);
    expect(CorrectionReport.safeParse({ log_id: 1, corrected_action: [] }).success).toBe(false);
    expect(CorrectionReport.safeParse({ log_id: 1, corrected_action: [1e7] }).success).toBe(false);
  });

  test('a failure has any reason of 1 to 100 characters, the common ones among them', () => {
    const report = (failure_reason: unknown) => FailureReport.safeParse({ log_id: 1, failure_reason });
    for (const reason of Object.keys(COMMON_FAILURE_REASONS)) expect(report(reason).success).toBe(true);
    expect(report(' the cup slipped ').data?.failure_reason).toBe('the cup slipped');
    expect(report('   ').success).toBe(false);
    expect(report('x'.repeat(101)).success).toBe(false);
  });

  test('notes end at 2000 characters and may be left out', () => {
    const report = (notes: unknown) => SuccessReport.safeParse({ log_id: 1, rating: 3, notes }).success;
    expect([report(undefined), report(null), report(''), report('x'.repeat(2_000))]).toEqual([true, true, true, true]);
    expect(report('x'.repeat(2_001))).toBe(false);
  });
});

describe('filters', () => {
  const filter = (query: object) => feedbackFilter(FeedbackListQuery.parse(query));

  test('pages of 50 by default, of 200 at most', () => {
    expect(FeedbackListQuery.parse({})).toMatchObject({ page: 1, per_page: 50 });
    expect(FeedbackListQuery.parse({ page: '3', per_page: '200' })).toMatchObject({ page: 3, per_page: 200 });
    for (const query of [{ page: '0' }, { per_page: '0' }, { per_page: '201' }, { page: 'x' }, { pages: '1' }]) {
      expect(FeedbackListQuery.safeParse(query).success).toBe(false);
    }
  });

  test('a date is a whole day, a time is a moment; both ends belong to the period', () => {
    expect(filter({ start_date: '2026-01-01', end_date: '2026-01-31' })).toEqual({
      type: null,
      start: new Date('2026-01-01T00:00:00Z'),
      end: new Date('2026-02-01T00:00:00Z'),
    });
    expect(filter({ start_date: '2026-01-01T01:00:00+01:00', end_date: '2026-01-01T00:00:00Z' })).toEqual({
      type: null,
      start: new Date('2026-01-01T00:00:00.000Z'),
      end: new Date('2026-01-01T00:00:00.001Z'),
    });
  });

  test.each([
    { start_date: 'yesterday' },
    { start_date: '2026-02-30' },
    { start_date: '0000-01-01' },
    { start_date: '2026-01-02', end_date: '2026-01-01' },
    { type: 'praise' },
    { type: 'success_rating', feedback_type: 'failure_report' },
    { start_date: ['2026-01-01', '2026-01-02'] },
  ])('%j is refused', (query) => {
    expect(FeedbackListQuery.safeParse(query).success).toBe(false);
    expect(FeedbackStatsQuery.safeParse(query).success).toBe(false);
  });

  test('`type` is another name of `feedback_type`', () => {
    expect(filter({ type: 'failure_report' }).type).toBe('failure_report');
    expect(filter({ feedback_type: 'failure_report' }).type).toBe('failure_report');
  });
});

test('every feedback endpoint needs the scope `feedback`', () => {
  const own = FEEDBACK_ROUTES;
  expect(own.map(({ method, path }) => `${method} ${path}`).sort()).toEqual([
    'get /v1/feedback/list',
    'get /v1/feedback/stats',
    'post /v1/feedback/action-correction',
    'post /v1/feedback/failure-report',
    'post /v1/feedback/safety-rating',
    'post /v1/feedback/success',
  ]);
  for (const { access } of own) expect(access).toEqual({ kind: 'key', scope: 'feedback' });
});
