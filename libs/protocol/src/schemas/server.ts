import { z } from 'zod';
import { ERROR_CODES } from '../errors.js';
import type { ModelDescription } from '../model-description.js';
import type * as wire from '../server-messages.js';
import { ACTION_SPACES, HOLD_PRIORITY, PACINGS } from '../vocabulary.js';

// The shapes a server sends. `action`, `chunk`, `hold` and `pong` are read by hand (decode-server-frame.ts).

const real = z.number().min(-Number.MAX_SAFE_INTEGER).max(Number.MAX_SAFE_INTEGER);
const integer = z.int();
const count = integer.min(0);
const indices3 = z.tuple([count, count, count]);
const binary = z.instanceof(Uint8Array).meta({ title: 'bin' });

export const modelDescription = z.object({
  id: z.string(),
  version: z.string(),
  action_space: z.enum(ACTION_SPACES),
  action_dim: integer.min(1),
  chunk_size: integer.min(1),
  inputs: z.object({
    cameras: z.array(z.object({ name: z.string(), width: integer.min(1), height: integer.min(1) })),
    state: z.object({ dim: count, names: z.array(z.string()) }),
    text: z.object({ max_words: count }),
  }),
  action: z.object({
    frame: z.enum(['base', 'tool']),
    rotation: z.enum(['euler_xyz', 'rotvec']),
    gripper: z.literal('absolute_0_closed_1_open'),
    pose: z.object({ position: indices3, rotation: indices3, gripper: count }).nullable(),
    joints: z.array(count).min(1).exactOptional(),
  }),
}) satisfies z.ZodType<ModelDescription>;

export const opened = z.object({
  type: z.literal('opened'),
  session_id: z.string(),
  resume_token: z.string(),
  epoch: count,
  resumed: z.boolean(),
  estopped: z.boolean(),
  control_hz: real.positive(),
  pacing: z.enum(PACINGS),
  limits: z.object({ max_frame_bytes: count, stale_after_ms: real }),
  server_time_ms: real,
  robot: z.record(z.string(), z.unknown()),
  model: modelDescription,
}) satisfies z.ZodType<wire.Opened>;

const safety = z.object({
  score: real,
  checks_passed: integer.min(0).max(4),
  flags: z.array(z.string()),
  clamped: z.boolean(),
}) satisfies z.ZodType<wire.Safety>;
const latency = z.object({ queue_ms: real, inference_ms: real, total_ms: real }) satisfies z.ZodType<wire.Latency>;

export const action = z.object({
  type: z.literal('action'),
  seq: count,
  observation_seq: integer,
  values: z.array(real),
  age_ms: real,
  safety,
  latency,
  log_id: count,
});

export const chunk = z.object({
  type: z.literal('chunk'),
  observation_seq: integer,
  first_tick: count,
  dt_ms: real.positive(),
  shape: z.tuple([count, integer.min(1)]),
  values: binary,
  start_pose: z.array(real).nullable(),
  stop: binary,
  safety,
  latency,
  log_id: count,
});

export const hold = z.object({
  type: z.literal('hold'),
  seq: count,
  reason: z.enum(HOLD_PRIORITY),
  values: z.array(real),
});

export const notice = z.object({
  type: z.literal('notice'),
  code: z.string(),
  message: z.string(),
}) satisfies z.ZodType<wire.Notice>;

export const errorMessage = z.object({
  type: z.literal('error'),
  // a newer server may have codes that this client has not
  code: z.enum(ERROR_CODES).catch('internal'),
  message: z.string(),
  fatal: z.boolean(),
  field: z.string().exactOptional(),
  reason: z.string().exactOptional(),
  details: z.record(z.string(), z.unknown()).exactOptional(),
  observation_seq: integer.exactOptional(),
}) satisfies z.ZodType<wire.ErrorMessage>;

export const pong = z.object({
  type: z.literal('pong'),
  sent_at_ms: real,
  received_at_ms: real,
  server_time_ms: real,
}) satisfies z.ZodType<wire.Pong>;

export const closed = z.object({
  type: z.literal('closed'),
  reason: z.string(),
  resumable: z.boolean(),
  counters: z.record(z.string(), real),
}) satisfies z.ZodType<wire.Closed>;

/** Everything a server sends, by `type`. */
export const serverSchemas = { opened, action, chunk, hold, notice, error: errorMessage, pong, closed };
