import { ACTION_SPACES, type ActionSpace, type SafetyMode } from '@sinew/protocol';
import type { RobotRecord } from '@sinew/robots';
import { type CartesianLimits, type LimitsInForce, type LimitsResult, resolveLimits } from './limits.js';

export const CHECKS = [
  'joint_limits',
  'joint_velocity',
  'joint_acceleration',
  'tcp_box',
  'tcp_speed',
  'keep_outs',
  'reach',
  'singularity',
] as const;
export type Check = (typeof CHECKS)[number];

/** Whether a check holds what is sent to this robot, and by what or why not. */
export interface CheckStatus {
  readonly applies: boolean;
  readonly why: string;
}

type JointLimitsInForce = NonNullable<LimitsInForce['joints']>[number];
/** Limits of one joint, without what depends on the control rate. */
export type JointProfile = Omit<JointLimitsInForce, 'jerk_binds'>;

/** What a session of this robot gets before it tightens anything; plain data. */
export interface RobotProfile {
  readonly limits: Readonly<
    Record<
      SafetyMode,
      {
        readonly cartesian: CartesianLimits | null;
        /** In the record's order; null where joint actions are refused (`checks` says why). */
        readonly joints: readonly JointProfile[] | null;
      }
    >
  >;
  readonly action_spaces: Readonly<
    Record<
      ActionSpace,
      {
        /** Null: served. Else why a session in this action space is refused. */
        readonly refused: string | null;
        /** Served only with an `environment.workspace`: the record knows no reach to make a box of. */
        readonly needs_workspace: boolean;
        readonly checks: Readonly<Record<Check, CheckStatus>>;
      }
    >
  >;
}

/** Stands for any workspace where only what does not depend on it is asked. */
const SOME_BOX = { min: [-0.1, -0.1, -0.1], max: [0.1, 0.1, 0.1] } as const;
/** Stands for any control rate, likewise. */
const SOME_HZ = 10;

/**
 * The limits in force for a robot per safety mode, each value with its origin, and which checks apply per action space.
 * Everything is asked of `resolveLimits`, so that it is what sessions get.
 */
export function robotProfile(robot: RobotRecord): RobotProfile {
  const limits = (mode: SafetyMode) => ({
    cartesian: granted(ask(robot, 'ee_delta', mode).result)?.cartesian ?? null,
    joints: granted(ask(robot, 'joint_position', mode).result)?.joints?.map(withoutRate) ?? null,
  });
  return {
    limits: { reduced: limits('reduced'), full: limits('full') },
    action_spaces: Object.fromEntries(
      ACTION_SPACES.map((space) => {
        const { result, needsWorkspace } = ask(robot, space, 'reduced');
        return [
          space,
          {
            refused: result.ok ? null : `${result.field}: ${result.reason}`,
            needs_workspace: needsWorkspace,
            checks: result.ok ? checksOf(robot, result.limits, needsWorkspace) : none(result.reason),
          },
        ];
      }),
    ) as RobotProfile['action_spaces'],
  };
}

function ask(
  robot: RobotRecord,
  actionSpace: ActionSpace,
  mode: SafetyMode,
): { result: LimitsResult; needsWorkspace: boolean } {
  const request = { robot, actionSpace, mode, hz: SOME_HZ };
  const result = resolveLimits(request);
  if (result.ok || result.field !== 'environment.workspace') return { result, needsWorkspace: false };
  return { result: resolveLimits({ ...request, workspace: SOME_BOX }), needsWorkspace: true };
}

function granted(result: LimitsResult): LimitsInForce | null {
  return result.ok ? result.limits : null;
}

function withoutRate({ jerk_binds: _, ...joint }: JointLimitsInForce): JointProfile {
  return joint;
}

function none(reason: string): Record<Check, CheckStatus> {
  return Object.fromEntries(CHECKS.map((check) => [check, no(reason)])) as Record<Check, CheckStatus>;
}

const yes = (why: string): CheckStatus => ({ applies: true, why });
const no = (why: string): CheckStatus => ({ applies: false, why });

const NO_GEOMETRY = 'the registry has no geometry of this robot';
const TOOL_ACTIONS = 'actions move the tool; its joints are the robot controller’s own';

function checksOf(robot: RobotRecord, limits: LimitsInForce, needsWorkspace: boolean): Record<Check, CheckStatus> {
  return { ...jointChecks(robot, limits), ...toolChecks(robot, limits, needsWorkspace) };
}

function jointChecks(
  robot: RobotRecord,
  { joints }: LimitsInForce,
): Pick<Record<Check, CheckStatus>, 'joint_limits' | 'joint_velocity' | 'joint_acceleration'> {
  if (joints === undefined) {
    return { joint_limits: no(TOOL_ACTIONS), joint_velocity: no(TOOL_ACTIONS), joint_acceleration: no(TOOL_ACTIONS) };
  }
  const endless = joints.filter((joint) => joint.continuous).map((joint) => joint.name);
  const sloped = joints.some((joint) => joint.position_based_velocity !== null);
  const slowed = joints.some((joint) => joint.v.origin === 'mode');
  const braked = joints.filter((joint) => joint.v.origin === 'derived').map((joint) => joint.name);
  const derived = robot.joints.some((joint) => joint.acceleration === null);
  return {
    joint_limits: yes(
      endless.length === 0 ? 'every joint’s range' : `every joint’s range but ${endless.join(', ')}: endless`,
    ),
    joint_velocity: yes(
      slowed
        ? 'lowered in `reduced`, because the speed of the tool is not known'
        : sloped
          ? 'the record’s, lower towards the ends of the range by the vendor’s formula'
          : braked.length > 0
            ? `the record’s, lower for ${braked.join(', ')}, which could not brake soon enough`
            : 'the record’s',
    ),
    joint_acceleration: yes(
      derived ? 'derived where the record has none: 5 times the speed, jerk 25 times that' : 'the record’s',
    ),
  };
}

function toolChecks(
  robot: RobotRecord,
  { tcp, cartesian, reach, workspace }: LimitsInForce,
  needsWorkspace: boolean,
): Pick<Record<Check, CheckStatus>, 'tcp_box' | 'tcp_speed' | 'keep_outs' | 'reach' | 'singularity'> {
  if (tcp === 'unknown') {
    return {
      tcp_box: no(NO_GEOMETRY),
      tcp_speed: no(NO_GEOMETRY),
      keep_outs: no(NO_GEOMETRY),
      reach: no(NO_GEOMETRY),
      singularity: no(NO_GEOMETRY),
    };
  }
  const commanded = tcp === 'commanded';
  const point = commanded
    ? 'the commanded tool centre point'
    : `computed from the joints: ${robot.geometry?.tcp ?? ''}`;
  return {
    tcp_box:
      workspace === null
        ? no('the record knows no reach to make a box of; a session may give an environment.workspace')
        : yes(
            `${point}${needsWorkspace ? '; the box is the session’s environment.workspace, which it must give' : ''}`,
          ),
    tcp_speed: yes(
      commanded
        ? `speed, acceleration and jerk (speed: ${cartesian.v.origin})`
        : 'speed; acceleration and jerk are the joints’ own',
    ),
    keep_outs: yes(`those that a session names, for ${commanded ? 'the commanded point' : 'the computed point'}`),
    reach: reach.checked
      ? yes('while the session gives no workspace of its own')
      : no(robot.reach_m === null ? 'the record knows no reach' : 'off with a workspace of the session’s own'),
    singularity: singularityCheck(robot, commanded),
  };
}

function singularityCheck(robot: RobotRecord, commanded: boolean): CheckStatus {
  if (!commanded) return no('joints are commanded: nothing has to be inverted');
  if (robot.geometry === null) return no(NO_GEOMETRY);
  return yes('slowed down near one where the policy’s state reports the joints; else nobody knows how near it is');
}
