import { type Logger, pino } from 'pino';
import { stderrDestination } from './stderr.js';

export type { Logger };

/** Structured lines on stderr; stdout belongs to results. Keys, tokens and image bytes are never passed in. */
export function createLogger(name: string, level: string): Logger {
  return pino({ name, level, redact: ['api_key', 'token', 'resume_token', 'authorization'] }, stderrDestination());
}
