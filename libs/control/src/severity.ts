import { FLAG } from './flags.js';
import { COLLISION_WEIGHT, DYNAMICS_WEIGHT, WORKSPACE_WEIGHT } from './score.js';

/** Rising. */
export const SEVERITIES = ['low', 'medium', 'high', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** What was violated: the four checks, and what is no check of the policy's step. */
export const VIOLATION_TYPES = [
  'dynamics',
  'workspace',
  'collision',
  'drift',
  'emergency',
  'not_finite',
  'implausible',
  'instruction',
] as const;
export type ViolationType = (typeof VIOLATION_TYPES)[number];

/** Flags that may be a violation. Everything else is the governor's ordinary work. */
export const VIOLATION_FLAGS =
  FLAG.policy_dynamics |
  FLAG.policy_workspace |
  FLAG.policy_collision |
  FLAG.rejected |
  FLAG.not_finite |
  FLAG.drift |
  FLAG.emergency;

/** The worst violation in a tick's or a chunk's flags; reused. */
export class Violation {
  type: ViolationType = 'dynamics';
  /** Index into SEVERITIES. */
  severity = 0;
  /** Beyond the limit, relative to it, 0 to 1; NaN where there is no such measure. */
  excess = Number.NaN;
}

/** Rounding of a score that comes from products of floats. */
const ROUNDING = 1e-9;

/**
 * R1: the most severe violation that `flags` and `score` (of the policy's step) tell of, in `out`; false where there is none. Where
 * one check is broken its excess is exact. Where several are, the score cannot be taken apart: the heaviest check's excess is then
 * taken as large as the score allows, so that severity errs upwards.
 */
export function worstViolation(flags: number, score: number, out: Violation): boolean {
  out.severity = -1;
  if ((flags & FLAG.not_finite) !== 0) set(out, 'not_finite', 2, Number.NaN);
  else if ((flags & FLAG.rejected) !== 0 && (flags & POLICY_FLAGS) === 0) set(out, 'implausible', 2, Number.NaN);
  if ((flags & FLAG.emergency) !== 0) set(out, 'emergency', 2, Number.NaN);
  if ((flags & FLAG.policy_collision) !== 0) {
    const excess = excessOf(score, COLLISION_WEIGHT);
    set(out, 'collision', excess >= 1 ? 3 : excess > 0.3 ? 2 : 1, excess);
  } else if ((flags & FLAG.policy_workspace) !== 0) {
    const excess = excessOf(score, WORKSPACE_WEIGHT);
    set(out, 'workspace', excess > 0.75 ? 2 : excess > 0.25 ? 1 : 0, excess);
  }
  if ((flags & FLAG.drift) !== 0) set(out, 'drift', 1, Number.NaN);
  if ((flags & FLAG.policy_dynamics) !== 0 && (flags & (FLAG.policy_collision | FLAG.policy_workspace)) === 0) {
    const excess = excessOf(score, DYNAMICS_WEIGHT);
    if (excess >= 1) set(out, 'dynamics', 0, excess);
  }
  return out.severity >= 0;
}

const POLICY_FLAGS = FLAG.policy_workspace | FLAG.policy_collision | FLAG.policy_dynamics;

function excessOf(score: number, weight: number): number {
  const excess = (1 - score) / weight;
  return excess > 1 - ROUNDING ? 1 : Math.max(0, excess);
}

/** The first of equally severe ones stays: they are asked in the order of how telling they are. */
function set(out: Violation, type: ViolationType, severity: number, excess: number): void {
  if (severity <= out.severity) return;
  out.type = type;
  out.severity = severity;
  out.excess = excess;
}
