export type { Adoption, NewChunk, Plan, TickResult } from './control-io.js';
export { ControlLoop } from './control-loop.js';
export { type ControlSpec, ControlSpecError, checkSpec, type SpecFault } from './control-spec.js';
export { CLAMP_FLAGS, FLAG, type FlagName, flagNames } from './flags.js';
export { Kinematics, kinematicsOf } from './kinematics/kinematics.js';
export {
  type CartesianLimits,
  type Limit,
  type LimitOrigin,
  type LimitsInForce,
  type LimitsRequest,
  type LimitsResult,
  type Point,
  resolveLimits,
} from './limits.js';
export { type OnTick, PacerWheel } from './pacer-wheel.js';
export { slackMs } from './slack.js';
export { Watchdog } from './watchdog.js';
