import {
  type FeedbackReceipt,
  feedbackFilter,
  feedbackStatisticsRoute,
  listFeedbackRoute,
  reportCorrectionRoute,
  reportFailureRoute,
  reportSafetyRoute,
  reportSuccessRoute,
} from '@sinew/contracts';
import type { Feedback, FeedbackRow } from '@sinew/db';
import type { Principal } from '../auth.js';
import type { FeedbackIntake, Report } from '../feedback/intake.js';
import { bind, type Route } from './bind.js';
import { created, json, type Reply } from './reply.js';

export interface FeedbackDeps {
  readonly intake: Pick<FeedbackIntake, 'take'>;
  readonly database: Pick<Feedback, 'list' | 'statistics'>;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** Requests of one key at a time: one may wait seconds for a log of another gateway. */
const MAX_PER_KEY = 128;

/** What people and robots report back of inferences, and what became of it. */
export function feedbackRoutes({ intake, database, now }: FeedbackDeps): Route[] {
  const options = { maxPerKey: MAX_PER_KEY };
  const take = async (principal: Principal, report: Report, key: string | null): Promise<Reply> =>
    created(receiptOf(await intake.take(principal, report, key)));
  return [
    bind(
      reportSuccessRoute,
      ({ body, principal, idempotencyKey }) =>
        take(principal, { ...body, feedback_type: 'success_rating', notes: body.notes || null }, idempotencyKey),
      options,
    ),
    bind(
      reportSafetyRoute,
      ({ body, principal, idempotencyKey }) =>
        take(principal, { ...body, feedback_type: 'safety_rating', notes: body.notes || null }, idempotencyKey),
      options,
    ),
    bind(
      reportCorrectionRoute,
      ({ body, principal, idempotencyKey }) =>
        take(principal, { ...body, feedback_type: 'action_correction', notes: body.notes || null }, idempotencyKey),
      options,
    ),
    bind(
      reportFailureRoute,
      ({ body, principal, idempotencyKey }) =>
        take(principal, { ...body, feedback_type: 'failure_report', notes: body.notes || null }, idempotencyKey),
      options,
    ),
    bind(
      feedbackStatisticsRoute,
      async ({ query, principal }) =>
        json(await database.statistics(principal.customerId, feedbackFilter(query), new Date(now()))),
      options,
    ),
    bind(
      listFeedbackRoute,
      async ({ query, principal }) => {
        const { page, per_page } = query;
        const { entries, total } = await database.list(principal.customerId, feedbackFilter(query), { page, per_page });
        return json({ feedback: entries, total_count: total, page, per_page, has_next: page * per_page < total });
      },
      options,
    ),
  ];
}

function receiptOf(row: FeedbackRow): FeedbackReceipt {
  const { customer_id, feedback_id, feedback_type, log_id, timestamp } = row;
  return {
    feedback_id,
    log_id,
    feedback_type,
    customer_id,
    timestamp: timestamp.toISOString(),
    message: messageOf(row),
  };
}

function messageOf({ feedback_type, rating, correction_magnitude, failure_reason }: FeedbackRow): string {
  switch (feedback_type) {
    case 'success_rating':
      return `Success rating ${rating}/5 recorded successfully`;
    case 'safety_rating':
      return `Safety rating ${rating}/5 recorded successfully`;
    case 'action_correction':
      return `Action correction recorded (magnitude: ${(correction_magnitude ?? 0).toFixed(4)})`;
    case 'failure_report':
      return `Failure report recorded: ${failure_reason}`;
  }
}
