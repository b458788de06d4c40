import { ERROR_CODES } from '@sinew/protocol';
import { z } from 'zod';

/** One field that breaks a rule. */
export const ValidationIssue = z.object({
  /** Where: `body`, `query`, `path` or `header`, then the way to the field. */
  loc: z.array(z.union([z.string(), z.int()])),
  msg: z.string(),
  type: z.string(),
});

/** The body of every answer from 400 on. */
export const ErrorBody = z.object({
  error: z.enum(ERROR_CODES as [(typeof ERROR_CODES)[number], ...(typeof ERROR_CODES)[number][]]),
  message: z.string(),
  field: z.string().optional(),
  reason: z.string().optional(),
  details: z.record(z.string(), z.unknown()).optional(),
  validation_errors: z.array(ValidationIssue).optional(),
  status_code: z.int(),
  request_id: z.uuid(),
});
export type ErrorBody = z.infer<typeof ErrorBody>;
