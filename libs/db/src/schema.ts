import type { LimitOverrides } from '@sinew/contracts';
import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  time as clockTime,
  customType,
  date,
  doublePrecision,
  index,
  integer,
  jsonb,
  pgSchema,
  primaryKey,
  smallint,
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
  is_operator: boolean('is_operator').notNull().default(false),
  /** Single limits that differ from the tier's; null: none does. */
  limits: jsonb('limits').$type<LimitOverrides>(),
  /** Its sessions are recorded where they are served. */
  record_sessions: boolean('record_sessions').notNull().default(false),
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
    /** The key that this one replaces. */
    rotated_from: uuid('rotated_from'),
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

export const FEEDBACK_TYPES = ['success_rating', 'safety_rating', 'action_correction', 'failure_report'] as const;
export type FeedbackType = (typeof FEEDBACK_TYPES)[number];

export const feedback = vlaapi.table(
  'feedback',
  {
    feedback_id: int8('feedback_id').primaryKey().generatedByDefaultAsIdentity(),
    customer_id: uuid('customer_id')
      .notNull()
      .references(() => customers.customer_id, { onDelete: 'cascade' }),
    key_id: uuid('key_id'),
    log_id: int8('log_id').notNull(),
    log_timestamp: time('log_timestamp').notNull(),
    feedback_type: text('feedback_type', { enum: FEEDBACK_TYPES }).notNull(),
    rating: smallint('rating'),
    corrected_action: doublePrecision('corrected_action').array(),
    original_action: doublePrecision('original_action').array(),
    correction_delta: doublePrecision('correction_delta').array(),
    correction_magnitude: doublePrecision('correction_magnitude'),
    failure_reason: text('failure_reason'),
    notes: text('notes'),
    timestamp: time('timestamp').notNull().defaultNow(),
    idempotency_key: text('idempotency_key'),
    session_id: uuid('session_id'),
    episode: integer('episode'),
    instruction_hash: text('instruction_hash'),
    episode_judged: boolean('episode_judged'),
    processed_at: time('processed_at'),
  },
  (t) => [unique().on(t.customer_id, t.idempotency_key)],
);

export const contextMetadata = vlaapi.table('context_metadata', {
  context_id: int8('context_id').primaryKey().generatedByDefaultAsIdentity(),
  log_id: int8('log_id').notNull().unique(),
  customer_id: uuid('customer_id').notNull(),
  timestamp: time('timestamp').notNull(),
  robot_type: text('robot_type').notNull(),
  workspace_bounds: jsonb('workspace_bounds').notNull(),
  lighting_conditions: text('lighting_conditions'),
  time_of_day: clockTime('time_of_day'),
  environment_type: text('environment_type').notNull(),
  success: boolean('success'),
  image_embedding: vector('image_embedding', { dimensions: 512 }),
});

export const robotPerformanceMetrics = vlaapi.table(
  'robot_performance_metrics',
  {
    metric_id: int8('metric_id').primaryKey().generatedByDefaultAsIdentity(),
    customer_id: uuid('customer_id').notNull(),
    robot_type: text('robot_type').notNull(),
    model_name: text('model_name').notNull(),
    aggregation_date: date('aggregation_date').notNull(),
    total_inferences: int8('total_inferences').notNull(),
    success_count: int8('success_count').notNull(),
    success_rate: doublePrecision('success_rate').notNull(),
    avg_latency_ms: doublePrecision('avg_latency_ms'),
    p50_latency_ms: doublePrecision('p50_latency_ms'),
    p95_latency_ms: doublePrecision('p95_latency_ms'),
    p99_latency_ms: doublePrecision('p99_latency_ms'),
    avg_safety_score: doublePrecision('avg_safety_score'),
    action_statistics: jsonb('action_statistics').notNull().default(sql`'{}'`),
    common_instructions: text('common_instructions').array().notNull().default(sql`'{}'`),
    failure_patterns: jsonb('failure_patterns').notNull().default(sql`'{}'`),
  },
  (t) => [unique().on(t.customer_id, t.robot_type, t.model_name, t.aggregation_date)],
);

export const qualityGateFailures = vlaapi.table('quality_gate_failures', {
  failure_id: uuid('failure_id').primaryKey(),
  customer_id: uuid('customer_id').notNull(),
  session_id: uuid('session_id'),
  robot_type: text('robot_type'),
  field: text('field').notNull(),
  reason: text('reason').notNull(),
  rule: text('rule').notNull(),
  count: int8('count').notNull(),
  timestamp: time('timestamp').notNull(),
  source: text('source', { enum: ['rest', 'stream'] }).notNull(),
});

export const CONSENT_TIERS = ['none', 'basic', 'analytics', 'research'] as const;
export type ConsentTier = (typeof CONSENT_TIERS)[number];
export const ANONYMIZATION_LEVELS = ['full', 'partial'] as const;
export type AnonymizationLevel = (typeof ANONYMIZATION_LEVELS)[number];

export const customerDataConsent = vlaapi.table('customer_data_consent', {
  consent_id: int8('consent_id').primaryKey().generatedByDefaultAsIdentity(),
  customer_id: uuid('customer_id')
    .notNull()
    .unique()
    .references(() => customers.customer_id, { onDelete: 'cascade' }),
  consent_tier: text('consent_tier', { enum: CONSENT_TIERS }).notNull(),
  consent_version: integer('consent_version').notNull(),
  consented_at: time('consented_at').notNull(),
  expires_at: time('expires_at'),
  can_store_images: boolean('can_store_images').notNull(),
  can_store_embeddings: boolean('can_store_embeddings').notNull(),
  can_use_for_training: boolean('can_use_for_training').notNull(),
  anonymization_level: text('anonymization_level', { enum: ANONYMIZATION_LEVELS }).notNull(),
});

/** Append-only: the database refuses every update and delete. */
export const customerConsentAudit = vlaapi.table(
  'customer_consent_audit',
  {
    audit_id: int8('audit_id').primaryKey().generatedByDefaultAsIdentity(),
    customer_id: uuid('customer_id').notNull(),
    consent_version: integer('consent_version').notNull(),
    action: text('action', { enum: ['grant', 'update', 'revoke', 'expire'] }).notNull(),
    changed_by: uuid('changed_by'),
    request_id: uuid('request_id'),
    reason: text('reason'),
    changed_at: time('changed_at').notNull().defaultNow(),
    previous: jsonb('previous'),
    current: jsonb('current').notNull(),
  },
  (t) => [unique().on(t.customer_id, t.consent_version)],
);

export const erasures = vlaapi.table('erasures', {
  erasure_id: uuid('erasure_id').primaryKey(),
  customer_id: uuid('customer_id').notNull(),
  log_id: int8('log_id'),
  before: time('before').notNull(),
  requested_by: uuid('requested_by'),
  requested_at: time('requested_at').notNull().defaultNow(),
  finished_at: time('finished_at'),
  report: jsonb('report'),
});

export const archiveMetadata = vlaapi.table('archive_metadata', {
  archive_id: int8('archive_id').primaryKey().generatedByDefaultAsIdentity(),
  table_name: text('table_name').notNull(),
  object_key: text('object_key').notNull().unique(),
  starts_at: time('starts_at').notNull(),
  ends_at: time('ends_at').notNull(),
  row_count: int8('row_count').notNull(),
  size_bytes: int8('size_bytes').notNull(),
  sha256: text('sha256').notNull(),
  archived_at: time('archived_at').notNull().defaultNow(),
  dropped_at: time('dropped_at'),
});

/** What is billed. Days are UTC days, `YYYY-MM-DD`. */
export const usageDays = vlaapi.table(
  'usage_days',
  {
    customer_id: uuid('customer_id').notNull(),
    day: date('day').notNull(),
    tier: text('tier', { enum: CUSTOMER_TIERS }).notNull(),
    model_name: text('model_name').notNull(),
    inferences: int8('inferences').notNull().default(0),
    rejected: int8('rejected').notNull().default(0),
    micro_dollars: int8('micro_dollars').notNull().default(0),
  },
  (t) => [primaryKey({ columns: [t.customer_id, t.day, t.tier, t.model_name] })],
);

export const gatewayNodes = vlaapi.table('gateway_nodes', {
  node: smallint('node').primaryKey(),
  holder: uuid('holder').notNull(),
  renewed_at: time('renewed_at').notNull(),
  free_from: time('free_from').notNull(),
});

// Summaries, as a customer reads them: each view shows the named customer's rows of a materialised view, which our own
// processes read under the same name without `own_`.

const dailyUsage = {
  customer_id: uuid('customer_id').notNull(),
  date: date('date').notNull(),
  tier: text('tier', { enum: CUSTOMER_TIERS }).notNull(),
  inferences: int8('inferences').notNull(),
  rejected: int8('rejected').notNull(),
  micro_dollars: int8('micro_dollars').notNull(),
  models: text('models').array().notNull(),
  avg_latency_ms: doublePrecision('avg_latency_ms'),
  avg_safety_score: doublePrecision('avg_safety_score'),
};
export const dailyUsageSummary = vlaapi.materializedView('daily_usage_summary', dailyUsage).existing();
export const ownDailyUsageSummary = vlaapi.view('own_daily_usage_summary', dailyUsage).existing();

const monthlyBilling = {
  customer_id: uuid('customer_id').notNull(),
  /** Its first day. */
  month: date('month').notNull(),
  tier: text('tier', { enum: CUSTOMER_TIERS }).notNull(),
  active_days: int8('active_days').notNull(),
  inferences: int8('inferences').notNull(),
  rejected: int8('rejected').notNull(),
  micro_dollars: int8('micro_dollars').notNull(),
};
export const monthlyBillingSummary = vlaapi.materializedView('monthly_billing_summary', monthlyBilling).existing();
export const ownMonthlyBillingSummary = vlaapi.view('own_monthly_billing_summary', monthlyBilling).existing();

const safetyTrend = {
  customer_id: uuid('customer_id').notNull(),
  date: date('date').notNull(),
  robot_type: text('robot_type').notNull(),
  severity: text('severity').notNull(),
  violation_type: text('violation_type').notNull(),
  incidents: int8('incidents').notNull(),
  ticks: int8('ticks').notNull(),
  refusals: int8('refusals').notNull(),
  worst_excess: doublePrecision('worst_excess'),
  min_safety_score: doublePrecision('min_safety_score'),
};
export const safetyTrendSummary = vlaapi.materializedView('safety_trend_summary', safetyTrend).existing();
export const ownSafetyTrendSummary = vlaapi.view('own_safety_trend_summary', safetyTrend).existing();

const feedbackDays = {
  customer_id: uuid('customer_id').notNull(),
  date: date('date').notNull(),
  feedback: int8('feedback').notNull(),
  logs: int8('logs').notNull(),
  success_ratings: int8('success_ratings').notNull(),
  avg_success_rating: doublePrecision('avg_success_rating'),
  safety_ratings: int8('safety_ratings').notNull(),
  avg_safety_rating: doublePrecision('avg_safety_rating'),
  corrections: int8('corrections').notNull(),
  avg_correction_magnitude: doublePrecision('avg_correction_magnitude'),
  failures: int8('failures').notNull(),
  failure_reasons: jsonb('failure_reasons').$type<Readonly<Record<string, number>>>().notNull(),
  inferences: int8('inferences').notNull(),
  feedback_rate: doublePrecision('feedback_rate'),
};
export const feedbackAnalytics = vlaapi.materializedView('feedback_analytics', feedbackDays).existing();
export const ownFeedbackAnalytics = vlaapi.view('own_feedback_analytics', feedbackDays).existing();
