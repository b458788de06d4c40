import { z } from 'zod';
import { DayOrMoment, NOT_BLANK, paging } from './routes/shapes.js';

export const FEEDBACK_TYPES = ['success_rating', 'safety_rating', 'action_correction', 'failure_report'] as const;
export type FeedbackType = (typeof FEEDBACK_TYPES)[number];

/** The reasons that most failures have, so that they are spelled alike and can be counted. Any other text is taken too. */
export const COMMON_FAILURE_REASONS = {
  collision: 'the robot collided with an object',
  gripper_malfunction: 'the gripper failed to operate',
  wrong_object: 'the robot picked up the wrong object',
  incomplete_task: 'the task was not completed',
  timeout: 'the task timed out',
  out_of_reach: 'the target was outside the workspace',
  safety_stop: 'the safety system triggered',
} as const;

export const SUCCESS_SCALE = [
  'complete failure',
  'mostly unsuccessful',
  'partially successful',
  'mostly successful',
  'perfect execution',
] as const;

export const SAFETY_SCALE = [
  'very unsafe (near miss or incident)',
  'concerning safety behaviour',
  'acceptable with minor concerns',
  'safe with good margins',
  'perfectly safe execution',
] as const;

/** Longer than any arm has joints; a length is checked against the log's own action besides. */
const MOST_COMPONENTS = 64;
/** Metres or radians: nothing that a robot does, and small enough that no norm overflows. */
const LARGEST_COMPONENT = 1e6;
const FAILURE_REASON_CHARS = 100;
const NOTES_CHARS = 2_000;

const logId = z.int().min(1).meta({ description: 'The `log_id` of the answered inference.' });
const rating = z.int().min(1, 'Rating must be between 1 and 5').max(5, 'Rating must be between 1 and 5');
const notes = z
  .string()
  .max(NOTES_CHARS)
  .nullish()
  .meta({ description: 'What a reader should know. Addresses and numbers of persons are taken out.' });
const vector = z.array(z.number());

const scale = (words: readonly string[]) => words.map((word, i) => `${i + 1}: ${word}`).join('; ');

export const RatingReport = z.strictObject({ log_id: logId, rating, notes });
export const SuccessReport = RatingReport.extend({ rating: rating.meta({ description: scale(SUCCESS_SCALE) }) });
export const SafetyReport = RatingReport.extend({ rating: rating.meta({ description: scale(SAFETY_SCALE) }) });

export const CorrectionReport = z.strictObject({
  log_id: logId,
  corrected_action: z
    .array(z.number('must be a finite number').min(-LARGEST_COMPONENT).max(LARGEST_COMPONENT))
    .min(1)
    .max(MOST_COMPONENTS)
    .meta({
      description:
        'What the first action of the inference should have been, in its own units and of its length: metres and radians ' +
        'a tick for `ee_delta`, whose last entry is the gripper from 0 (closed) to 1 (open).',
    }),
  notes,
});

export const FailureReport = z.strictObject({
  log_id: logId,
  failure_reason: z
    .string()
    .trim()
    .min(1)
    .max(FAILURE_REASON_CHARS)
    .meta({
      pattern: NOT_BLANK,
      description: `Any text; common ones: ${Object.entries(COMMON_FAILURE_REASONS)
        .map(([reason, meaning]) => `\`${reason}\` (${meaning})`)
        .join(', ')}.`,
      examples: Object.keys(COMMON_FAILURE_REASONS),
    }),
  notes,
});

/** What every report is answered with. */
export const FeedbackReceipt = z.object({
  feedback_id: z.int(),
  log_id: z.int(),
  feedback_type: z.enum(FEEDBACK_TYPES),
  customer_id: z.uuid(),
  timestamp: z.iso.datetime(),
  message: z.string(),
});
export type FeedbackReceipt = z.infer<typeof FeedbackReceipt>;

export const FeedbackEntry = z.object({
  feedback_id: z.int(),
  log_id: z.int(),
  feedback_type: z.enum(FEEDBACK_TYPES),
  customer_id: z.uuid(),
  timestamp: z.iso.datetime(),
  rating: z.int().nullable(),
  corrected_action: vector.nullable(),
  original_action: vector.nullable(),
  /** Corrected minus original. */
  correction_delta: vector.nullable(),
  /** L2 norm of the delta. */
  correction_magnitude: z.number().nullable(),
  failure_reason: z.string().nullable(),
  notes: z.string().nullable(),
});
export type FeedbackEntry = z.infer<typeof FeedbackEntry>;

export const FeedbackList = z.object({
  feedback: z.array(FeedbackEntry),
  total_count: z.int(),
  page: z.int(),
  per_page: z.int(),
  has_next: z.boolean(),
});
export type FeedbackList = z.infer<typeof FeedbackList>;

export const FeedbackStats = z.object({
  customer_id: z.uuid(),
  total_feedback_count: z.int(),
  total_inference_count: z.int(),
  feedback_rate: z
    .number()
    .min(0)
    .max(1)
    .meta({ description: 'Inferences that were reported on, of all inferences; 0 without any.' }),
  feedback_by_type: z.object({
    success_rating: z.int(),
    safety_rating: z.int(),
    action_correction: z.int(),
    failure_report: z.int(),
  }),
  average_success_rating: z.number().nullable(),
  average_safety_rating: z.number().nullable(),
  correction_count: z.int(),
  average_correction_magnitude: z.number().nullable(),
  failure_count: z.int(),
  top_failure_reasons: z.array(z.object({ reason: z.string(), count: z.int() })),
  period: z.object({ start: z.iso.datetime(), end: z.iso.datetime() }),
});
export type FeedbackStats = z.infer<typeof FeedbackStats>;

const type = z.enum(FEEDBACK_TYPES).optional();
const moment = DayOrMoment.optional();

const filters = {
  feedback_type: type.meta({ description: 'Only reports of this type.' }),
  type: type.meta({ description: 'The same as `feedback_type`.' }),
  start_date: moment.meta({
    description: 'Reported at or after this: a date (from its midnight, UTC) or a date and time.',
  }),
  end_date: moment.meta({ description: 'Reported at or before this: a date (to its end, UTC) or a date and time.' }),
};

interface Filters {
  readonly feedback_type?: FeedbackType | undefined;
  readonly type?: FeedbackType | undefined;
  readonly start_date?: string | undefined;
  readonly end_date?: string | undefined;
}

const oneType = (query: Filters): boolean =>
  query.type === undefined || query.feedback_type === undefined || query.type === query.feedback_type;
const inOrder = (query: Filters): boolean => {
  const { start, end } = feedbackFilter(query);
  return start === null || end === null || start < end;
};
const ONE_TYPE = { path: ['type'], message: 'differs from feedback_type' };
const IN_ORDER = { path: ['end_date'], message: 'lies before start_date' };

export const FeedbackStatsQuery = z.strictObject(filters).refine(oneType, ONE_TYPE).refine(inOrder, IN_ORDER);

export const FeedbackListQuery = z
  .strictObject({
    ...paging,
    ...filters,
  })
  .refine(oneType, ONE_TYPE)
  .refine(inOrder, IN_ORDER);

export interface FeedbackFilter {
  readonly type: FeedbackType | null;
  /** Inclusive. */
  readonly start: Date | null;
  /** Exclusive. */
  readonly end: Date | null;
}

const DAY_MS = 86_400_000;

/** What a query's texts mean: a date alone is a whole day (UTC), and the end's own millisecond belongs to the period. */
export function feedbackFilter(query: Filters): FeedbackFilter {
  const { start_date, end_date } = query;
  const wholeDay = end_date !== undefined && !end_date.includes('T');
  return {
    type: query.feedback_type ?? query.type ?? null,
    start: start_date === undefined ? null : new Date(start_date),
    end: end_date === undefined ? null : new Date(Date.parse(end_date) + (wholeDay ? DAY_MS : 1)),
  };
}
