import { z } from 'zod';
import { route } from './route-contract.js';
import { LogId, LogIdText, page, paging, period, RobotId, Timestamp, Uuid } from './shapes.js';

/** Opened or made since / before. */
const filters = { ...paging, ...period };

/** An id as the database keeps it, whatever its version. */
const Id = z.guid();

export const SessionSummary = z.object({
  session_id: Id,
  key_id: Id.nullable(),
  robot_id: z.string().nullable(),
  robot_type: z.string().nullable(),
  model_name: z.string().nullable(),
  model_version: z.string().nullable(),
  control_hz: z.number().nullable(),
  pacing: z.string().nullable(),
  opened_at: Timestamp,
  closed_at: Timestamp.nullable(),
  close_reason: z.string().nullable(),
});
export type SessionSummary = z.infer<typeof SessionSummary>;

export const EpisodeSummary = z.object({
  episode: z.int(),
  instruction: z.string(),
  instruction_category: z.string(),
  started_at: Timestamp,
  ended_at: Timestamp.nullable(),
  ticks: z.int(),
  success: z.boolean().nullable().describe('As `reset` said it; null where nobody did.'),
  first_log_id: LogId.nullable(),
  last_log_id: LogId.nullable(),
});

export const SessionDetail = SessionSummary.extend({
  epoch: z.int().describe('How often it was resumed.'),
  limits: z.unknown().describe('The limits that were in force, each value with its origin.'),
  environment: z.unknown(),
  client: z.unknown(),
  counters: z.unknown().describe('What happened in it, counted; null while it runs.'),
  episode_count: z.int().nonnegative(),
  episodes: z.array(EpisodeSummary).describe('The newest 500, oldest first.'),
});
export type SessionDetail = z.infer<typeof SessionDetail>;

export const SessionPage = z.object({ sessions: z.array(SessionSummary), ...page });

const READ = { tag: 'History', method: 'get', access: { kind: 'key', scope: null } } as const;

const LAG = 'What robots do is here about a second after it happened: it is recorded in a journal first.';

export const SessionQuery = z.strictObject({
  ...filters,
  robot_id: RobotId.optional(),
  active: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional()
    .describe('`true`: not closed yet.'),
});

export const listSessionsRoute = route({
  ...READ,
  operation: 'listSessions',
  path: '/v1/sessions',
  summary: 'Your robots’ sessions, newest first',
  description: `${LAG} Dates are those of opening.`,
  query: SessionQuery,
  answers: { 200: { description: 'One page.', schema: SessionPage } },
  errors: ['unavailable'],
});

export const getSessionRoute = route({
  ...READ,
  operation: 'getSession',
  path: '/v1/sessions/{session_id}',
  summary: 'One session with its episodes',
  description: LAG,
  params: z.object({ session_id: Uuid }),
  answers: { 200: { description: 'The session.', schema: SessionDetail } },
  errors: ['not_found', 'unavailable'],
});

/** A number that a policy gave; null where it was not finite. */
const Given = z.number().nullable();

export const LogSummary = z.object({
  log_id: LogId,
  timestamp: Timestamp,
  request_id: Id,
  session_id: Id.nullable(),
  episode: z.int().nullable(),
  robot_id: z.string().nullable(),
  robot_type: z.string(),
  model_name: z.string(),
  instruction: z.string(),
  instruction_category: z.string(),
  status: z.string(),
  safety_score: Given,
  safety_flags: z.array(z.string()),
  inference_latency_ms: Given,
});
export type LogSummary = z.infer<typeof LogSummary>;

export const LogDetail = LogSummary.extend({
  key_id: Id.nullable(),
  model_version: z.string().nullable(),
  image_shape: z.array(z.int()).nullable(),
  observation_seq: z.int().nullable(),
  observation_age_ms: Given,
  base_tick: z.int().nullable(),
  state: z.array(Given).nullable(),
  action_vector: z.array(Given).describe('The first action of the chunk, as the policy gave it.'),
  action_magnitude: Given,
  chunk: z.array(z.array(Given)).describe('All actions as the policy gave them, one row a control tick.'),
  queue_wait_ms: Given,
  decode_ms: Given,
  gpu_compute_ms: Given,
  error_message: z.string().nullable(),
});
export type LogDetail = z.infer<typeof LogDetail>;

export const LogPage = z.object({ logs: z.array(LogSummary), ...page });

export const LogQuery = z.strictObject({
  ...filters,
  session_id: Uuid.optional(),
  robot_id: RobotId.optional(),
});

export const listLogsRoute = route({
  ...READ,
  operation: 'listLogs',
  path: '/v1/logs',
  summary: 'Your inferences, newest first',
  description: `${LAG} Dates are those of the inference; the narrower they are, the faster is the answer.`,
  query: LogQuery,
  answers: { 200: { description: 'One page.', schema: LogPage } },
  errors: ['unavailable'],
});

export const getLogRoute = route({
  ...READ,
  operation: 'getLog',
  path: '/v1/logs/{log_id}',
  summary: 'One inference, all that is kept of it',
  description: LAG,
  params: z.object({ log_id: LogIdText }),
  answers: { 200: { description: 'The inference.', schema: LogDetail } },
  errors: ['not_found', 'unavailable'],
});

export const HISTORY_ROUTES = [listSessionsRoute, getSessionRoute, listLogsRoute, getLogRoute] as const;
