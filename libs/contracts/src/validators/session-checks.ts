import type { Blend } from '@sinew/protocol';
import { findRobot, type RobotRecord } from '@sinew/robots';
import { ENVIRONMENT_TYPES } from './environment.js';

/** A rule that was broken. `reason` is for the client, `rule` the id in the table. */
export interface RuleFault {
  readonly rule: string;
  readonly field: string;
  readonly reason: string;
}

const fault = (field: string, word: string, reason: string): RuleFault => ({
  rule: `${field}.${word}`,
  field,
  reason,
});

/** What older clients send where nobody filled in a robot: nothing could be learned, or kept safe, under such a name. */
const PLACEHOLDER = 'UNKNOWN';

/** A placeholder, or a name that no robot of the registry has. */
export function checkRobotType(name: string): RuleFault | null {
  if (name.toUpperCase() === PLACEHOLDER) return fault('robot_type', 'unknown', 'cannot be UNKNOWN');
  return findRobot(name) === undefined ? fault('robot_type', 'not_in_registry', 'not in the registry') : null;
}

/** @param embodiments robot types that the policy was trained for; `*`: any. */
export function checkEmbodiment(
  { id }: Pick<RobotRecord, 'id'>,
  embodiments: readonly string[],
  model: string,
): RuleFault | null {
  if (embodiments.includes('*') || embodiments.includes(id)) return null;
  return fault('robot_type', 'wrong_embodiment', `${model} was trained for ${embodiments.join(', ')}, not for ${id}`);
}

export function checkEnvironmentType(name: string): RuleFault | null {
  const known: readonly string[] = ENVIRONMENT_TYPES;
  return known.includes(name)
    ? null
    : fault('environment_type', 'unknown', `must be one of ${ENVIRONMENT_TYPES.join(', ')}`);
}

export function checkBlend(blend: Blend, takesPrefix: boolean, model: string): RuleFault | null {
  return blend !== 'rtc' || takesPrefix
    ? null
    : fault('blend', 'not_served', `${model} takes no prefix inputs, which rtc needs`);
}

export function checkExecute(execute: number, chunkSize: number): RuleFault | null {
  return execute >= 1 && execute <= chunkSize
    ? null
    : fault('execute', 'out_of_range', `must be between 1 and the chunk size ${chunkSize}`);
}

/** The longest `stale_after_ms` a client may ask for, and the shortest in control periods (S6). */
const MAX_STALE_MS = 2_000;
export const MIN_STALE_PERIODS = 2.5;

export function checkStaleAfter(staleAfterMs: number, controlHz: number): RuleFault | null {
  const shortest = (MIN_STALE_PERIODS * 1_000) / controlHz;
  return staleAfterMs >= shortest && staleAfterMs <= Math.max(MAX_STALE_MS, shortest)
    ? null
    : fault('stale_after_ms', 'out_of_range', `must be between ${shortest} (2.5 control periods) and ${MAX_STALE_MS}`);
}
