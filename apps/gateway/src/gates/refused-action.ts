import type { Adoption } from '@sinew/control';

/** The table's rule behind a chunk that the control loop refused. */
export function refusedActionRule(reason: Adoption['reason']): string {
  switch (reason) {
    case 'not_finite':
      return 'action.not_finite';
    case 'wrong_length':
      return 'action.wrong_length';
    case 'implausible':
      return 'action.too_large';
    default:
      return 'safety_score.too_low';
  }
}
