import { ACCOUNT_RULES } from './account-rules.js';
import { JOURNAL_RULES } from './journal-rules.js';
import { OBSERVATION_RULES } from './observation-rules.js';
import { POLICY_RULES } from './policy-rules.js';
import { SESSION_RULES } from './session-rules.js';
import type { Validator } from './validator.js';

/** Every rule on data, once: what is asked, where, and by whom. VALIDATORS.md is made from it. */
export const VALIDATORS: readonly Validator[] = [
  ...SESSION_RULES,
  ...OBSERVATION_RULES,
  ...POLICY_RULES,
  ...JOURNAL_RULES,
  ...ACCOUNT_RULES,
];

const BY_ID: ReadonlyMap<string, Validator> = new Map(VALIDATORS.map((validator) => [validator.id, validator]));

/** What any other fault of a shape is called. */
export const MALFORMED = BY_ID.get('message.malformed') as Validator;

export function findValidator(id: string): Validator | undefined {
  return BY_ID.get(id);
}

/** Where fields of the wire and of REST stand: `environment.workspace.min.0`, `robot_config.type`, `images.main`. */
const CONTAINERS = ['environment', 'robot_config', 'body'];
const RENAMED: ReadonlyMap<string, string> = new Map([
  ['images', 'image'],
  ['type', 'robot_type'],
  ['start_date', 'end_date'],
]);

/**
 * The rule behind a fault: the one that it names, else the only one that a shape can break on its field. For counting, so
 * that no label is ever free text.
 */
export function validatorOf(fault: {
  readonly rule?: string | undefined;
  readonly field?: string | undefined;
}): Validator {
  const named = fault.rule === undefined ? undefined : BY_ID.get(fault.rule);
  if (named !== undefined) return named;
  const path = (fault.field ?? '').split('.');
  const [first = ''] = CONTAINERS.includes(path[0] ?? '') ? path.slice(1) : path;
  const field = RENAMED.get(first) ?? first;
  return SHAPES.get(field) ?? MALFORMED;
}

/** What a fault of its shape breaks, by field; other fields have no rule of their own. */
const SHAPES: ReadonlyMap<string, Validator> = new Map(
  [
    'robot_id.malformed',
    'workspace.misordered',
    'keep_out.malformed',
    'control_hz.out_of_range',
    'pacing.unknown',
    'smoothing.unknown',
    'blend.unknown',
    'execute.out_of_range',
    'stale_after_ms.out_of_range',
    'request_id.malformed',
    'image.malformed',
    'log_id.malformed',
    ...ACCOUNT_RULES.map(({ id }) => id),
  ].flatMap((id) => {
    const validator = BY_ID.get(id);
    return validator === undefined ? [] : [[validator.field, validator]];
  }),
);
