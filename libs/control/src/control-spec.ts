import type { ActionConvention, Blend, Smoothing } from '@sinew/protocol';
import type { LimitsInForce } from './limits.js';

/** Everything a control loop is built from. Plain data. */
export interface ControlSpec {
  readonly limits: LimitsInForce;
  readonly actionSpace: LimitsInForce['action_space'];
  /** D: 7 for `ee_delta`. */
  readonly dim: number;
  /** H: entries of a chunk. */
  readonly chunkSize: number;
  readonly hz: number;
  /** Execution horizon s (L2): 1 … H. */
  readonly execute: number;
  /** `rtc` only for a policy that takes what `prefix` gives. */
  readonly blend: Blend;
  readonly smoothing: Smoothing;
  readonly action: ActionConvention;
  /** Default 0.7. */
  readonly minSafetyScore?: number;
}

export interface SpecFault {
  readonly field: string;
  readonly reason: string;
}

export class ControlSpecError extends Error {
  override readonly name = 'ControlSpecError';
  readonly field: string;
  readonly reason: string;

  constructor(fault: SpecFault) {
    super(`${fault.field}: ${fault.reason}`);
    this.field = fault.field;
    this.reason = fault.reason;
  }
}

/** Why no loop can be built from this spec, or null. Ask before a session opens; the constructor throws the same. */
export function checkSpec(spec: ControlSpec): SpecFault | null {
  const { chunkSize, execute, hz } = spec;
  if (spec.actionSpace !== 'ee_delta' || spec.limits.action_space !== spec.actionSpace) {
    return { field: 'action_space', reason: `${spec.actionSpace} has no governor; only ee_delta` };
  }
  if (spec.dim !== 7)
    return { field: 'action_dim', reason: 'ee_delta has 7: three of position, three of rotation, gripper' };
  if (!Number.isInteger(chunkSize) || chunkSize < 1)
    return { field: 'chunk_size', reason: 'must be an integer, at least 1' };
  if (!Number.isInteger(execute) || execute < 1 || execute > chunkSize) {
    return { field: 'execute', reason: `must be an integer from 1 to the chunk size (${chunkSize})` };
  }
  if (hz !== spec.limits.control_hz) return { field: 'control_hz', reason: 'limits were resolved for another rate' };
  if (spec.action.frame !== 'base')
    return { field: 'action.frame', reason: 'only actions in the base frame are governed' };
  if (spec.action.pose === null && spec.smoothing !== 'none') {
    return { field: 'smoothing', reason: 'needs a policy whose state holds the pose' };
  }
  const least = spec.minSafetyScore;
  if (least !== undefined && !(least >= 0 && least <= 1))
    return { field: 'min_safety_score', reason: 'must be 0 to 1' };
  return null;
}
