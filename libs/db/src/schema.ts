import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  customType,
  doublePrecision,
  index,
  integer,
  jsonb,
  pgSchema,
  primaryKey,
  text,
  timestamp,
  unique,
  uuid,
  vector,
} from 'drizzle-orm/pg-core';

/**
 * The tables as queries see them. The SQL in /drizzle makes them (partitions, policies and checks are beyond drizzle); a
 * test compares both, column by column.
 */
export const vlaapi = pgSchema('vlaapi');

const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' });
const time = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' });
/** log_ids and counters: exact as JavaScript numbers. */
const int8 = (name: string) => bigint(name, { mode: 'number' });

export const CUSTOMER_TIERS = ['free', 'pro', 'enterprise'] as const;
export type CustomerTier = (typeof CUSTOMER_TIERS)[number];

export const customers = vlaapi.table('customers', {
  customer_id: uuid('customer_id').primaryKey(),
  name: text('name').notNull(),
  tier: text('tier', { enum: CUSTOMER_TIERS }).notNull().default('free'),
  is_active: boolean('is_active').notNull().default(true),
  created_at: time('created_at').notNull().defaultNow(),
});

export const apiKeys = vlaapi.table(
  'api_keys',
  {
    key_id: uuid('key_id').primaryKey(),
    customer_id: uuid('customer_id')
      .notNull()
      .references(() => customers.customer_id, { onDelete: 'cascade' }),
    key_hash: text('key_hash').notNull().unique(),
    key_prefix: text('key_prefix').notNull(),
    name: text('name').notNull(),
    scopes: text('scopes').array().notNull(),
    created_at: time('created_at').notNull().defaultNow(),
    expires_at: time('expires_at'),
    revoked_at: time('revoked_at'),
    last_used_at: time('last_used_at'),
  },
  (t) => [index('api_keys_customer').on(t.customer_id, t.created_at)],
);

export const sessions = vlaapi.table('sessions', {
  session_id: uuid('session_id').primaryKey(),
  customer_id: uuid('customer_id').notNull(),
  key_id: uuid('key_id'),
  robot_id: text('robot_id'),
  robot_type: text('robot_type'),
  model_name: text('model_name'),
  model_version: text('model_version'),
  control_hz: doublePrecision('control_hz'),
  pacing: text('pacing'),
  limits: jsonb('limits'),
  environment: jsonb('environment'),
  client: jsonb('client'),
  epoch: integer('epoch').notNull().default(0),
  opened_at: time('opened_at').notNull(),
  closed_at: time('closed_at'),
  close_reason: text('close_reason'),
  counters: jsonb('counters'),
});

export const episodes = vlaapi.table(
  'episodes',
  {
    session_id: uuid('session_id').notNull(),
    episode: integer('episode').notNull(),
    customer_id: uuid('customer_id').notNull(),
    robot_id: text('robot_id'),
    instruction: text('instruction').notNull(),
    instruction_hash: text('instruction_hash').notNull(),
    instruction_category: text('instruction_category').notNull(),
    started_at: time('started_at').notNull(),
    ended_at: time('ended_at'),
    ticks: int8('ticks').notNull().default(0),
    success: boolean('success'),
    first_log_id: int8('first_log_id'),
    last_log_id: int8('last_log_id'),
  },
  (t) => [primaryKey({ columns: [t.session_id, t.episode] })],
);

export const inferenceLogs = vlaapi.table(
  'inference_logs',
  {
    log_id: int8('log_id').notNull(),
    timestamp: time('timestamp').notNull(),
    request_id: uuid('request_id').notNull(),
    customer_id: uuid('customer_id').notNull(),
    key_id: uuid('key_id'),
    session_id: uuid('session_id'),
    episode: integer('episode'),
    robot_id: text('robot_id'),
    robot_type: text('robot_type').notNull(),
    model_name: text('model_name').notNull(),
    model_version: text('model_version'),
    instruction: text('instruction').notNull(),
    instruction_hash: text('instruction_hash').notNull(),
    instruction_category: text('instruction_category').notNull(),
    image_shape: integer('image_shape').array(),
    observation_seq: int8('observation_seq'),
    observation_age_ms: doublePrecision('observation_age_ms'),
    base_tick: int8('base_tick'),
    state: doublePrecision('state').array(),
    action_vector: doublePrecision('action_vector').array().notNull(),
    action_magnitude: doublePrecision('action_magnitude'),
    chunk: bytea('chunk').notNull(),
    chunk_steps: integer('chunk_steps').notNull(),
    action_dim: integer('action_dim').notNull(),
    safety_score: doublePrecision('safety_score'),
    safety_flags: jsonb('safety_flags').$type<string[]>().notNull().default(sql`'[]'`),
    inference_latency_ms: doublePrecision('inference_latency_ms'),
    queue_wait_ms: doublePrecision('queue_wait_ms'),
    decode_ms: doublePrecision('decode_ms'),
    gpu_compute_ms: doublePrecision('gpu_compute_ms'),
    status: text('status').notNull(),
    error_message: text('error_message'),
  },
  (t) => [primaryKey({ columns: [t.log_id, t.timestamp] }), unique().on(t.request_id, t.timestamp)],
);

export const safetyIncidents = vlaapi.table('safety_incidents', {
  incident_id: uuid('incident_id').primaryKey(),
  customer_id: uuid('customer_id').notNull(),
  key_id: uuid('key_id'),
  session_id: uuid('session_id'),
  episode: integer('episode'),
  robot_id: text('robot_id'),
  robot_type: text('robot_type'),
  model_name: text('model_name'),
  model_version: text('model_version'),
  environment_type: text('environment_type'),
  opened_at: time('opened_at').notNull(),
  last_violation_at: time('last_violation_at').notNull(),
  closed_at: time('closed_at'),
  severity: text('severity').notNull(),
  violation_type: text('violation_type').notNull(),
  violation_types: text('violation_types').array().notNull(),
  ticks: int8('ticks').notNull(),
  refusals: int8('refusals').notNull(),
  worst_tick: int8('worst_tick'),
  worst_excess: doublePrecision('worst_excess'),
  safety_score: doublePrecision('safety_score'),
  action_taken: text('action_taken').notNull(),
  proposed_action: doublePrecision('proposed_action').array(),
  sent_action: doublePrecision('sent_action').array(),
  instruction: text('instruction'),
  log_id: int8('log_id'),
  log_timestamp: time('log_timestamp'),
});

export const instructionHours = vlaapi.table(
  'instruction_hours',
  {
    instruction_hash: text('instruction_hash').notNull(),
    hour: time('hour').notNull(),
    instruction_category: text('instruction_category').notNull(),
    uses: int8('uses').notNull(),
    latency_sum_ms: doublePrecision('latency_sum_ms').notNull(),
    latency_count: int8('latency_count').notNull(),
    safety_sum: doublePrecision('safety_sum').notNull(),
    safety_count: int8('safety_count').notNull(),
    episodes_judged: int8('episodes_judged').notNull(),
    episodes_succeeded: int8('episodes_succeeded').notNull(),
    robot_types: text('robot_types').array().notNull(),
    first_seen: time('first_seen').notNull(),
    last_seen: time('last_seen').notNull(),
  },
  (t) => [primaryKey({ columns: [t.instruction_hash, t.hour] })],
);

export const instructionAnalytics = vlaapi.table('instruction_analytics', {
  analytics_id: bigint('analytics_id', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
  instruction_hash: text('instruction_hash').notNull().unique(),
  instruction_category: text('instruction_category').notNull(),
  instruction_embedding: vector('instruction_embedding', { dimensions: 384 }),
  total_uses: int8('total_uses').notNull(),
  success_rate: doublePrecision('success_rate'),
  avg_safety_score: doublePrecision('avg_safety_score'),
  common_robots: text('common_robots').array().notNull(),
  avg_latency_ms: doublePrecision('avg_latency_ms'),
  first_seen: time('first_seen').notNull(),
  last_seen: time('last_seen').notNull(),
});
