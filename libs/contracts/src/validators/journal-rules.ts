import { validators } from './validator.js';

/** What is asked of a record before a row is made of it; what breaks one is put aside, with its reason. */
export const JOURNAL_RULES = validators([
  [
    'log_id',
    'malformed',
    'an integer that JavaScript holds exactly',
    ['journal', 'rest'],
    'contracts: checkRecordedInference',
  ],
  [
    'latency',
    'inconsistent',
    'finite, not negative, total at least queue + inference (1 ms for rounding)',
    ['journal'],
    'contracts: checkRecordedInference',
  ],
  ['chunk', 'wrong_shape', 'as many float32 as its shape says', ['journal'], 'contracts: checkRecordedInference'],
  ['safety_score', 'out_of_range', '0 to 1', ['journal'], 'contracts: checkRecordedInference'],
]);
