import { FIELDS, HEAD } from './inference-encoder.js';
import type { InferenceRecord, InferenceStatus } from './records.js';

/** Ids and names of few robots come again and again: a text that was read before is found by its last bytes. */
const REMEMBERED = 256;
const LONGEST_REMEMBERED = 64;
const texts = new Array<string>(REMEMBERED).fill('');
const bytesOfTexts = Array.from({ length: REMEMBERED }, () => Buffer.alloc(0));

let bytes: Buffer = Buffer.alloc(0);
let at = 0;
let sound = true;

/**
 * A record as `encodeInference` writes it, without the general decoder's look at what each field might be and with texts that are
 * shared between records. Null where anything is otherwise, field order included: then the general decoder has to tell.
 */
export function decodeInference(payload: Buffer): InferenceRecord | null {
  bytes = payload;
  at = 0;
  sound = true;
  expect(HEAD);
  if (!sound) return null;
  const record: InferenceRecord = {
    v: number(FIELDS.v) as 1,
    kind: name(FIELDS.kind) as 'inference',
    log_id: number(FIELDS.log_id),
    t_ms: number(FIELDS.t_ms),
    session_id: name(FIELDS.session_id),
    customer_id: name(FIELDS.customer_id),
    request_id: text(FIELDS.request_id),
    key_id: name(FIELDS.key_id),
    episode: number(FIELDS.episode),
    robot_id: name(FIELDS.robot_id),
    robot_type: name(FIELDS.robot_type),
    model_id: name(FIELDS.model_id),
    model_version: name(FIELDS.model_version),
    // Not remembered: nobody's words stay here.
    instruction: text(FIELDS.instruction),
    observation_seq: number(FIELDS.observation_seq),
    observation_age_ms: number(FIELDS.observation_age_ms),
    base_tick: number(FIELDS.base_tick),
    state: numbers(FIELDS.state),
    image_shape: numbers(FIELDS.image_shape),
    chunk: binary(FIELDS.chunk),
    shape: numbers(FIELDS.shape) as unknown as [number, number],
    queue_ms: number(FIELDS.queue_ms),
    decode_ms: number(FIELDS.decode_ms),
    inference_ms: number(FIELDS.inference_ms),
    total_ms: number(FIELDS.total_ms),
    status: name(FIELDS.status) as InferenceStatus,
    safety_score: number(FIELDS.safety_score),
    safety_flags: names(FIELDS.safety_flags),
  };
  return sound && at === payload.length && record.kind === 'inference' ? record : null;
}

function expect(wanted: Uint8Array): void {
  for (let i = 0; i < wanted.length; i++) if (bytes[at + i] !== wanted[i]) sound = false;
  at += wanted.length;
}

/** Where the next `size` bytes begin; 0 where there are not so many, and nothing is sound. */
function take(size: number): number {
  const from = at;
  at += size;
  if (sound && at <= bytes.length) return from;
  sound = false;
  return 0;
}

function tag(): number {
  return bytes[take(1)] ?? 0;
}

function number(field: Uint8Array): number {
  expect(field);
  return real();
}

/** Read where it surely stands: without a sound place there is nothing to read. */
function real(): number {
  const kind = tag();
  if (kind < 0x80) return kind;
  if (kind >= 0xe0) return kind - 0x100;
  const size = SIZES[kind - 0xca] ?? 0;
  const from = take(size);
  if (!sound || size === 0) {
    sound = false;
    return 0;
  }
  switch (kind) {
    case 0xcb:
      return bytes.readDoubleBE(from);
    case 0xcc:
      return bytes.readUInt8(from);
    case 0xcd:
      return bytes.readUInt16BE(from);
    case 0xce:
      return bytes.readUInt32BE(from);
    case 0xcf:
      return bytes.readUInt32BE(from) * 2 ** 32 + bytes.readUInt32BE(from + 4);
    case 0xd0:
      return bytes.readInt8(from);
    case 0xd1:
      return bytes.readInt16BE(from);
    case 0xd2:
      return bytes.readInt32BE(from);
    default:
      return bytes.readInt32BE(from) * 2 ** 32 + bytes.readUInt32BE(from + 4);
  }
}

/** Of the tags 0xca to 0xd3; 0: none that is written. */
const SIZES = [0, 8, 1, 2, 4, 8, 1, 2, 4, 8];

function textLength(): number {
  const kind = tag();
  if ((kind & 0xe0) === 0xa0) return kind & 0x1f;
  if (kind === 0xd9) return tag();
  if (kind === 0xda) return (tag() << 8) | tag();
  sound = false;
  return 0;
}

function text(field: Uint8Array): string {
  expect(field);
  const length = textLength();
  const from = take(length);
  return sound ? bytes.toString('utf8', from, from + length) : '';
}

function name(field: Uint8Array): string {
  expect(field);
  return shared();
}

function shared(): string {
  const length = textLength();
  const from = take(length);
  if (!sound) return '';
  const end = from + length;
  if (length < 4 || length > LONGEST_REMEMBERED) return bytes.toString('utf8', from, end);
  const slot =
    ((bytes[end - 1] as number) + 7 * (bytes[end - 2] as number) + 31 * (bytes[end - 3] as number)) % REMEMBERED;
  if (same(bytesOfTexts[slot] as Buffer, from, length)) return texts[slot] as string;
  const found = bytes.toString('utf8', from, end);
  texts[slot] = found;
  bytesOfTexts[slot] = Buffer.from(bytes.subarray(from, end));
  return found;
}

function same(known: Buffer, from: number, length: number): boolean {
  if (known.length !== length) return false;
  for (let i = 0; i < length; i++) if (known[i] !== bytes[from + i]) return false;
  return true;
}

function listLength(): number {
  const kind = tag();
  if ((kind & 0xf0) === 0x90) return kind & 0x0f;
  if (kind === 0xdc) return (tag() << 8) | tag();
  sound = false;
  return 0;
}

function numbers(field: Uint8Array): number[] {
  expect(field);
  const list = new Array<number>(listLength());
  for (let i = 0; i < list.length && sound; i++) list[i] = real();
  return list;
}

function names(field: Uint8Array): string[] {
  expect(field);
  const list = new Array<string>(listLength());
  for (let i = 0; i < list.length && sound; i++) list[i] = shared();
  return list;
}

/** A copy: the payload is a view on a window that is read over. */
function binary(field: Uint8Array): Buffer {
  expect(field);
  const kind = tag();
  const length = kind === 0xc4 ? tag() : kind === 0xc5 ? (tag() << 8) | tag() : -1;
  if (length < 0) sound = false;
  const from = take(Math.max(0, length));
  return Buffer.from(bytes.subarray(from, sound ? from + length : from));
}
