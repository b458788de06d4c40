/** What a person reads instead of a stack trace: what is wrong, and what to do about it. Exit code 1. */
export class Failure extends Error {
  override readonly name: string = 'Failure';
  readonly exitCode: number = 1;
  constructor(
    message: string,
    /** What to do about it, a line each. */
    readonly advice: readonly string[] = [],
  ) {
    super(message);
  }
}

/** The command was typed wrongly. Exit code 2. */
export class UsageError extends Failure {
  override readonly name = 'UsageError';
  override readonly exitCode = 2;
}
