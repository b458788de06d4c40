import { createHash, timingSafeEqual } from 'node:crypto';
import {
  CANCEL_REQUEST,
  GSS_ENCRYPTION_REQUEST,
  type PgErrorFields,
  PROTOCOL_3_0,
  SSL_REQUEST,
} from './wire-frames.js';

/** As in PostgreSQL: nobody unauthenticated makes the server hold more. */
const MAX_STARTUP_BYTES = 10_000;

export type StartUpStep =
  | { readonly kind: 'incomplete' }
  /** SSL or GSS encryption asked for: answered with 'N', the client goes on in clear or leaves. */
  | { readonly kind: 'no_encryption'; readonly bytes: number }
  /** Cancelling needs nothing: while a query runs the one backend hears nobody, and afterwards there is nothing to cancel. */
  | { readonly kind: 'cancel' }
  | { readonly kind: 'refused'; readonly error: PgErrorFields }
  | {
      readonly kind: 'start';
      readonly bytes: number;
      readonly user: string;
      readonly database: string;
      readonly settings: ReadonlyMap<string, string>;
    };

/** Reads the packet without a type byte with which a connection begins. */
export function readStartUp(buffer: Buffer): StartUpStep {
  if (buffer.length < 8) return { kind: 'incomplete' };
  const length = buffer.readInt32BE(0);
  const code = buffer.readInt32BE(4);
  if (length < 8 || length > MAX_STARTUP_BYTES) {
    return {
      kind: 'refused',
      error: { severity: 'FATAL', code: '08P01', message: 'invalid length of startup packet' },
    };
  }
  if (buffer.length < length) return { kind: 'incomplete' };
  if (code === SSL_REQUEST || code === GSS_ENCRYPTION_REQUEST) return { kind: 'no_encryption', bytes: length };
  if (code === CANCEL_REQUEST) return { kind: 'cancel' };
  if (code !== PROTOCOL_3_0) {
    return {
      kind: 'refused',
      error: { severity: 'FATAL', code: '0A000', message: 'unsupported frontend protocol: only 3.0' },
    };
  }
  const fields = buffer.toString('utf8', 8, length).split('\0');
  const settings = new Map<string, string>();
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i];
    const value = fields[i + 1];
    if (name !== undefined && name !== '' && value !== undefined) settings.set(name, value);
  }
  const user = settings.get('user') ?? '';
  const database = settings.get('database') ?? user;
  const options = settings.get('options');
  for (const name of ['user', 'database', 'options', 'replication']) settings.delete(name);
  for (const [name, value] of commandLineSettings(options ?? '')) settings.set(name, value);
  return { kind: 'start', bytes: length, user, database, settings };
}

/** `-c name=value`, `-cname=value` and `--name=value`; a backslash escapes the next character (a space, usually). */
export function commandLineSettings(options: string): [string, string][] {
  const words = [...options.matchAll(/(?:\\[\s\S]|[^\s\\])+/g)].map((m) => m[0].replace(/\\([\s\S])/g, '$1'));
  const settings: [string, string][] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? '';
    let pair: string | undefined;
    if (word === '-c') pair = words[++i];
    else if (word.startsWith('-c')) pair = word.slice(2);
    else if (word.startsWith('--')) pair = word.slice(2);
    const equals = pair?.indexOf('=') ?? -1;
    if (pair !== undefined && equals > 0) {
      settings.push([pair.slice(0, equals).replaceAll('-', '_'), pair.slice(equals + 1)]);
    }
  }
  return settings;
}

/** Constant time, whatever the lengths. */
export function samePassword(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text, 'utf8').digest();
  return timingSafeEqual(digest(given), digest(expected));
}
