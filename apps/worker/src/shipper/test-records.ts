// Journal records for the shipper's tests.
import type {
  InferenceRecord,
  RejectedObservationsEvent,
  ResetEvent,
  SafetyIncidentEvent,
  SessionRecord,
  TicksRecord,
} from '@sinew/journal';

export const CUSTOMER = '01980000-0000-7000-8000-00000000000a';
export const SESSION = '01980000-0000-7000-8000-00000000000b';
export const KEY = '01980000-0000-7000-8000-00000000000d';
export const START_MS = Date.UTC(2026, 10, 21, 12);

const common = { v: 1, customer_id: CUSTOMER, session_id: SESSION, t_ms: START_MS } as const;

export function open(overrides: Partial<SessionRecord> = {}): SessionRecord {
  return {
    ...common,
    kind: 'session',
    event: 'open',
    log_id: null,
    key_id: KEY,
    robot_id: 'arm-1',
    robot_type: 'franka_panda',
    model_id: 'tabletop-v1',
    model_version: '1',
    control_hz: 10,
    pacing: 'paced',
    execute: 4,
    blend: 'latest',
    smoothing: 'none',
    limits: { v: 0.25 },
    instruction: 'put the red cube on the plate',
    environment: null,
    client: null,
    epoch: 1,
    ...overrides,
  };
}

export function close(overrides: Partial<SessionRecord> = {}): SessionRecord {
  return open({ event: 'close', t_ms: START_MS + 9_000, reason: 'client', counters: { ticks: 3 }, ...overrides });
}

export function inference(overrides: Partial<InferenceRecord> = {}): InferenceRecord {
  return {
    ...common,
    kind: 'inference',
    log_id: 1,
    request_id: '01980000-0000-7000-8000-00000000000c',
    key_id: KEY,
    episode: 0,
    robot_id: 'arm-1',
    robot_type: 'franka_panda',
    model_id: 'tabletop-v1',
    model_version: '1',
    instruction: 'pick up the red cube and put it on the plate',
    observation_seq: 1,
    observation_age_ms: 12.5,
    base_tick: 0,
    state: [0.1, 0.2, 0.3],
    image_shape: [96, 96, 3],
    chunk: new Uint8Array(8),
    shape: [1, 2],
    queue_ms: 1,
    decode_ms: 1,
    inference_ms: 5,
    total_ms: 8,
    status: 'ok',
    safety_score: 1,
    safety_flags: [],
    ...overrides,
  };
}

export function ticks(seq: readonly number[], overrides: Partial<TicksRecord> = {}): TicksRecord {
  const none = seq.map(() => 0);
  return {
    ...common,
    kind: 'ticks',
    log_id: null,
    episode: 0,
    seq,
    dt_ms: 100,
    log_ids: none,
    dim: 1,
    proposed: new Uint8Array(8 * seq.length),
    sent: new Uint8Array(8 * seq.length),
    flags: none,
    score: none,
    kinds: none,
    ...overrides,
  };
}

export function reset(episode: number, success: boolean | null, t_ms = START_MS + 2_000): ResetEvent {
  return {
    ...common,
    kind: 'event',
    event: 'reset',
    log_id: null,
    t_ms,
    robot_id: 'arm-1',
    episode,
    data: {},
    ...(success === null ? {} : { outcome: { success } }),
  };
}

export function rejected(
  data: Partial<RejectedObservationsEvent['data']> = {},
  overrides: Partial<RejectedObservationsEvent> = {},
): RejectedObservationsEvent {
  return {
    ...common,
    kind: 'event',
    event: 'rejected_observations',
    log_id: null,
    robot_id: 'arm-1',
    episode: 0,
    data: {
      failure_id: '01980000-0000-7000-8000-00000000000f',
      field: 'images.main',
      reason: '# × # is outside #-# px a side',
      rule: 'image.wrong_size',
      count: 7,
      robot_type: 'franka_panda',
      source: 'stream',
      ...data,
    },
    ...overrides,
  };
}

export function incident(
  data: Partial<SafetyIncidentEvent['data']> = {},
  overrides: Partial<SafetyIncidentEvent> = {},
): SafetyIncidentEvent {
  return {
    ...common,
    kind: 'event',
    event: 'safety_incident',
    log_id: null,
    robot_id: 'arm-1',
    episode: 0,
    data: {
      incident_id: '01980000-0000-7000-8000-00000000000e',
      key_id: KEY,
      robot_type: 'franka_panda',
      model_id: 'tabletop-v1',
      model_version: '1',
      environment_type: null,
      opened_ms: START_MS,
      last_ms: START_MS + 100,
      closed_ms: null,
      severity: 'medium',
      violation_type: 'workspace',
      violation_types: ['workspace'],
      ticks: 2,
      refusals: 0,
      worst_tick: 4,
      worst_excess: 0.5,
      safety_score: 0.8,
      action_taken: 'clamped',
      proposed: [0.5],
      sent: [0.1],
      instruction: 'put the red cube on the plate',
      log_id: null,
      ...data,
    },
    ...overrides,
  };
}
