import { type Logger, pino } from 'pino';
import { safeError } from './safe-error.js';
import { stderrDestination } from './stderr.js';

export type { Logger };

/** Structured lines on stderr; stdout belongs to results. Keys, tokens and image bytes are never passed in. */
export function createLogger(name: string, level: string): Logger {
  return pino(
    {
      name,
      level,
      // Whatever field an error stands in: JSON of an error is its driver's own fields.
      formatters: { log: (fields) => mapValues(fields, safeError) },
      serializers: { err: safeError },
      redact: SECRETS.flatMap((secret) => [secret, `*.${secret}`]),
    },
    stderrDestination(),
  );
}

const SECRETS = ['api_key', 'token', 'resume_token', 'authorization', 'password'];

function mapValues(fields: Record<string, unknown>, map: (value: unknown) => unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, map(value)]));
}
