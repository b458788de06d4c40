import type { HttpResponse } from 'uWebSockets.js';
import { ERRORS, type ErrorCode, type SinewError } from '@sinew/protocol';

export interface ValidationIssue {
  readonly loc: readonly (string | number)[];
  readonly msg: string;
  readonly type: string;
}

export interface Reply {
  readonly status: number;
  readonly body: string;
  readonly contentType: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const STATUS_TEXT: Readonly<Record<number, string>> = {
  200: '200 OK',
  400: '400 Bad Request',
  401: '401 Unauthorized',
  403: '403 Forbidden',
  404: '404 Not Found',
  405: '405 Method Not Allowed',
  408: '408 Request Timeout',
  409: '409 Conflict',
  413: '413 Content Too Large',
  422: '422 Unprocessable Content',
  429: '429 Too Many Requests',
  500: '500 Internal Server Error',
  502: '502 Bad Gateway',
  503: '503 Service Unavailable',
};

/** Seconds after which the same request may succeed, for errors where waiting helps. */
const RETRY_AFTER_S = 2;

export function json(body: unknown, status = 200): Reply {
  return { status, body: JSON.stringify(body), contentType: 'application/json' };
}

interface ErrorFields {
  readonly field?: string | undefined;
  readonly reason?: string | undefined;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  readonly issues?: readonly ValidationIssue[] | undefined;
  readonly status?: number | undefined;
}

/** The one error body of REST and of a refused upgrade. */
export function errorReply(code: ErrorCode, message: string, requestId: string, fields: ErrorFields = {}): Reply {
  const status = fields.status ?? ERRORS[code].http;
  const { field, reason, details, issues } = fields;
  const reply = json(
    {
      error: code,
      message,
      field,
      reason,
      details,
      validation_errors: issues,
      status_code: status,
      request_id: requestId,
    },
    status,
  );
  return ERRORS[code].retry ? { ...reply, headers: { 'Retry-After': String(RETRY_AFTER_S) } } : reply;
}

export function fromSinewError(error: SinewError, requestId: string): Reply {
  return errorReply(error.code, error.message, requestId, {
    field: error.field,
    reason: error.reason,
    details: error.details,
  });
}

/** Why a key was not accepted, in the same words for REST and for an upgrade. */
export function authFault(kind: 'unknown' | 'revoked' | 'unavailable', requestId: string): Reply {
  switch (kind) {
    case 'unknown':
      return errorReply('unauthorized', 'The API key is not known', requestId);
    case 'revoked':
      return errorReply('key_revoked', 'The API key was revoked or has expired', requestId);
    case 'unavailable':
      return errorReply('internal', 'Keys cannot be checked now', requestId, { status: 503 });
  }
}

/** Writes a reply; the caller corks and has checked that the response was not aborted. */
export function write(res: HttpResponse, reply: Reply, closeConnection = false): void {
  res.writeStatus(STATUS_TEXT[reply.status] ?? String(reply.status));
  res.writeHeader('Content-Type', reply.contentType);
  res.writeHeader('Cache-Control', 'no-store');
  res.writeHeader('X-Content-Type-Options', 'nosniff');
  for (const [name, value] of Object.entries(reply.headers ?? {})) res.writeHeader(name, value);
  res.end(reply.body, closeConnection);
}
