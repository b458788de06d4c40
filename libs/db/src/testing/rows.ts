import { v7 as uuidv7 } from 'uuid';
import type { EpisodeRow, IncidentRow, InferenceRow, QualityFailureRow, SessionRow } from '../shipping-rows.js';

let nextLogId = 1;

/** A plausible row; every one with its own ids. */
export function inferenceRow(overrides: Partial<InferenceRow> = {}): InferenceRow {
  return {
    log_id: nextLogId++,
    timestamp: '2026-11-06T10:20:30.456Z',
    request_id: uuidv7(),
    customer_id: uuidv7(),
    key_id: uuidv7(),
    session_id: uuidv7(),
    episode: 0,
    robot_id: 'arm-1',
    robot_type: 'franka_panda',
    model_name: 'tabletop-v1',
    model_version: '1',
    instruction: 'pick up the red cube',
    instruction_category: 'pick',
    image_shape: [96, 96, 3],
    observation_seq: 7,
    observation_age_ms: 12.5,
    base_tick: 70,
    state: [0.1, 0.2, 0.3],
    action_vector: [3, 4],
    action_magnitude: 5,
    chunk: new Uint8Array(new Float32Array([3, 4, 5, 6]).buffer),
    chunk_steps: 2,
    action_dim: 2,
    safety_score: 0.9,
    safety_flags: ['clamped_velocity'],
    inference_latency_ms: 20,
    queue_wait_ms: 1,
    decode_ms: 2,
    gpu_compute_ms: 10,
    status: 'ok',
    error_message: null,
    ...overrides,
  };
}

export function sessionRow(overrides: Partial<SessionRow> = {}): SessionRow {
  return {
    session_id: uuidv7(),
    customer_id: uuidv7(),
    key_id: uuidv7(),
    robot_id: 'arm-1',
    robot_type: 'franka_panda',
    model: 'tabletop-v1',
    model_version: '1',
    control_hz: 10,
    pacing: 'paced',
    environment: { environment_type: 'lab' },
    client: { name: 'test' },
    limits: { v: 0.25 },
    epoch: 0,
    opened_at: '2026-11-06T10:00:00.000Z',
    closed_at: null,
    reason: null,
    counters: null,
    ...overrides,
  };
}

export function episodeRow(overrides: Partial<EpisodeRow> = {}): EpisodeRow {
  return {
    session_id: uuidv7(),
    episode: 0,
    customer_id: uuidv7(),
    robot_id: 'arm-1',
    instruction: 'pick up the red cube',
    started_at: '2026-11-06T10:00:00.000Z',
    ended_at: null,
    ticks: 10,
    success: null,
    first_log_id: 1,
    last_log_id: 2,
    ...overrides,
  };
}

export function incidentRow(overrides: Partial<IncidentRow> = {}): IncidentRow {
  return {
    incident_id: uuidv7(),
    customer_id: uuidv7(),
    key_id: uuidv7(),
    session_id: uuidv7(),
    episode: 0,
    robot_id: 'arm-1',
    robot_type: 'franka_panda',
    model_name: 'tabletop-v1',
    model_version: '1',
    environment_type: 'lab',
    opened_at: '2026-11-06T10:00:00.000Z',
    last_violation_at: '2026-11-06T10:00:01.000Z',
    closed_at: null,
    severity: 'medium',
    violation_type: 'workspace',
    violation_types: ['workspace'],
    ticks: 3,
    refusals: 0,
    worst_tick: 17,
    worst_excess: 0.5,
    safety_score: 0.8,
    action_taken: 'clamped',
    proposed_action: [0.5, 0, 1],
    sent_action: [0.02, 0, 1],
    instruction: 'pick up the red cube',
    log_id: 7,
    log_timestamp: '2026-11-06T09:59:59.999Z',
    ...overrides,
  };
}

export function qualityFailureRow(overrides: Partial<QualityFailureRow> = {}): QualityFailureRow {
  return {
    failure_id: uuidv7(),
    customer_id: uuidv7(),
    session_id: uuidv7(),
    robot_type: 'franka_panda',
    field: 'image',
    reason: 'wrong_size',
    rule: 'image.wrong_size',
    count: 3,
    timestamp: '2026-11-06T10:00:00.000Z',
    source: 'stream',
    ...overrides,
  };
}
