import { checkImage, LEAST_SAFETY_SCORE, type WireImage } from '@sinew/protocol';
import { checkInstruction } from '../instruction-check.js';
import { checkRobotType } from '../validators/session-checks.js';
import type { QualityGate } from '../validators/validator.js';
import { checkActionValues } from './action-values.js';

/** What a store of request ids says of one. */
export type RequestClaim = 'new' | 'running' | 'answered' | 'duplicate';

/**
 * The six hard rules, each of what it judges: the id of the rule that is broken, or null. Pure; what passes allocates nothing but
 * an instruction's words. How long a step may be depends on the robot's limits: of that the control loop is the judge.
 */
export const GATES = {
  robot_type: (name: string): string | null => checkRobotType(name)?.rule ?? null,
  action_vector: (actions: Float32Array, normalised: readonly boolean[] | null): string | null =>
    checkActionValues(actions, normalised),
  safety_score: (score: number): string | null => (score >= LEAST_SAFETY_SCORE ? null : 'safety_score.too_low'),
  duplicate: (claim: RequestClaim): string | null => (claim === 'new' ? null : 'request_id.duplicate'),
  instruction: (text: string): string | null => {
    const fault = checkInstruction(text);
    return fault === null || fault.kind === 'safety' ? null : instructionRule(fault);
  },
  image: (image: WireImage): string | null => checkImage(image)?.rule ?? null,
} as const satisfies Record<QualityGate, (...judged: never[]) => string | null>;

/** The table's rule behind a refused instruction. */
export function instructionRule(fault: { readonly kind: 'form' | 'safety'; readonly rule: string }): string {
  return fault.kind === 'form' ? `instruction.${fault.rule}` : 'instruction.unsafe';
}
