/** One bit each, OR-ed into `flags`; those of CLAMP_FLAGS say why what was sent differs from what was proposed. */
export const FLAG = {
  workspace: 1 << 0,
  velocity: 1 << 1,
  acceleration: 1 << 2,
  jerk: 1 << 3,
  rotation_velocity: 1 << 4,
  rotation_acceleration: 1 << 5,
  rotation_jerk: 1 << 6,
  gripper: 1 << 7,
  /** Acceleration or jerk were not kept: the measured pose jumped, and position outranks them. */
  emergency: 1 << 8,
  /** The measured pose was further from the commanded one than the leash (D1). */
  drift: 1 << 9,
  /** Ticks were missing before this one: motion starts from rest. */
  restart: 1 << 10,
  /** The policy's own step broke a check (score). */
  policy_workspace: 1 << 11,
  policy_dynamics: 1 << 12,
  policy_collision: 1 << 13,
  /** The entry or chunk scored below the session's least score, or was not finite: not sent. */
  rejected: 1 << 14,
  not_finite: 1 << 15,
  /** A keep-out volume was in the way. */
  keep_out: 1 << 16,
  /** A joint's range ended. */
  joint_limit: 1 << 17,
  /** Near a singularity the tool is slowed down, at one only led away from it. */
  singularity: 1 << 18,
  /** Positions are sent from where the robot was found standing, not from where it was left. */
  relocated: 1 << 19,
} as const;

export type FlagName = keyof typeof FLAG;

/** The bits that mean "sent differs from proposed". */
export const CLAMP_FLAGS = ((FLAG.gripper << 1) - 1) | FLAG.keep_out | FLAG.joint_limit | FLAG.singularity;

const NAMES = Object.keys(FLAG) as FlagName[];

/** The names in a mask, lowest bit first. */
export function flagNames(mask: number): FlagName[] {
  return NAMES.filter((name) => (mask & FLAG[name]) !== 0);
}
