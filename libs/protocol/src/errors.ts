// The one table of errors. REST answers, `error` frames, close codes and the documentation all come from it.

export interface ErrorRule {
  readonly meaning: string;
  /** Whether the session (or the upgrade) ends with it. A fault at `open` ends it whatever stands here. */
  readonly fatal: boolean;
  /** The HTTP status of the same fault over REST or at the upgrade. */
  readonly http: number;
  /** The close code that follows when it is fatal; null where it never closes a socket. */
  readonly close: number | null;
  /** Whether the same request may succeed later without any change. */
  readonly retry: boolean;
}

const rule = (meaning: string, fatal: boolean, http: number, close: number | null, retry = false): ErrorRule => ({
  meaning,
  fatal,
  http,
  close,
  retry,
});

export const ERRORS = {
  bad_message: rule('The frame is not one msgpack map of this protocol; fix the client.', true, 400, 4400),
  unknown_type: rule('The message type is not known; it was ignored.', false, 400, null),
  validation_failed: rule(
    'A field breaks a rule; `field` and `reason` say which. The message was dropped.',
    false,
    422,
    4422,
  ),
  unauthorized: rule('No API key, or one that is not known.', true, 401, 4401),
  forbidden: rule('The key lacks the scope that this needs.', true, 403, 4403),
  key_revoked: rule('The API key was revoked or has expired.', true, 401, 4401),
  robot_busy: rule('This robot has a live session already, or it was resumed elsewhere.', true, 409, 4409),
  unknown_robot: rule('The robot type is not in the registry; `details.nearest` names similar ones.', true, 422, 4422),
  unknown_model: rule('The policy is not loaded here.', true, 422, 4422),
  resume_failed: rule('The session cannot be resumed: token wrong or expired; open a new one.', true, 409, 4422),
  capacity: rule(
    'The policy is at its capacity; `details.free_hz` is left. Try later or at a lower rate.',
    true,
    503,
    4503,
    true,
  ),
  rate_limited: rule('Too many frames or requests for too long.', true, 429, 4429, true),
  session_limit: rule('The key has as many sessions as it may.', true, 429, 4429, true),
  slow_consumer: rule('The client does not read: too many bytes wait for it. It can resume.', true, 429, 4508, true),
  overflow: rule('More than four observations wait in lockstep; this one was dropped.', false, 429, null, true),
  draining: rule('The server is shutting down; connect again.', true, 503, 4503, true),
  model_error: rule('The policy failed on this observation; the session holds and goes on.', false, 502, null, true),
  journal_full: rule('The journal has reached its disk budget; nothing new is accepted.', true, 503, 4503, true),
  quota_exceeded: rule(
    'The month’s inferences of this tier are used up; nothing new is opened until the month ends or the tier is raised.',
    true,
    429,
    4429,
  ),
  not_found: rule('There is no such thing, or it is not yours.', false, 404, null),
  duplicate: rule('This was asked before: the same identifier with the same or another content.', false, 409, null),
  method_not_allowed: rule('The path exists, the method does not; `Allow` names those that do.', false, 405, null),
  unavailable: rule('The database or another part cannot be reached now; try again.', false, 503, null, true),
  internal: rule('A fault of the server.', true, 500, 4500, true),
} as const satisfies Record<string, ErrorRule>;

export type ErrorCode = keyof typeof ERRORS;
export const ERROR_CODES = Object.keys(ERRORS) as ErrorCode[];

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}

export interface CloseRule {
  readonly meaning: string;
  /** Whether a client should connect again by itself. */
  readonly reconnect: boolean;
}

export const CLOSE_CODES: Readonly<Record<number, CloseRule>> = {
  4400: { meaning: 'bad message', reconnect: false },
  4401: { meaning: 'key revoked', reconnect: false },
  4403: { meaning: 'forbidden', reconnect: false },
  4408: { meaning: 'idle', reconnect: true },
  4409: { meaning: 'robot busy or resumed elsewhere', reconnect: false },
  4422: { meaning: 'refused by a gate at open', reconnect: false },
  4429: { meaning: 'over limit', reconnect: false },
  4500: { meaning: 'internal', reconnect: true },
  4503: { meaning: 'draining or capacity', reconnect: true },
  4508: { meaning: 'slow consumer', reconnect: true },
};
export const CLOSE_IDLE = 4408;

export interface SinewErrorFields {
  field?: string;
  reason?: string;
  details?: Record<string, unknown>;
  cause?: unknown;
}

/** An error with a code of the table; what the SDK throws and what REST answers are made from. */
export class SinewError extends Error {
  override readonly name = 'SinewError';
  readonly code: ErrorCode;
  // declared only: a field that is not given is not there
  declare readonly field?: string;
  declare readonly reason?: string;
  declare readonly details?: Record<string, unknown>;

  constructor(code: ErrorCode, message?: string, fields: SinewErrorFields = {}) {
    super(message ?? ERRORS[code].meaning, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.code = code;
    if (fields.field !== undefined) this.field = fields.field;
    if (fields.reason !== undefined) this.reason = fields.reason;
    if (fields.details !== undefined) this.details = fields.details;
  }

  /** Whether the same request may succeed later without any change. */
  get retry(): boolean {
    return ERRORS[this.code].retry;
  }
}

/** What a frame did wrong; decoding returns it instead of throwing. */
export interface WireFault {
  code: ErrorCode;
  message: string;
  fatal: boolean;
  field?: string;
  reason?: string;
  observation_seq?: number;
  /** Which rule was broken, as `field.reason` of the table in libs/contracts; for counting, never sent. Absent: a shape. */
  rule?: string;
}
