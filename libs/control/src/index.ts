export type { Adoption, NewChunk, Plan, TickResult } from './control-io.js';
export { ControlLoop, type Probe } from './control-loop.js';
export { type ControlSpec, ControlSpecError, checkSpec, type SpecFault } from './control-spec.js';
export {
  askedDirection,
  BASE_AXES,
  DIRECTIONS,
  type Direction,
  type DirectionAxes,
  type DirectionFinding,
  DirectionWatch,
} from './direction-watch.js';
export { ExecutedMotion } from './executed/executed-motion.js';
export { CLAMP_FLAGS, FLAG, type FlagName, flagNames } from './flags.js';
export type { Prefix } from './frozen-prefix.js';
export { GovernorFault } from './governor.js';
export {
  type ActionTaken,
  INCIDENT_QUIET_MS,
  type Incident,
  type IncidentNews,
  IncidentTracker,
} from './incident-tracker.js';
export { Kinematics, kinematicsOf } from './kinematics/kinematics.js';
export {
  type CartesianLimits,
  type Limit,
  type LimitOrigin,
  type LimitsInForce,
  type LimitsRequest,
  type LimitsResult,
  resolveLimits,
} from './limits.js';
export { type OnTick, PacerWheel } from './pacer-wheel.js';
export { implausibleState, implausibleSteps } from './plausibility.js';
export {
  CHECKS,
  type Check,
  type CheckStatus,
  type JointProfile,
  type RobotProfile,
  robotProfile,
} from './robot-profile.js';
export {
  SEVERITIES,
  type Severity,
  VIOLATION_FLAGS,
  VIOLATION_TYPES,
  Violation,
  type ViolationType,
  worstViolation,
} from './severity.js';
export { slackMs } from './slack.js';
export type { FilterLimits } from './smoothing/jerk-limited.js';
export { VectorFilter } from './smoothing/vector-filter.js';
export { StateCheck } from './state-check.js';
export { type Point, TcpEnvelope, type Volume } from './volumes.js';
export { Watchdog } from './watchdog.js';
