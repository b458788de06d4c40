import type { Observation, WireImage } from './client-messages.js';
import { WIRE_LIMITS } from './vocabulary.js';

// The frame that comes every tick of every robot, read straight from its bytes: no scan, no generic map, no objects that are
// thrown away. What is in any way unusual (an unknown key, nil, raw pixels, an instruction, a fault) is left to the general
// decoder, which alone decides what is wrong with a frame.

const { maxCameras, maxStateDim } = WIRE_LIMITS;
const LARGEST = Number.MAX_SAFE_INTEGER;

const KEY = { type: 1, seq: 2, captured_at_ms: 4, images: 8, state: 16, applied_seq: 32 } as const;
const NEEDED = KEY.type | KEY.seq | KEY.captured_at_ms | KEY.images | KEY.state;
/** By length, which tells the keys apart as far as `seq` and its like go; the bytes are compared all the same. */
const KEYS = Object.entries(KEY).map(([name, bit]) => ({ bit, bytes: ascii(name) }));
const OBSERVATION = ascii('observation');

let bytes: Uint8Array = new Uint8Array(0);
let view = new DataView(bytes.buffer);
let at = 0;
let end = 0;
/** Something unusual was met. */
let odd = false;

/**
 * An observation of encoded images, or null where the general decoder must look. What it returns is exactly what that one
 * would: images are views on `frame`.
 */
export function readObservation(frame: Uint8Array): Observation | null {
  bytes = frame;
  view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  at = 0;
  end = frame.length;
  odd = false;
  const keys = readMapSize();
  let seen = 0;
  let seq = 0;
  let capturedAt = 0;
  let appliedSeq = -1;
  let images: Record<string, WireImage> | null = null;
  let state: Float64Array | null = null;
  for (let left = keys; left > 0; left--) {
    const key = readKey();
    if (key === 0 || (seen & key) !== 0) return null;
    seen |= key;
    switch (key) {
      case KEY.type:
        if (!isText(OBSERVATION)) return null;
        break;
      case KEY.seq:
        seq = readCount();
        break;
      case KEY.captured_at_ms:
        capturedAt = readReal();
        break;
      case KEY.images:
        images = readImages();
        break;
      case KEY.state:
        state = readState();
        break;
      default:
        appliedSeq = readCount();
    }
    if (odd) return null;
  }
  if ((seen & NEEDED) !== NEEDED || at !== end || images === null || state === null) return null;
  const message: Observation = { type: 'observation', seq, captured_at_ms: capturedAt, images, state };
  if (appliedSeq >= 0) message.applied_seq = appliedSeq;
  return message;
}

function next(): number {
  if (at < end) return bytes[at++] as number;
  odd = true;
  return -1;
}

/** Whether `count` bytes are left. */
function has(count: number): boolean {
  if (count <= end - at) return true;
  odd = true;
  return false;
}

function readMapSize(): number {
  const token = next();
  if (token >= 0x80 && token <= 0x8f) return token & 0x0f;
  if (token !== 0xde || !has(2)) {
    odd = true;
    return 0;
  }
  at += 2;
  return view.getUint16(at - 2);
}

/** Its bit, or 0. */
function readKey(): number {
  const length = next() - 0xa0;
  if (length < 3 || length > 14 || !has(length)) return 0;
  for (let i = 0; i < KEYS.length; i++) {
    const key = KEYS[i] as (typeof KEYS)[number];
    if (key.bytes.length !== length || !matches(key.bytes)) continue;
    at += length;
    return key.bit;
  }
  return 0;
}

function isText(text: Uint8Array): boolean {
  if (next() !== (0xa0 | text.length) || !has(text.length) || !matches(text)) return false;
  at += text.length;
  return true;
}

function matches(text: Uint8Array): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text[i]) return false;
  return true;
}

/** A finite number within ±2^53 (W0). */
function readReal(): number {
  const token = next();
  if (token < 0x80) return token;
  if (token >= 0xe0) return token - 0x100;
  const start = at;
  let value = Number.NaN;
  switch (token) {
    case 0xca:
      if (has(4)) value = view.getFloat32(start);
      at += 4;
      break;
    case 0xcb:
      if (has(8)) value = view.getFloat64(start);
      at += 8;
      break;
    case 0xcc:
      if (has(1)) value = view.getUint8(start);
      at += 1;
      break;
    case 0xcd:
      if (has(2)) value = view.getUint16(start);
      at += 2;
      break;
    case 0xce:
      if (has(4)) value = view.getUint32(start);
      at += 4;
      break;
    case 0xcf:
      if (has(8)) value = view.getUint32(start) * 0x1_0000_0000 + view.getUint32(start + 4);
      at += 8;
      break;
    case 0xd0:
      if (has(1)) value = view.getInt8(start);
      at += 1;
      break;
    case 0xd1:
      if (has(2)) value = view.getInt16(start);
      at += 2;
      break;
    case 0xd2:
      if (has(4)) value = view.getInt32(start);
      at += 4;
      break;
    case 0xd3:
      if (has(8)) value = view.getInt32(start) * 0x1_0000_0000 + view.getUint32(start + 4);
      at += 8;
      break;
  }
  // NaN is on neither side.
  if (!(value <= LARGEST && value >= -LARGEST)) odd = true;
  return value;
}

/** 0 … 2^53. */
function readCount(): number {
  const value = readReal();
  if (!(Number.isSafeInteger(value) && value >= 0)) odd = true;
  return value;
}

/** An array of numbers, or a bin of little-endian float32. */
function readState(): Float64Array | null {
  const token = next();
  if (token >= 0xc4 && token <= 0xc6) {
    at--;
    return readFloat32State();
  }
  let length = token - 0x90;
  if (token === 0xdc && has(2)) {
    length = view.getUint16(at);
    at += 2;
  } else if (length < 0 || length > 15) {
    odd = true;
    return null;
  }
  if (length > maxStateDim || !has(length)) {
    odd = true;
    return null;
  }
  const state = new Float64Array(length);
  for (let i = 0; i < length; i++) state[i] = readReal();
  return state;
}

function readFloat32State(): Float64Array | null {
  const data = readBinary();
  if (data === null || data.length % 4 !== 0 || data.length > 4 * maxStateDim) {
    odd = true;
    return null;
  }
  const state = new Float64Array(data.length / 4);
  for (let i = 0; i < state.length; i++) {
    const entry = view.getFloat32(at - data.length + 4 * i, true);
    if (!(entry <= LARGEST && entry >= -LARGEST)) odd = true;
    state[i] = entry;
  }
  return state;
}

function readImages(): Record<string, WireImage> | null {
  const cameras = readMapSize();
  if (cameras > maxCameras) odd = true;
  if (odd) return null;
  const images: Record<string, WireImage> = {};
  for (let left = cameras; left > 0; left--) {
    const name = readName();
    const data = readBinary();
    // The general decoder keeps the last of two alike, and has no prototype that a name could reach.
    if (name === null || data === null || name in images) {
      odd = true;
      return null;
    }
    images[name] = { kind: 'encoded', data };
  }
  return images;
}

function readBinary(): Uint8Array | null {
  const token = next();
  let length = 0;
  if (token === 0xc5 && has(2)) {
    length = view.getUint16(at);
    at += 2;
  } else if (token === 0xc6 && has(4)) {
    length = view.getUint32(at);
    at += 4;
  } else if (token === 0xc4 && has(1)) {
    length = view.getUint8(at);
    at += 1;
  } else return null;
  if (!has(length)) return null;
  const data = bytes.subarray(at, at + length);
  at += length;
  return data;
}

/** Names met before: the few cameras of a server's models, over and over. */
const names: { readonly text: string; readonly bytes: Uint8Array }[] = [];
const MOST_NAMES = 16;
let oldest = 0;

function readName(): string | null {
  const length = next() - 0xa0;
  if (length < 0 || length > 31 || !has(length)) return null;
  for (let i = 0; i < names.length; i++) {
    const known = names[i] as (typeof names)[number];
    if (known.bytes.length !== length || !matches(known.bytes)) continue;
    at += length;
    return known.text;
  }
  let text = '';
  for (let i = 0; i < length; i++) {
    const unit = bytes[at + i] as number;
    if (unit > 0x7f) return null;
    text += String.fromCharCode(unit);
  }
  names[oldest] = { text, bytes: bytes.slice(at, at + length) };
  oldest = (oldest + 1) % MOST_NAMES;
  at += length;
  return text;
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (unit) => unit.charCodeAt(0));
}
