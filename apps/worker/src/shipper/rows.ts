// Journal records as the database's rows.
import { findValidator, instructionCategory } from '@sinew/contracts';
import type { IncidentRow, InferenceRow, QualityFailureRow, SessionRow } from '@sinew/db';
import {
  type InferenceRecord,
  logIdTimeMs,
  type RejectedObservationsEvent,
  type SafetyIncidentEvent,
  type SessionRecord,
} from '@sinew/journal';

export function isoTime(unixMs: number): string {
  return new Date(unixMs).toISOString();
}

export function inferenceRow(
  record: InferenceRecord,
  category: (instruction: string) => string = instructionCategory,
): InferenceRow {
  const action = firstAction(record.chunk, record.shape);
  return {
    log_id: record.log_id,
    timestamp: isoTime(logIdTimeMs(record.log_id)),
    request_id: record.request_id,
    customer_id: record.customer_id,
    key_id: record.key_id,
    session_id: record.session_id,
    episode: record.session_id === null ? null : record.episode,
    robot_id: record.robot_id,
    robot_type: record.robot_type,
    model_name: record.model_id,
    model_version: record.model_version,
    instruction: record.instruction,
    instruction_category: category(record.instruction),
    image_shape: record.image_shape,
    observation_seq: record.observation_seq,
    observation_age_ms: record.observation_age_ms,
    base_tick: record.base_tick,
    state: record.state,
    action_vector: action,
    action_magnitude: action.length === 0 ? null : Math.hypot(...action),
    chunk: record.chunk,
    chunk_steps: record.shape[0],
    action_dim: record.shape[1],
    safety_score: record.safety_score,
    safety_flags: record.safety_flags,
    inference_latency_ms: record.total_ms,
    queue_wait_ms: record.queue_ms,
    decode_ms: record.decode_ms,
    gpu_compute_ms: record.inference_ms,
    // A chunk is refused by the governor only.
    status: record.status === 'rejected' ? 'safety_rejected' : record.status,
    error_message: record.error ?? null,
  };
}

/** Entry 0 of a float32 little-endian [H, D] chunk; empty where there is none. The bytes may stand at any alignment. */
function firstAction(chunk: Uint8Array, [steps, dim]: readonly [number, number]): number[] {
  if (steps === 0 || chunk.byteLength < 4 * dim) return [];
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  const action = new Array<number>(dim);
  for (let i = 0; i < dim; i++) action[i] = view.getFloat32(4 * i, true);
  return action;
}

export function sessionRow(record: SessionRecord, openedMs: number): SessionRow {
  const closed = record.event === 'close';
  return {
    session_id: record.session_id,
    customer_id: record.customer_id,
    key_id: record.key_id,
    robot_id: record.robot_id,
    robot_type: record.robot_type,
    model: record.model_id,
    model_version: record.model_version,
    control_hz: record.control_hz,
    pacing: record.pacing,
    environment: record.environment ?? null,
    client: record.client ?? null,
    limits: record.limits ?? null,
    epoch: record.epoch,
    opened_at: isoTime(openedMs),
    closed_at: closed ? isoTime(record.t_ms) : null,
    reason: closed ? (record.reason ?? 'closed') : null,
    counters: closed ? (record.counters ?? null) : null,
  };
}

export function incidentRow({ customer_id, session_id, episode, robot_id, data }: SafetyIncidentEvent): IncidentRow {
  return {
    incident_id: data.incident_id,
    customer_id,
    key_id: data.key_id,
    session_id,
    episode,
    robot_id,
    robot_type: data.robot_type,
    model_name: data.model_id,
    model_version: data.model_version,
    environment_type: data.environment_type,
    opened_at: isoTime(data.opened_ms),
    last_violation_at: isoTime(data.last_ms),
    closed_at: data.closed_ms === null ? null : isoTime(data.closed_ms),
    severity: data.severity,
    violation_type: data.violation_type,
    violation_types: data.violation_types,
    ticks: data.ticks,
    refusals: data.refusals,
    worst_tick: data.worst_tick,
    worst_excess: data.worst_excess,
    safety_score: data.safety_score,
    action_taken: data.action_taken,
    proposed_action: data.proposed,
    sent_action: data.sent,
    instruction: data.instruction,
    log_id: data.log_id,
    log_timestamp: data.log_id === null ? null : isoTime(logIdTimeMs(data.log_id)),
  };
}

/**
 * Under the words of the table where the rule stands in it: a session's record tells the client's own field and reason. Null for
 * records from before they had a name of their own, which cannot be told apart when shipped twice.
 */
export function qualityFailureRow(record: RejectedObservationsEvent): QualityFailureRow | null {
  const { customer_id, data, session_id, t_ms } = record;
  const { count, failure_id, robot_type = null, rule, source } = data;
  if (failure_id === undefined || rule === undefined) return null;
  const { field, reason } = findValidator(rule) ?? data;
  return {
    failure_id,
    customer_id,
    session_id,
    robot_type,
    field,
    reason,
    rule,
    count,
    timestamp: isoTime(t_ms),
    source: source ?? (session_id === null ? 'rest' : 'stream'),
  };
}
