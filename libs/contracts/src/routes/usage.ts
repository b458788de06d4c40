import { z } from 'zod';
import { TIERS } from '../tiers.js';
import { route } from './route-contract.js';
import { Day } from './shapes.js';

const count = z.int().nonnegative();
/** A period of `GET /v1/usage`. */
export const MOST_USAGE_DAYS = 400;

const Amount = {
  inferences: count,
  rejected: count.describe('Of these, not charged: an error of the server, or a chunk that came to nothing.'),
  micro_dollars: count.describe('Millionths of a US dollar.'),
};

export const Usage = z.object({
  tier: z.enum(TIERS),
  limits: z.object({
    requests_per_minute: count,
    sessions: count,
    frames_per_second: count.describe('That one gateway takes, over all sessions.'),
    monthly_inferences: count.nullable().describe('null: no limit'),
  }),
  quota: z
    .object({
      month: z.string(),
      used: count,
      limit: count.nullable(),
      remaining: count.nullable(),
    })
    .describe('The inferences of this month (UTC), as far as they are stored.'),
  months: z.array(z.object({ month: z.string().describe('`2026-11`'), ...Amount })),
  days: z.array(
    z.object({
      day: z.iso.date(),
      tier: z.enum(TIERS).describe('On that day.'),
      model_name: z.string(),
      ...Amount,
    }),
  ),
});
export type Usage = z.infer<typeof Usage>;

export const UsageQuery = z.strictObject({
  /** Without it the first day of the end's month. */
  start_date: Day.optional(),
  /** Included; without it today (UTC). */
  end_date: Day.optional(),
});

export const usageRoute = route({
  operation: 'getUsage',
  method: 'get',
  path: '/v1/usage',
  tag: 'Usage',
  summary: 'What your robots used, and what it costs',
  description:
    'Inferences a day and model at the tier of that day, and summed a month, by stream and REST together; every key of a ' +
    'customer may ask, for up to 400 days at a time. An inference is here about a second after it was made. Days without any are left out.',
  access: { kind: 'key', scope: null },
  query: UsageQuery,
  answers: { 200: { description: 'Your usage', schema: Usage } },
  errors: ['unavailable'],
});
