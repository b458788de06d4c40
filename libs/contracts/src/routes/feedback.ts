import { z } from 'zod';
import {
  CorrectionReport,
  FailureReport,
  FeedbackList,
  FeedbackListQuery,
  FeedbackReceipt,
  FeedbackStats,
  FeedbackStatsQuery,
  SafetyReport,
  SuccessReport,
} from '../feedback.js';
import { route } from './route-contract.js';

const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  description:
    'Made by the client, new for every report: 1 to 128 printable ASCII characters, such as a UUID. The same request with ' +
    'the same key is answered with the first one’s 201 and stored once; the key with another report is `duplicate` (409).',
  schema: z
    .string()
    .regex(/^[\x20-\x7e]{1,128}$/, 'must be 1 to 128 printable ASCII characters')
    .optional(),
};

const ONCE =
  'The row is stored, and will survive, before the 201 is sent. Where no answer came, or 503 `unavailable`, it may have been ' +
  'stored all the same: send the same request again with the `Idempotency-Key` that it had, as often as needed, and it is ' +
  'stored once. Where it had no key, look for its `log_id` in `GET /v1/feedback/list` (newest first, `start_date` shortly ' +
  'before the first attempt) no sooner than 30 seconds after it, and send it again, now with a key, only if it is not there.\n\n' +
  'The inference may be so young that it is not in the database yet. One that was not made by the server that is asked, and ' +
  'is not in the database after three seconds (at once where it is older than ten minutes), is `not_found`, as is one of another customer.\n\n' +
  'Faults of the request are `validation_failed` (422), never `validation_error`; 400 `bad_message` is a body that is no ' +
  'JSON, which NaN and Infinity make of it.';

const REPORT = {
  tag: 'Feedback',
  method: 'post',
  access: { kind: 'key', scope: 'feedback' },
  headers: [IDEMPOTENCY_KEY],
  maxBodyBytes: 16_384,
  errors: ['not_found', 'duplicate', 'unavailable'],
} as const;

const receipt = (example: string) => ({
  201: { description: `Stored; \`message\` such as “${example}”.`, schema: FeedbackReceipt },
});

export const reportSuccessRoute = route({
  ...REPORT,
  operation: 'reportSuccess',
  example: { body: { log_id: 12345, rating: 5, notes: 'The task was completed.' } },
  path: '/v1/feedback/success',
  summary: 'Rate how well an inference served its task',
  description:
    `${ONCE}\n\nRatings from 4 count as a success of the instruction and up to 2 as a failure in its statistics, unless the ` +
    'episode said itself how it ended; the last rating of an episode counts.',
  body: SuccessReport,
  answers: receipt('Success rating 5/5 recorded successfully'),
});

export const reportSafetyRoute = route({
  ...REPORT,
  operation: 'reportSafety',
  example: { body: { log_id: 12345, rating: 4, notes: 'It kept its distance from the table.' } },
  path: '/v1/feedback/safety-rating',
  summary: 'Rate how safe an inference’s execution was, as a person saw it',
  description: ONCE,
  body: SafetyReport,
  answers: receipt('Safety rating 4/5 recorded successfully'),
});

export const reportCorrectionRoute = route({
  ...REPORT,
  operation: 'reportCorrection',
  example: {
    body: { log_id: 12345, corrected_action: [0.05, 0.02, -0.01, 0, 0, 0.1, 1], notes: 'Higher, clear of the table.' },
  },
  path: '/v1/feedback/action-correction',
  summary: 'Say what the action should have been',
  description:
    `${ONCE}\n\nThe action has the length that the inference’s action has (seven for an \`ee_delta\` policy, other lengths ` +
    'for joints) and is compared with its first entry: `correction_delta` is corrected minus original, ' +
    '`correction_magnitude` its L2 norm.',
  body: CorrectionReport,
  answers: receipt('Action correction recorded (magnitude: 0.1234)'),
});

export const reportFailureRoute = route({
  ...REPORT,
  operation: 'reportFailure',
  example: { body: { log_id: 12345, failure_reason: 'collision', notes: 'It touched the edge of the table.' } },
  path: '/v1/feedback/failure-report',
  summary: 'Say why an inference failed on the robot',
  description: ONCE,
  body: FailureReport,
  answers: receipt('Failure report recorded: collision'),
});

const READ = {
  tag: 'Feedback',
  method: 'get',
  access: { kind: 'key', scope: 'feedback' },
  errors: ['unavailable'],
} as const;

export const feedbackStatisticsRoute = route({
  ...READ,
  operation: 'feedbackStatistics',
  path: '/v1/feedback/stats',
  summary: 'What was reported, in numbers',
  description:
    'Your own reports, filtered by type and by when they were reported; inferences are counted in the same period and ' +
    'whatever the type. `feedback_rate` counts an inference once, however often it was reported on. Without dates the ' +
    'period begins when the account was made and ends now. Averages of nothing are null.',
  query: FeedbackStatsQuery,
  answers: { 200: { description: 'The statistics', schema: FeedbackStats } },
});

export const listFeedbackRoute = route({
  ...READ,
  operation: 'listFeedback',
  path: '/v1/feedback/list',
  summary: 'Your reports, newest first',
  query: FeedbackListQuery,
  answers: { 200: { description: 'One page', schema: FeedbackList } },
});

export const FEEDBACK_ROUTES = [
  reportSuccessRoute,
  reportSafetyRoute,
  reportCorrectionRoute,
  reportFailureRoute,
  feedbackStatisticsRoute,
  listFeedbackRoute,
];
