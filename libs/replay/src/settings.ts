import { type ControlSpec, checkSpec, type LimitsInForce, type LimitsRequest, resolveLimits } from '@sinew/control';
import type { SessionRecord } from '@sinew/journal';
import type { Blend, FreshOpen, SafetyMode, SessionLimits, Smoothing } from '@sinew/protocol';
import { findRobot } from '@sinew/robots';

/** What is to be different from the recorded session; what is absent stays as it was. */
export interface OtherSettings {
  readonly blend?: Blend;
  readonly smoothing?: Smoothing;
  /** Only a longer horizon can be shown: chunks that it would not have asked for are left out. */
  readonly execute?: number;
  readonly mode?: SafetyMode;
  /** In place of the session's own tightening, a value at a time. */
  readonly limits?: SessionLimits;
}

/** A recorded session, or settings for it, that no loop can be built from. `field` is the setting's name. */
export class ReplayError extends Error {
  override readonly name = 'ReplayError';
  readonly field: string;

  constructor(field: string, reason: string) {
    super(field === '' ? reason : `${field}: ${reason}`);
    this.field = field;
  }
}

type Configured = Pick<SessionRecord, 'control' | 'limits'> & Partial<Pick<SessionRecord, 'asked'>>;

/** The control loop's spec of a recorded session, with other settings where there are some. Throws a ReplayError. */
export function specOf(record: Configured, other: OtherSettings): ControlSpec {
  if (typeof record.control !== 'object' || record.control === null) {
    throw new ReplayError('', 'recorded by a version that did not note what its control loop was built from');
  }
  const control = record.control as Omit<ControlSpec, 'limits'>;
  const recorded: ControlSpec = { ...control, limits: record.limits as LimitsInForce };
  if (Object.keys(other).length === 0) return recorded;
  const { blend, execute, smoothing } = other;
  const spec: ControlSpec = {
    ...recorded,
    ...(blend === undefined ? {} : { blend }),
    ...(smoothing === undefined ? {} : { smoothing }),
    ...(execute === undefined ? {} : { execute }),
    limits: otherLimits(record, recorded, other),
  };
  const fault = checkSpec(spec);
  if (fault !== null) throw new ReplayError(fault.field, fault.reason);
  return spec;
}

/** Resolved anew from what the client had asked for: the registry of now, not of the recording, says what the robot may. */
function otherLimits(
  { asked }: Configured,
  { limits, hz }: ControlSpec,
  { mode, limits: tighten }: OtherSettings,
): LimitsInForce {
  if (mode === undefined && tighten === undefined) return limits;
  const robot = findRobot(limits.robot_type);
  if (robot === undefined) throw new ReplayError('limits', `${limits.robot_type} is not in the registry any more`);
  const open = (asked ?? {}) as Pick<FreshOpen, 'limits' | 'keep_out'>;
  const { workspace } = limits;
  const request: LimitsRequest = {
    robot,
    actionSpace: limits.action_space,
    mode: mode ?? limits.mode,
    hz,
    tighten: { ...open.limits, mode: mode ?? limits.mode, ...tighten },
    ...(workspace?.origin === 'session' ? { workspace } : {}),
    ...(open.keep_out === undefined ? {} : { keepOut: open.keep_out }),
  };
  const resolved = resolveLimits(request);
  if (!resolved.ok) throw new ReplayError(resolved.field, resolved.reason);
  return resolved.limits;
}
