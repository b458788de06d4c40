// The words of the wire that are not messages: action spaces, pacings, reasons. Values are what goes over the socket.

/** The subprotocol offered at the upgrade; W1. */
export const SUBPROTOCOL = 'sinew.v1';
/** Browsers cannot set `Authorization`: they offer this prefix + key as a second subprotocol; W2. */
export const BEARER_SUBPROTOCOL_PREFIX = 'bearer.';
/** Counts the compatible changes of `sinew.v1`; raised with every change of a schema (schema-hash.test.ts). */
export const PROTOCOL_REVISION = 5;
export const STREAM_PATH = '/v1/stream';

export const ACTION_SPACES = ['ee_delta', 'joint_position', 'joint_delta', 'joint_velocity'] as const;
export type ActionSpace = (typeof ACTION_SPACES)[number];

export const PACINGS = ['paced', 'chunked', 'lockstep'] as const;
export type Pacing = (typeof PACINGS)[number];

export const BLENDS = ['latest', 'weighted', 'temporal_ensemble', 'rtc'] as const;
export type Blend = (typeof BLENDS)[number];

export const SMOOTHINGS = ['none', 'ema', 'one_euro', 'butterworth2', 'jerk_limited'] as const;
export type Smoothing = (typeof SMOOTHINGS)[number];

/** Why a tick is a hold, highest first: of several causes at one tick the first in this list is the `reason`; S12. */
export const HOLD_PRIORITY = ['estop', 'draining', 'safety', 'model_error', 'stale', 'starved'] as const;
export type HoldReason = (typeof HOLD_PRIORITY)[number];

export const SAFETY_MODES = ['reduced', 'full'] as const;
export type SafetyMode = (typeof SAFETY_MODES)[number];

/** A step of a policy that scores less is not sent, unless its speed is all that lowers the score. */
export const LEAST_SAFETY_SCORE = 0.7;

/** Bounds of what a frame may hold (W5, W6), in one place because both sides and the documentation quote them. */
export const WIRE_LIMITS = {
  /** Values outside `bin`: every msgpack object counts, keys and containers too. */
  maxValues: 4096,
  maxMapKeys: 64,
  /** Containers inside each other; the frame's own map is depth 1. */
  maxDepth: 8,
  minImageSide: 64,
  maxImageSide: 2048,
  minEncodedImageBytes: 1024,
  maxInstructionChars: 1000,
  maxCameras: 16,
  maxStateDim: 256,
  maxKeepOut: 32,
} as const;
