import { validators } from './validator.js';

/** What is asked of feedback, consent, customers, keys and lists. */
export const ACCOUNT_RULES = validators([
  ['rating', 'out_of_range', 'an integer from 1 to 5', ['rest', 'jobs'], 'contracts: RatingReport'],
  [
    'corrected_action',
    'malformed',
    '1 to 64 finite numbers, none beyond ±10⁶',
    ['rest', 'jobs'],
    'contracts: CorrectionReport',
  ],
  ['failure_reason', 'malformed', '1 to 100 characters', ['rest', 'jobs'], 'contracts: FailureReport'],
  ['notes', 'too_long', 'at most 2,000 characters', ['rest', 'jobs'], 'contracts: RatingReport'],
  ['feedback_type', 'unknown', 'one of the four types', ['rest'], 'contracts: FeedbackListQuery'],
  [
    'end_date',
    'malformed',
    'a date or a time with its offset, not before `start_date`',
    ['rest'],
    'contracts: FeedbackListQuery',
  ],
  ['page', 'out_of_range', 'an integer from 1 to 1,000,000', ['rest'], 'contracts: FeedbackListQuery'],
  ['per_page', 'out_of_range', 'an integer from 1 to 200', ['rest'], 'contracts: FeedbackListQuery'],
  ['tier', 'unknown', 'a tier of consent, or of customers', ['rest'], 'contracts: ConsentWish, NewCustomerBody'],
  ['anonymization_level', 'unknown', 'partial or full', ['rest'], 'contracts: ConsentWish'],
  ['expires_at', 'malformed', 'a time with its offset, or null', ['rest'], 'contracts: ConsentWish, KeyWishBody'],
  ['version', 'malformed', 'an integer from 0', ['rest'], 'contracts: ConsentWish'],
  ['name', 'malformed', '1 to 200 characters', ['rest'], 'contracts: KeyWishBody, NewCustomerBody'],
  ['scopes', 'unknown', 'at least one, each a known scope', ['rest'], 'contracts: KeyWishBody'],
  ['grace_seconds', 'out_of_range', '0 to 30 days', ['rest'], 'contracts: RotationBody'],
]);
