import type { Blend, Pacing, SafetyMode, Smoothing } from './vocabulary.js';

// Client to server. Field names are the wire's. SI units; `_ms` is milliseconds.

export type Vector3 = [number, number, number];

/** An axis-aligned box in the session's frame, metres. */
export interface Box {
  min: Vector3;
  max: Vector3;
}

/** A ball, metres. */
export interface Sphere {
  center: Vector3;
  radius: number;
}

/** Everything with normal · x < offset (metres); a table at height z is normal [0, 0, 1], offset z. */
export interface HalfSpace {
  normal: Vector3;
  offset: number;
}

/** Where the tool centre point may not be, in the session's frame. */
export type KeepOut = Box | Sphere | HalfSpace;

/** Asks for tighter limits; never looser than the robot's record (K9). Velocities per second, m or rad. */
export interface SessionLimits {
  mode?: SafetyMode;
  v?: number;
  a?: number;
  j?: number;
  w?: number;
  dw?: number;
  ddw?: number;
  /** Scales the joint limits, (0, 1]. */
  joint_scale?: number;
}

export interface Environment {
  environment_type: string;
  lighting_conditions?: string;
  workspace?: Box;
}

export interface ClientInfo {
  name: string;
  version: string;
}

/** `open` of a new session. */
export interface FreshOpen {
  type: 'open';
  robot_type: string;
  instruction: string;
  robot_id?: string;
  model?: string;
  control_hz?: number;
  pacing?: Pacing;
  execute?: number;
  smoothing?: Smoothing;
  blend?: Blend;
  stale_after_ms?: number;
  limits?: SessionLimits;
  keep_out?: KeepOut[];
  environment?: Environment;
  client?: ClientInfo;
  resume?: undefined;
}

/** `open` that takes up a detached session (S7); everything else in it is ignored and not decoded. */
export interface ResumeOpen {
  type: 'open';
  resume: { session_id: string; token: string };
}

export type Open = FreshOpen | ResumeOpen;

export type WireImage =
  | { kind: 'encoded'; data: Uint8Array }
  | { kind: 'rgb8'; data: Uint8Array; width: number; height: number };

export interface Observation {
  type: 'observation';
  seq: number;
  /** The client's clock at the capture, milliseconds, any origin. */
  captured_at_ms: number;
  /** By camera name. Decoded maps have no prototype, so that no name is special. `data` is a view on the frame. */
  images: Record<string, WireImage>;
  state: Float64Array;
  /** `seq` of the last action executed before the capture. */
  applied_seq?: number;
  instruction?: string;
}

export interface Instruction {
  type: 'instruction';
  instruction: string;
}

export interface Reset {
  type: 'reset';
  /** Of the episode that ended. */
  outcome?: { success: boolean };
}

export interface Estop {
  type: 'estop';
}

export interface EstopClear {
  type: 'estop_clear';
}

export interface Ping {
  type: 'ping';
  sent_at_ms: number;
  /** Of the last pong: its `server_time_ms` and when it reached the client (client clock); W7. */
  echo?: { server_time_ms: number; received_at_ms: number };
}

export interface Close {
  type: 'close';
}

export type ClientMessage = Open | Observation | Instruction | Reset | Estop | EstopClear | Ping | Close;
export type ClientMessageType = ClientMessage['type'];
