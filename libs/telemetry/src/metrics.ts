import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { HotCounter, HotCounterFamily, HotHistogram, HotHistogramFamily, registerFamily } from './hot.js';
import { LabelLimiter } from './label-limiter.js';

/** Seconds; inference on a small CPU policy to a remote 7B model. */
const LATENCY_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 1, 2.5];
/** Seconds; how old the observation behind an action was. */
const AGE_S = [0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 2];
/** Seconds; how far from its due time a control tick went out. */
const JITTER_S = [0.0002, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1];
const BATCH = [1, 2, 4, 8, 16, 32, 64];

export type Metrics = ReturnType<typeof createMetrics>;

/** Every metric of the gateway, once. Names follow the platform's `vla_` family. */
export function createMetrics() {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter({ name, help, labelNames, registers });
  const histogram = <L extends string>(name: string, help: string, labelNames: readonly L[], buckets: number[]) =>
    new Histogram({ name, help, labelNames, buckets, registers });
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge({ name, help, labelNames, registers });
  const hotCounter = (name: string, help: string): HotCounter => {
    const cell = new HotCounter();
    registerFamily(registry, name, help, 'counter', () => [{ labels: {}, value: cell.value }]);
    return cell;
  };
  const hotHistogram = (name: string, help: string, bounds: readonly number[]): HotHistogram => {
    const cell = new HotHistogram(bounds);
    registerFamily(registry, name, help, 'histogram', () => cell.values(name, {}));
    return cell;
  };

  return {
    registry,
    /** For labels that clients have a say in. */
    labels: new LabelLimiter(),
    // Requests
    inferenceRequests: new HotCounterFamily(
      registry,
      'vla_inference_requests_total',
      'Inferences finished, by outcome',
      'model',
      'robot_type',
      'status',
    ),
    inferenceDuration: new HotHistogramFamily(
      registry,
      'vla_inference_duration_seconds',
      'From receipt of an observation to its chunk, excluding the wait for the control tick',
      LATENCY_S,
      'model',
      'robot_type',
    ),
    apiRequests: counter('vla_api_requests_total', 'HTTP requests', ['method', 'endpoint', 'status']),
    apiDuration: histogram(
      'vla_api_request_duration_seconds',
      'HTTP request duration',
      ['method', 'endpoint'],
      LATENCY_S,
    ),
    // Queue and workers
    queueDepth: gauge('vla_inference_queue_depth', 'Sessions waiting for a policy worker', ['model']),
    horizonTicks: gauge(
      'vla_execution_horizon_ticks',
      'Control ticks that sessions execute of a chunk before they ask for the next, their mean',
      ['model'],
    ),
    queueWait: new HotHistogramFamily(
      registry,
      'vla_inference_queue_wait_seconds',
      'Wait for a policy worker',
      LATENCY_S,
      'model',
    ),
    batchSize: new HotHistogramFamily(registry, 'vla_inference_batch_size', 'Requests in one batch', BATCH, 'model'),
    batchCompute: new HotHistogramFamily(
      registry,
      'vla_inference_batch_seconds',
      'Policy time of one batch',
      LATENCY_S,
      'model',
      'size',
    ),
    deadlineMisses: counter('vla_inference_deadline_misses_total', 'Observations dropped because they went stale', [
      'model',
    ]),
    inferenceRetries: counter('vla_inference_retries_total', 'Inferences run again after a fault', ['model']),
    workersActive: gauge('vla_worker_active_count', 'Policy workers busy now', ['model']),
    workerUtilization: gauge('vla_worker_utilization_percent', 'Share of policy worker time in use', ['model']),
    serverUp: gauge('vla_policy_server_up', 'Whether a model server is in use: 1, or taken out: 0', [
      'model',
      'server',
    ]),
    serverFailures: counter(
      'vla_policy_server_failures_total',
      'How often a model server was taken out, or could not be taken in',
      ['model', 'server'],
    ),
    modelLoad: histogram(
      'vla_model_load_duration_seconds',
      'Load and warm-up of a policy',
      ['model'],
      [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    ),
    // Safety
    safetyChecks: new HotCounterFamily(registry, 'vla_safety_checks_total', 'Actions the governor judged', 'result'),
    safetyRejections: counter(
      'vla_safety_rejections_total',
      'Chunks and single steps that the governor refused, and instructions refused for what they ask',
      ['severity', 'violation_type'],
    ),
    safetyIncidents: counter('vla_safety_incidents_total', 'Safety incidents that are over, by their worst moment', [
      'severity',
      'violation_type',
    ]),
    directionMismatches: hotCounter(
      'vla_safety_direction_mismatches_total',
      'Episodes in which what was held went against the direction in the instruction',
    ),
    safetyModifications: new HotCounterFamily(
      registry,
      'vla_safety_modifications_total',
      'Actions the governor changed, by reason',
      'type',
    ),
    safetyScore: hotHistogram(
      'vla_safety_score_histogram',
      'Safety score of policy chunks',
      [0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1],
    ),
    // Validation
    validationFailures: counter('vla_validation_failures_total', 'What a rule on data refused, by the table’s words', [
      'field',
      'reason',
    ]),
    hardRejections: counter('vla_hard_rejections_total', 'What a quality gate refused', ['rule']),
    // Streaming
    sessions: gauge('vla_stream_sessions', 'Sessions by state', ['state']),
    connections: gauge('vla_stream_connections', 'Open sockets'),
    frames: new HotCounterFamily(registry, 'vla_stream_frames_total', 'Frames received, by type', 'type'),
    framesLimited: hotCounter('vla_stream_frames_limited_total', 'Frames dropped by the rate limit'),
    superseded: hotCounter('vla_stream_superseded_total', 'Observations replaced by a newer one before inference'),
    actions: hotCounter('vla_stream_actions_total', 'Actions sent'),
    chunks: hotCounter('vla_stream_chunks_total', 'Whole chunks sent'),
    holds: new HotCounterFamily(registry, 'vla_stream_holds_total', 'Holds sent, by reason', 'reason'),
    missedTicks: hotCounter('vla_stream_missed_ticks_total', 'Control ticks that a stalled server skipped'),
    shedTicks: hotCounter('vla_stream_shed_ticks_total', 'Ticks not sent to a slow consumer'),
    resumes: counter('vla_stream_resumes_total', 'Resume attempts', ['result']),
    closes: counter('vla_stream_closes_total', 'Sessions closed', ['reason']),
    actionAge: hotHistogram('vla_stream_action_age_seconds', 'Age of the observation behind an action', AGE_S),
    tickJitter: hotHistogram(
      'vla_stream_tick_jitter_seconds',
      'How far from its due time a control tick went out',
      JITTER_S,
    ),
    seamJump: hotHistogram(
      'vla_stream_seam_jump',
      'Distance between two chunks at their seam',
      [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2],
    ),
    // Limits, shared state
    rateLimited: new HotCounterFamily(
      registry,
      'vla_rate_limited_total',
      'What was refused for a limit of its customer: requests, frames, sessions, or the quota of the month',
      'scope',
    ),
    quotaUtilization: gauge(
      'vla_quota_utilization',
      'Share of the month’s inferences that a customer has used; only with metrics_customer_labels',
      ['customer_id'],
    ),
    deduplicationHits: hotCounter(
      'vla_deduplication_hits_total',
      'Requests whose request_id was used before: answered again, or refused',
    ),
    redisOperations: new HotCounterFamily(
      registry,
      'vla_redis_operations_total',
      'Commands sent to Redis',
      'operation',
    ),
    sharedStateFallback: gauge('vla_shared_state_fallback', '1 while Redis is away and this gateway limits on its own'),
    // Journal, database
    journalBytes: gauge(
      'vla_journal_bytes',
      'Bytes of the journal that are not in the database yet; they count against its budget',
    ),
    recordings: gauge('vla_recordings', 'Sessions being recorded, into files or to clients'),
    recordingBytes: gauge('vla_recording_bytes', 'Bytes of recordings kept here'),
    recordingsRefused: counter(
      'vla_recordings_refused_total',
      'Sessions not recorded, as recordings had their budget',
      [],
    ),
    recordingDropped: counter(
      'vla_recording_dropped_total',
      'What recordings left out because disk or client was too slow',
      ['what'],
    ),
    journalBudgetRatio: gauge('vla_journal_budget_ratio', 'Journal bytes over its disk budget'),
    eventLoopDelay: gauge('vla_event_loop_delay_seconds', 'Event loop delay of the gateway', ['quantile']),
  };
}
