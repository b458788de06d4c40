import { isNativeError } from 'node:util/types';

export interface SafeError {
  readonly type: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** SQLSTATE, errno or the like. */
  readonly code?: string | number;
}

/**
 * An error as it may stand in a log: these fields and no others. Drivers hang on their errors what they were sent and
 * what they hold: ioredis the AUTH command with its password, node-postgres the row that a constraint refused.
 */
export function safeError(error: unknown): unknown {
  if (!isNativeError(error) && !(error instanceof Error)) return error;
  // Its message is the statement with its parameters; what went wrong is in its cause.
  if (error.constructor.name === 'DrizzleQueryError' && error.cause instanceof Error) return safeError(error.cause);
  const { code } = error as { readonly code?: unknown };
  return {
    type: error.constructor.name,
    message: error.message,
    stack: error.stack,
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
  } satisfies SafeError;
}
