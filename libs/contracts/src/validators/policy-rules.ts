import { LEAST_SAFETY_SCORE } from '@sinew/protocol';
import { NORMALISED_BOUND } from '../gates/action-values.js';
import { validators } from './validator.js';

/** What a policy answers: a fault of the model, not of its client. */
export const POLICY_RULES = validators([
  [
    'action',
    'not_finite',
    'no NaN, no infinity',
    ['policy'],
    'contracts: checkActionValues; control: ChunkIntake',
    'action_vector',
  ],
  ['action', 'wrong_length', 'chunk size × action dimension', ['policy'], 'control: ChunkIntake', 'action_vector'],
  [
    'action',
    'not_normalised',
    `within ±${NORMALISED_BOUND} before it is scaled, where the bundle declares its output normalised to ±1`,
    ['policy'],
    'contracts: checkActionValues',
    'action_vector',
  ],
  [
    'action',
    'too_large',
    'no step over 4·V/hz (V the speed in force, at least 1.25 m/s, 12.5 rad/s, 3.5 rad/s of a joint), no joint a whole range beyond its bounds',
    ['policy'],
    'control: ChunkIntake, JointIntake',
    'action_vector',
  ],
  [
    'safety_score',
    'too_low',
    `at least ${LEAST_SAFETY_SCORE}, unless speed is all that lowers it (the governor slows down)`,
    ['policy'],
    'control: StepJudge',
    'safety_score',
  ],
]);
