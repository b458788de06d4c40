import type { ErrorCode } from './errors.js';
import type { ModelDescription } from './model-description.js';
import type { HoldReason, Pacing } from './vocabulary.js';

// Server to client. Field names are the wire's.

export interface Opened {
  type: 'opened';
  session_id: string;
  resume_token: string;
  /** Rises by one with every resume. */
  epoch: number;
  resumed: boolean;
  estopped: boolean;
  control_hz: number;
  pacing: Pacing;
  limits: { max_frame_bytes: number; stale_after_ms: number };
  server_time_ms: number;
  /** The limits in force, each with its origin; @sinew/control's LimitsInForce. */
  robot: object;
  model: ModelDescription;
}

export interface Safety {
  score: number;
  /** 0-4. */
  checks_passed: number;
  flags: string[];
  clamped: boolean;
}

export interface Latency {
  queue_ms: number;
  inference_ms: number;
  total_ms: number;
}

export interface Action {
  type: 'action';
  /** The control tick. Shared with `hold`, rises strictly, may have gaps. */
  seq: number;
  observation_seq: number;
  /** [D]; for delta spaces metres and radians per tick. */
  values: Float64Array;
  age_ms: number;
  safety: Safety;
  /** Of the chunk it came from. */
  latency: Latency;
  /** Of the newest chunk that contributed. */
  log_id: number;
}

export interface Chunk {
  type: 'chunk';
  observation_seq: number;
  first_tick: number;
  dt_ms: number;
  /** [H, D] of `values`. */
  shape: [number, number];
  /** Row-major [H, D]. */
  values: Float32Array;
  /** The commanded pose the chunk starts from, or null where the action space has none. */
  start_pose: Float64Array | null;
  /** The braking tail, row-major [Hs, D]; played when nothing follows the chunk. */
  stop: Float32Array;
  safety: Safety;
  latency: Latency;
  log_id: number;
}

export interface Hold {
  type: 'hold';
  seq: number;
  reason: HoldReason;
  /** [D]; the stop action of this tick. */
  values: Float64Array;
}

export interface Notice {
  type: 'notice';
  code: string;
  message: string;
}

export interface ErrorMessage {
  type: 'error';
  code: ErrorCode;
  message: string;
  fatal: boolean;
  field?: string;
  reason?: string;
  details?: Record<string, unknown>;
  observation_seq?: number;
}

export interface Pong {
  type: 'pong';
  /** Of the ping. */
  sent_at_ms: number;
  /** When the ping reached the server, server clock. */
  received_at_ms: number;
  /** When the pong left, server clock. */
  server_time_ms: number;
}

export interface Closed {
  type: 'closed';
  reason: string;
  resumable: boolean;
  counters: Record<string, number>;
}

export type ServerMessage = Opened | Action | Chunk | Hold | Notice | ErrorMessage | Pong | Closed;
export type ServerMessageType = ServerMessage['type'];
