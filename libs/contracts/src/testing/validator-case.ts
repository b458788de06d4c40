/** What a rule lets pass and what it refuses; `check` gives the id of the rule that is broken, or null. */
export interface ValidatorCase<T = unknown> {
  readonly check: (input: T) => string | null;
  readonly accepts: readonly T[];
  readonly refuses: readonly T[];
}

/** Keeps the type of the inputs while the cases stand in one table. */
export function validatorCase<T>(definition: ValidatorCase<T>): ValidatorCase {
  return definition as ValidatorCase;
}
