import type { ClientMessage, ModelDescription, ServerMessage } from '../index.js';

// One example of every message, with a value in each optional field and integers above 32 bits where the wire allows them.

export const MODEL: ModelDescription = {
  id: 'tabletop-v1',
  version: '1.0.0',
  action_space: 'ee_delta',
  action_dim: 7,
  chunk_size: 8,
  inputs: {
    cameras: [{ name: 'front', width: 96, height: 96 }],
    state: { dim: 7, names: ['x', 'y', 'z', 'roll', 'pitch', 'yaw', 'gripper'] },
    text: { max_words: 16 },
  },
  action: {
    frame: 'base',
    rotation: 'rotvec',
    gripper: 'absolute_0_closed_1_open',
    pose: { position: [0, 1, 2], rotation: [3, 4, 5], gripper: 6 },
  },
};

const safety = { score: 0.875, checks_passed: 4, flags: ['velocity'], clamped: true };
const latency = { queue_ms: 1.5, inference_ms: 12, total_ms: 14.25 };

export const CLIENT_EXAMPLES: Readonly<Record<string, ClientMessage>> = {
  open: {
    type: 'open',
    robot_type: 'franka_panda',
    instruction: 'put the red cube into the bowl – слева',
    robot_id: 'cell-4.arm_1',
    model: 'tabletop-v1',
    control_hz: 12.5,
    pacing: 'chunked',
    execute: 4,
    smoothing: 'one_euro',
    blend: 'temporal_ensemble',
    stale_after_ms: 700,
    limits: { mode: 'reduced', v: 0.2, a: 1, j: 25, w: 1.5, dw: 7.5, ddw: 100, joint_scale: 0.5 },
    keep_out: [{ min: [0.1, -0.2, 0], max: [0.3, 0.2, 0.4] }],
    environment: {
      environment_type: 'laboratory',
      lighting_conditions: 'bright',
      workspace: { min: [-0.5, -0.5, 0], max: [0.5, 0.5, 0.5] },
    },
    client: { name: 'example', version: '0.1.0' },
  },
  'open (resume)': { type: 'open', resume: { session_id: '0190-f', token: 'tok' } },
  observation: {
    type: 'observation',
    seq: 4_294_967_296,
    captured_at_ms: 1_763_000_000_123.5,
    images: {
      front: { kind: 'encoded', data: new Uint8Array([0xff, 0xd8, 0xff, 0xd9]) },
      wrist: { kind: 'rgb8', data: new Uint8Array([1, 2, 3, 4, 5, 6]), width: 2, height: 1 },
    },
    state: new Float64Array([0.5, -0.25, 1, 0, -0, 0.1, 1]),
    applied_seq: 65_536,
    instruction: 'now the blue one',
  },
  instruction: { type: 'instruction', instruction: 'stack the cubes' },
  reset: { type: 'reset', outcome: { success: true } },
  estop: { type: 'estop' },
  estop_clear: { type: 'estop_clear' },
  ping: { type: 'ping', sent_at_ms: 1_763_000_000_000, echo: { server_time_ms: 17_000.25, received_at_ms: -5 } },
  close: { type: 'close' },
};

export const SERVER_EXAMPLES: Readonly<Record<string, ServerMessage>> = {
  opened: {
    type: 'opened',
    session_id: '0190-f',
    resume_token: 'tok',
    epoch: 1,
    resumed: true,
    estopped: false,
    control_hz: 10,
    pacing: 'paced',
    limits: { max_frame_bytes: 4_194_304, stale_after_ms: 500 },
    server_time_ms: 1_763_000_000_000,
    robot: {
      id: 'franka_panda',
      limits: { v: { value: 0.25, origin: 'mode' }, box: { value: null, origin: 'default' } },
    },
    model: MODEL,
  },
  action: {
    type: 'action',
    seq: 42,
    observation_seq: 17,
    values: new Float64Array([0.0125, -0.001, 0, 0, 0, 0.05, 1]),
    age_ms: 85.5,
    safety,
    latency,
    log_id: 1_234_567_890_123_456,
  },
  chunk: {
    type: 'chunk',
    observation_seq: 17,
    first_tick: 43,
    dt_ms: 100,
    shape: [2, 3],
    values: new Float32Array([0.5, -0.25, 1, 0.125, 0, 2]),
    start_pose: new Float64Array([0.25, 0, 0.5, 0, 0, 0, 1]),
    stop: new Float32Array([0.0625, 0, 2]),
    safety,
    latency,
    log_id: 1_234_567_890_123_457,
  },
  hold: { type: 'hold', seq: 44, reason: 'starved', values: new Float64Array([0, 0, 0, 0, 0, 0, 1]) },
  notice: { type: 'notice', code: 'superseded', message: '3 observations were replaced by newer ones' },
  error: {
    type: 'error',
    code: 'validation_failed',
    message: 'state: must have 7 entries, has 6',
    fatal: false,
    field: 'state',
    reason: 'must have 7 entries, has 6',
    details: { expected: 7, nearest: ['franka_panda'] },
    observation_seq: 17,
  },
  pong: { type: 'pong', sent_at_ms: 1_763_000_000_000.5, received_at_ms: 5000, server_time_ms: 5000.125 },
  closed: { type: 'closed', reason: 'draining', resumable: false, counters: { ticks: 1200, missed_ticks: 0 } },
};

/** A picture header is all that the checks read: a JPEG of the given size, padded to `bytes`. */
export function jpegHeader(width: number, height: number, channels = 3, bytes = 2048): Uint8Array {
  const data = new Uint8Array(bytes);
  data.set([
    0xff,
    0xd8,
    0xff,
    0xe0,
    0,
    4,
    0,
    0,
    0xff,
    0xc0,
    0,
    17,
    8,
    height >> 8,
    height & 255,
    width >> 8,
    width & 255,
    channels,
  ]);
  return data;
}
