import type { ActionConvention, Blend, Smoothing } from '@sinew/protocol';
import { findRobot } from '@sinew/robots';
import type { LimitsInForce } from './limits.js';

/** Everything a control loop is built from. Plain data. */
export interface ControlSpec {
  readonly limits: LimitsInForce;
  readonly actionSpace: LimitsInForce['action_space'];
  /** D: 7 for `ee_delta`; the joints, and one more where the gripper is commanded. */
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
  /** L8: ticks in which the robot was held do not age a chunk. Default: false, they do. */
  readonly holdsAgeNothing?: boolean;
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
  if (spec.limits.action_space !== spec.actionSpace) {
    return { field: 'action_space', reason: `${spec.actionSpace}, but limits of ${spec.limits.action_space}` };
  }
  const space = spec.actionSpace === 'ee_delta' ? checkPoses(spec) : checkJoints(spec);
  if (space !== null) return space;
  if (!Number.isInteger(chunkSize) || chunkSize < 1)
    return { field: 'chunk_size', reason: 'must be an integer, at least 1' };
  if (!Number.isInteger(execute) || execute < 1 || execute > chunkSize) {
    return { field: 'execute', reason: `must be an integer from 1 to the chunk size (${chunkSize})` };
  }
  if (hz !== spec.limits.control_hz) return { field: 'control_hz', reason: 'limits were resolved for another rate' };
  const least = spec.minSafetyScore;
  if (least !== undefined && !(least >= 0 && least <= 1))
    return { field: 'min_safety_score', reason: 'must be 0 to 1' };
  return null;
}

function checkPoses({ action, dim, limits, smoothing }: ControlSpec): SpecFault | null {
  if (dim !== 7)
    return { field: 'action_dim', reason: 'ee_delta has 7: three of position, three of rotation, gripper' };
  if (action.frame !== 'base') return { field: 'action.frame', reason: 'only actions in the base frame are governed' };
  if (action.pose === null && smoothing !== 'none')
    return { field: 'smoothing', reason: 'needs a policy whose state holds the pose' };
  const dof = findRobot(limits.robot_type)?.dof;
  const named = action.joints?.length;
  if (dof !== undefined && named !== undefined && named !== dof && named !== dof + 1)
    return { field: 'action.joints', reason: `${limits.robot_type} has ${dof} joints, not ${named}` };
  return null;
}

/** One value a joint, and one more where the gripper is commanded; which then is measured too, since a hold must know it. */
function checkJoints({ action, actionSpace, blend, dim, limits }: ControlSpec): SpecFault | null {
  const dof = limits.joints?.length ?? 0;
  if (dof === 0) return { field: 'limits.joints', reason: `${actionSpace} needs the limits of the joints` };
  if (dim !== dof && dim !== dof + 1) {
    return {
      field: 'action_dim',
      reason: `${limits.robot_type} has ${dof} joints: ${dof} values, or ${dof + 1} with the gripper, not ${dim}`,
    };
  }
  const entries = action.joints;
  if (entries !== undefined && (entries.length < dim || entries.length > dof + 1)) {
    return { field: 'action.joints', reason: `must name ${dim} entries of the state, not ${entries.length}` };
  }
  if (
    entries?.some((entry) => !Number.isInteger(entry) || entry < 0) ||
    new Set(entries).size < (entries?.length ?? 0)
  ) {
    return { field: 'action.joints', reason: 'must be different entries of the state' };
  }
  if (blend === 'rtc') return { field: 'blend', reason: 'rtc continues steps of the tool only' };
  const here = findRobot(limits.robot_type)?.geometry ?? null;
  if (limits.tcp === 'kinematics' && here === null) {
    return { field: 'robot_type', reason: `no geometry of ${limits.robot_type} here, which its limits need` };
  }
  return null;
}
