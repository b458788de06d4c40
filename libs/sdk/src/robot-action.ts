import type { HoldReason } from '@sinew/protocol';

/**
 * Why the robot is held. Beside the server's reasons: `link`: the server is silent or out of reach; `rejected`: in lockstep
 * the observation got an error instead of a chunk.
 */
export type RobotHoldReason = HoldReason | 'link' | 'rejected';

/** One control tick's command. */
export interface RobotAction {
  readonly kind: 'action' | 'hold';
  /** [D], for delta spaces metres and radians per tick. In a hold the stop action of this tick. */
  readonly values: Float64Array;
  /** The control tick; for `local` holds of a paced session an estimate; -1 in the hold before a new session's first tick. */
  readonly seq: number;
  /** Null in an action. */
  readonly reason: RobotHoldReason | null;
  /** Milliseconds since the capture that it was inferred from, by this machine's clock; null in a hold, 0 in lockstep. */
  readonly ageMs: number | null;
  /** The observation it was inferred from. */
  readonly observationSeq: number | null;
  readonly logId: number | null;
  /** Whether the governor changed what the policy asked for. */
  readonly clamped: boolean;
  /** Made on this side, not by the server. */
  readonly local: boolean;
  /** Actions of the same chunk that wait behind this one; only in lockstep, else 0. */
  readonly remaining: number;
}

export function localHold(values: Float64Array, seq: number, reason: RobotHoldReason): RobotAction {
  return {
    kind: 'hold',
    values,
    seq,
    reason,
    ageMs: null,
    observationSeq: null,
    logId: null,
    clamped: false,
    local: true,
    remaining: 0,
  };
}
