import type { HttpResponse } from 'uWebSockets.js';
import { ERRORS, type ErrorCode, type SinewError } from '@sinew/protocol';

export interface ValidationIssue {
  readonly loc: readonly (string | number)[];
  readonly msg: string;
  readonly type: string;
}

export interface Reply {
  readonly status: number;
  /** Empty where the status is 204. */
  readonly body: string | Uint8Array;
  readonly contentType: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** In place of `body`: sent in chunks, each asked for when the client has taken those before. */
  readonly stream?: AsyncIterable<string | Uint8Array>;
}

const STATUS_TEXT: Readonly<Record<number, string>> = {
  200: '200 OK',
  201: '201 Created',
  202: '202 Accepted',
  204: '204 No Content',
  400: '400 Bad Request',
  401: '401 Unauthorized',
  403: '403 Forbidden',
  404: '404 Not Found',
  405: '405 Method Not Allowed',
  408: '408 Request Timeout',
  409: '409 Conflict',
  413: '413 Content Too Large',
  422: '422 Unprocessable Content',
  426: '426 Upgrade Required',
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

export const created = (body: unknown): Reply => json(body, 201);

export const noContent = (): Reply => ({ status: 204, body: '', contentType: '' });

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
      return errorReply('unavailable', 'Keys cannot be checked now', requestId);
  }
}

export interface WriteOptions {
  readonly closeConnection?: boolean;
  /** The answer to a HEAD: the length of a body that is not sent. */
  readonly headOnly?: boolean;
}

/** Status and headers, of any reply; the caller corks and has checked that the response was not aborted. */
function writeHead(res: HttpResponse, reply: Reply): void {
  res.writeStatus(STATUS_TEXT[reply.status] ?? String(reply.status));
  if (reply.contentType !== '') res.writeHeader('Content-Type', reply.contentType);
  if (reply.headers?.['Cache-Control'] === undefined) res.writeHeader('Cache-Control', 'no-store');
  res.writeHeader('X-Content-Type-Options', 'nosniff');
  for (const [name, value] of Object.entries(reply.headers ?? {})) res.writeHeader(name, value);
}

/**
 * Sends a reply's stream to its end, at the pace of the client: nothing is asked for while the socket is behind. What fails in the
 * middle cuts the connection, so that nobody takes it for whole.
 */
export async function writeStream(
  res: HttpResponse,
  reply: Reply,
  stream: AsyncIterable<string | Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  let drained: (() => void) | null = null;
  const release = (): void => {
    drained?.();
    drained = null;
  };
  signal.addEventListener('abort', release, { once: true });
  res.cork(() => writeHead(res, reply));
  res.onWritable(() => {
    release();
    return true;
  });
  try {
    for await (const part of stream) {
      if (signal.aborted) return;
      let flowing = true;
      res.cork(() => {
        flowing = res.write(part);
      });
      if (flowing) continue;
      await new Promise<void>((resolve) => {
        drained = resolve;
      });
      if (signal.aborted) return;
    }
    res.cork(() => res.end());
  } catch (error) {
    if (!signal.aborted) res.close();
    throw error;
  }
}

/** Writes a reply; the caller corks and has checked that the response was not aborted. */
export function write(res: HttpResponse, reply: Reply, options: WriteOptions = {}): void {
  const { closeConnection = false, headOnly = false } = options;
  writeHead(res, reply);
  if (!headOnly && reply.status !== 204) return void res.end(reply.body, closeConnection);
  // uWS takes an answer whose length it was told, even as undefined, for unfinished until that much is written: so it is not.
  if (headOnly && reply.stream === undefined) res.writeHeader('Content-Length', String(Buffer.byteLength(reply.body)));
  res.endWithoutBody();
}
