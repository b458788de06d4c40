import type { HoldReason } from '@sinew/protocol';

export interface NewChunk {
  /** H·D numbers in the policy's units, row by row. */
  readonly actions: Float32Array;
  /** The state of the observation it was inferred from. */
  readonly state: Float64Array;
  /** The tick that observation was made just before: entry k is for tick baseTick + k. */
  readonly baseTick: number;
  /** The first tick not yet sent. */
  readonly nextTick: number;
  /** The caller's name for it (its log record); comes back in every tick it contributes to. */
  readonly ref: number;
}

export interface Adoption {
  readonly adopted: boolean;
  /** Ticks from nextTick on that the timeline now covers. */
  readonly usable: number;
  /** Metres between the old and the new target at nextTick (L6). */
  readonly seam: number;
  readonly score: number;
  readonly checksPassed: number;
  readonly flags: number;
  readonly reason?: 'expired' | 'unsafe' | 'not_finite' | 'wrong_length' | 'implausible';
}

export type Verdict = Pick<Adoption, 'score' | 'checksPassed' | 'flags'>;

/** Reused by the loop: copy what must outlive the next call. */
export interface TickResult {
  kind: 'action' | 'hold';
  reason: HoldReason | null;
  /** [D] what to send: dx dy dz rx ry rz a tick, gripper. In a hold the stop action. */
  readonly values: Float64Array;
  /** [D] what timeline and smoothing asked for; zero motion in a hold that has no target. */
  readonly proposed: Float64Array;
  /** Newest chunk that contributed, −1 in a hold without target. */
  ref: number;
  baseTick: number;
  score: number;
  checksPassed: number;
  flags: number;
  clamped: boolean;
}

/** A governed chunk, ready to send: fresh arrays. */
export interface Plan {
  /** [length, D] */
  readonly values: Float64Array;
  /** [stopLength, D] the braking tail after the last of values, then rest. */
  readonly stop: Float64Array;
  /** x y z roll pitch yaw gripper commanded before firstTick; null where the state holds no pose. */
  readonly startPose: Float64Array | null;
  readonly length: number;
  readonly stopLength: number;
  readonly score: number;
  readonly checksPassed: number;
  readonly flags: number;
  readonly clamped: boolean;
  /** Why the first hold in `values` is one; null if all are actions. */
  readonly reason: HoldReason | null;
}
