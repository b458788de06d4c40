import type { z } from 'zod';
import type { ClientMessage, Ping } from './client-messages.js';
import { type Decoded, decodeObservation, observationFault } from './decode-observation.js';
import type { WireFault } from './errors.js';
import { isMap, isReal, own, readFrameBorrow, type WireMap } from './frame-reader.js';
import { readObservation } from './read-observation.js';
import * as schemas from './schemas/client.js';

export type { Decoded } from './decode-observation.js';

/** W3: what is not one msgpack map with a string `type` ends the connection with 4400. */
export function badMessage(reason: string): WireFault {
  return { code: 'bad_message', message: reason, fatal: true, reason };
}

/**
 * Decodes one frame of a client: the scan W6, msgpack, then the shape of its message (W3, W5). Never throws, and does work
 * in proportion to the frame. Images in the result are views on `bytes`. A fault at `open` is fatal: there is no session to keep.
 */
export function decodeClientFrame(bytes: Uint8Array): Decoded<ClientMessage> {
  const observation = readObservation(bytes);
  if (observation !== null) return { ok: true, message: observation };
  const map = readFrameBorrow(bytes);
  if (typeof map === 'string') return { ok: false, fault: badMessage(map) };
  const type = own(map, 'type');
  switch (type) {
    case 'observation':
      return decodeObservation(map);
    case 'ping':
      return decodePing(map);
    case 'open':
      return own(map, 'resume') === undefined
        ? withIgnored(parse(schemas.freshOpen, map, true), map)
        : parse(schemas.resumeOpen, { type, resume: map.resume }, true);
    case 'instruction':
      return parse(schemas.instructionMessage, map);
    case 'reset':
      return parse(schemas.reset, map);
    case 'estop':
    case 'estop_clear':
    case 'close':
      return { ok: true, message: { type } };
    default:
      return typeof type === 'string'
        ? {
            ok: false,
            fault: { code: 'unknown_type', message: `no message has the type ${quote(type)}`, fatal: false },
          }
        : { ok: false, fault: badMessage('the map has no string `type`') };
  }
}

function decodePing(map: WireMap): Decoded<Ping> {
  const sentAt = own(map, 'sent_at_ms');
  if (!isReal(sentAt)) return { ok: false, fault: observationFault('sent_at_ms', 'must be a finite number') };
  const message: Ping = { type: 'ping', sent_at_ms: sentAt };
  const echo = own(map, 'echo');
  if (echo === undefined) return { ok: true, message };
  const serverTime = isMap(echo) ? own(echo, 'server_time_ms') : undefined;
  const receivedAt = isMap(echo) ? own(echo, 'received_at_ms') : undefined;
  if (!isReal(serverTime) || !isReal(receivedAt))
    return { ok: false, fault: observationFault('echo', 'must be a map of server_time_ms and received_at_ms') };
  message.echo = { server_time_ms: serverTime, received_at_ms: receivedAt };
  return { ok: true, message };
}

function parse<T extends ClientMessage>(schema: z.ZodType<T>, map: WireMap, fatal = false): Decoded<T> {
  const result = schema.safeParse(withoutNil(map));
  return result.success ? { ok: true, message: result.data } : { ok: false, fault: schemaFault(result.error, fatal) };
}

/** The most that a client is told of; one misspelt name is what it is about. */
const MOST_IGNORED = 8;

/** W3: what is not known is ignored, but who misspells a limit believes it to be in force: so it is said. */
function withIgnored<T extends object>(decoded: Decoded<T>, map: WireMap): Decoded<T> {
  if (!decoded.ok) return decoded;
  const ignored: string[] = [];
  collectIgnored(map, decoded.message as Record<string, unknown>, '', ignored);
  return ignored.length === 0 ? decoded : { ...decoded, ignored };
}

/** The parse leaves out what its schema does not name. */
function collectIgnored(sent: WireMap, taken: Record<string, unknown>, path: string, ignored: string[]): void {
  for (const key of Object.keys(sent)) {
    if (ignored.length === MOST_IGNORED) return;
    const value = sent[key];
    if (value === null) continue;
    const within = taken[key];
    if (!Object.hasOwn(taken, key)) ignored.push(`${path}${key}`.slice(0, 64));
    else if (isMap(value) && typeof within === 'object' && within !== null) {
      collectIgnored(value, within as Record<string, unknown>, `${path}${key}.`, ignored);
    }
  }
}

/** The first issue of a failed parse as a fault; of a choice, the first of the form that fits best. */
export function schemaFault(error: z.ZodError, fatal: boolean): WireFault {
  let issue = error.issues[0];
  let path = issue?.path ?? [];
  while (issue?.code === 'invalid_union' && issue.errors.length > 0) {
    issue = issue.errors.reduce((best, form) => (form.length < best.length ? form : best))[0];
    path = [...path, ...(issue?.path ?? [])];
  }
  const field = path.map(String).join('.').slice(0, 128);
  const reason = issue?.message ?? 'invalid';
  return { code: 'validation_failed', message: field ? `${field}: ${reason}` : reason, fatal, field, reason };
}

/** No field of a client means anything by nil: clients whose libraries write absent fields as nil are understood. */
function withoutNil(value: unknown): unknown {
  if (!isMap(value)) return value;
  const kept: Record<string, unknown> = {};
  for (const key of Object.keys(value)) if (value[key] !== null) kept[key] = withoutNil(value[key]);
  return kept;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
