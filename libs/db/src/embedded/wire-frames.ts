/**
 * PostgreSQL's frontend/backend protocol 3.0, the little of it that a server in front of a backend needs: cutting the
 * stream into messages and making the few messages that the backend does not make itself.
 * Layout: one type byte, int32 length (counts itself, not the type), body. The start-up packet has no type byte.
 */

export const SSL_REQUEST = 80877103;
export const GSS_ENCRYPTION_REQUEST = 80877104;
export const CANCEL_REQUEST = 80877102;
export const PROTOCOL_3_0 = 196608;

/** ASCII codes of the message types by name, so that code reads as the protocol's documentation does. */
export const FRONTEND = { query: 0x51, parse: 0x50, bind: 0x42, describe: 0x44, execute: 0x45, close: 0x43 } as const;
export const SYNC = 0x53;
export const FLUSH = 0x48;
export const TERMINATE = 0x58;
export const PASSWORD = 0x70;
export const COPY_MESSAGES: ReadonlySet<number> = new Set([0x63, 0x64, 0x66]);

export const BACKEND = {
  parseComplete: 0x31,
  closeComplete: 0x33,
  notification: 0x41,
  commandComplete: 0x43,
  error: 0x45,
  emptyQuery: 0x49,
  readyForQuery: 0x5a,
} as const;

/** Bytes that are no message of the protocol: whoever sent them can no longer be followed. */
export class ProtocolViolation extends Error {}

/** Whole messages of `buffer` (views on it) and the incomplete rest. Throws ProtocolViolation instead of waiting for a longer one. */
export function splitMessagesBorrow(buffer: Buffer, maxBytes: number): { messages: Buffer[]; rest: Buffer } {
  const messages: Buffer[] = [];
  let at = 0;
  while (at + 5 <= buffer.length) {
    const length = buffer.readInt32BE(at + 1);
    if (length < 4 || length > maxBytes) throw new ProtocolViolation(`message of ${length} bytes`);
    if (at + 1 + length > buffer.length) break;
    messages.push(buffer.subarray(at, at + 1 + length));
    at += 1 + length;
  }
  return { messages, rest: buffer.subarray(at) };
}

export function message(type: number, ...parts: readonly (string | Buffer | Uint8Array)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'utf8') : part)));
  const head = Buffer.alloc(5);
  head[0] = type;
  head.writeInt32BE(4 + body.length, 1);
  return Buffer.concat([head, body]);
}

export const simpleQuery = (sql: string): Buffer => message(FRONTEND.query, sql, '\0');

export const readyForQuery = (status: 'I' | 'T' | 'E'): Buffer => message(BACKEND.readyForQuery, status);

export const authenticationOk = (): Buffer => message(0x52, int32(0));
export const authenticationCleartext = (): Buffer => message(0x52, int32(3));
export const parameterStatus = (name: string, value: string): Buffer => message(0x53, name, '\0', value, '\0');
export const backendKeyData = (pid: number, secret: number): Buffer => message(0x4b, int32(pid), int32(secret));

export interface PgErrorFields {
  readonly severity: 'ERROR' | 'FATAL';
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

export function errorResponse(fields: PgErrorFields): Buffer {
  const { severity, code, message: text, hint } = fields;
  const tail = hint === undefined ? '' : `H${hint}\0`;
  return message(BACKEND.error, `S${severity}\0V${severity}\0C${code}\0M${text}\0${tail}\0`);
}

/** The SQLSTATE of an ErrorResponse, for our own decisions. */
export function errorFieldsBorrow(response: Buffer): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const part of response.subarray(5).toString('utf8').split('\0')) {
    if (part.length > 1) fields.set(part.charAt(0), part.slice(1));
  }
  return fields;
}

/** The zero-terminated string at `at` of a message, and where the next field begins. Throws ProtocolViolation. */
export function readCString(buffer: Buffer, at: number): { text: string; next: number } {
  const end = buffer.indexOf(0, at);
  if (end < 0) throw new ProtocolViolation('unterminated string');
  return { text: buffer.toString('utf8', at, end), next: end + 1 };
}

export const commandTag = (complete: Buffer): string => complete.toString('utf8', 5, complete.length - 1);

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value | 0);
  return bytes;
}
