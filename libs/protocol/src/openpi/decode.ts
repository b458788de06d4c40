import { OPENPI_LIMITS } from './limits.js';
import { ndFault, type OpenpiValue } from './nd-array.js';

// The reader of the openpi wire. What it takes beyond what it writes: the keys of array maps as str (some peers send
// them so), numpy scalars, maps with bin keys anywhere. What it refuses: extension types, keys that are neither str nor
// bin, dtypes that are void, object or complex, and whatever goes over the bounds.

const { maxValues, maxMapKeys, maxDepth } = OPENPI_LIMITS;
export type OpenpiDecoded =
  | { readonly ok: true; readonly value: OpenpiValue }
  | { readonly ok: false; readonly reason: string };

/**
 * One message, exactly. Never throws. Arrays and `bin` are views on `bytes` (borrowed: copy what outlives the frame);
 * integers beyond 2^53 are bigints; a numpy scalar is its value.
 */
export function decodeOpenpi(bytes: Uint8Array): OpenpiDecoded {
  try {
    const reader = new Reader(bytes);
    const value = reader.value(0);
    if (reader.left !== 0) return { ok: false, reason: 'bytes follow the message' };
    return { ok: true, value };
  } catch (error) {
    if (error instanceof Refused) return { ok: false, reason: error.message };
    throw error;
  }
}

class Refused extends Error {}
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  #values = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  value(depth: number): OpenpiValue {
    if (++this.#values > maxValues) throw new Refused(`more than ${maxValues} values`);
    if (depth > maxDepth) throw new Refused(`nested deeper than ${maxDepth}`);
    const tag = this.#uint(1);
    if (tag < 0x80) return tag;
    if (tag < 0x90) return this.#map(tag & 0x0f, depth);
    if (tag < 0xa0) return this.#list(tag & 0x0f, depth);
    if (tag < 0xc0) return this.#text(tag & 0x1f);
    if (tag >= 0xe0) return tag - 0x100;
    switch (tag) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
        return this.#take(this.#uint(1));
      case 0xc5:
        return this.#take(this.#uint(2));
      case 0xc6:
        return this.#take(this.#uint(4));
      case 0xca:
        return this.#view.getFloat32(this.#skip(4));
      case 0xcb:
        return this.#view.getFloat64(this.#skip(8));
      case 0xcc:
        return this.#uint(1);
      case 0xcd:
        return this.#uint(2);
      case 0xce:
        return this.#uint(4);
      case 0xcf:
        return exact(this.#view.getBigUint64(this.#skip(8)));
      case 0xd0:
        return this.#view.getInt8(this.#skip(1));
      case 0xd1:
        return this.#view.getInt16(this.#skip(2));
      case 0xd2:
        return this.#view.getInt32(this.#skip(4));
      case 0xd3:
        return exact(this.#view.getBigInt64(this.#skip(8)));
      case 0xd9:
        return this.#text(this.#uint(1));
      case 0xda:
        return this.#text(this.#uint(2));
      case 0xdb:
        return this.#text(this.#uint(4));
      case 0xdc:
        return this.#list(this.#uint(2), depth);
      case 0xdd:
        return this.#list(this.#uint(4), depth);
      case 0xde:
        return this.#map(this.#uint(2), depth);
      case 0xdf:
        return this.#map(this.#uint(4), depth);
      case 0xc1:
        throw new Refused('byte 0xc1 is not msgpack');
      default:
        throw new Refused('extension types are not part of the wire');
    }
  }

  #list(length: number, depth: number): OpenpiValue[] {
    // each entry takes a byte at least: a claim of billions ends before anything is allocated
    if (length > this.left) throw new Refused('the message is truncated');
    if (this.#values + length > maxValues) throw new Refused(`more than ${maxValues} values`);
    const list: OpenpiValue[] = [];
    for (let i = 0; i < length; i++) list.push(this.value(depth + 1));
    return list;
  }

  #map(keys: number, depth: number): OpenpiValue {
    if (keys > maxMapKeys) throw new Refused(`more than ${maxMapKeys} keys in a map`);
    const map: Record<string, OpenpiValue> = {};
    for (let i = 0; i < keys; i++) {
      const key = this.#key(depth);
      map[key] = this.value(depth + 1);
    }
    if (Object.hasOwn(map, '__ndarray__')) return ndArray(map);
    if (Object.hasOwn(map, '__npgeneric__')) return scalar(map);
    return map;
  }

  #key(depth: number): string {
    const key = this.value(depth + 1);
    const text = key instanceof Uint8Array ? knownText(key, 0, key.length) : key;
    if (typeof text !== 'string') throw new Refused('map keys must be strings');
    if (text === '__proto__') throw new Refused('the key __proto__ is refused');
    return text;
  }

  #text(length: number): string {
    const at = this.#skip(length);
    return knownText(this.#bytes, at, at + length);
  }

  #uint(bytes: 1 | 2 | 4): number {
    const at = this.#skip(bytes);
    return bytes === 1 ? this.#view.getUint8(at) : bytes === 2 ? this.#view.getUint16(at) : this.#view.getUint32(at);
  }

  #take(length: number): Uint8Array {
    const at = this.#skip(length);
    return this.#bytes.subarray(at, at + length);
  }

  /** @returns where the skipped bytes begin. */
  #skip(length: number): number {
    if (length > this.left) throw new Refused('the message is truncated');
    const at = this.#at;
    this.#at += length;
    return at;
  }
}

/** Keys, dtypes and prompts repeat with every observation: as many as this are kept, the next of the same slot replaces one. */
const KNOWN_TEXTS = 256;
const LONGEST_KNOWN = 64;
const knownTexts: ({ readonly bytes: Uint8Array; readonly text: string } | undefined)[] = new Array(KNOWN_TEXTS).fill(
  undefined,
);

/** The text in `bytes[start, end)`. */
function knownText(bytes: Uint8Array, start: number, end: number): string {
  const length = end - start;
  if (length > LONGEST_KNOWN) return decodeText(bytes.subarray(start, end));
  let hash = length;
  for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + (bytes[i] as number)) | 0;
  const slot = hash & (KNOWN_TEXTS - 1);
  const known = knownTexts[slot];
  if (known !== undefined && isAt(known.bytes, bytes, start, length)) return known.text;
  const own = bytes.slice(start, end);
  const text = decodeText(own);
  knownTexts[slot] = { bytes: own, text };
  return text;
}

function isAt(known: Uint8Array, bytes: Uint8Array, start: number, length: number): boolean {
  if (known.length !== length) return false;
  for (let i = 0; i < length; i++) if (known[i] !== bytes[start + i]) return false;
  return true;
}

function decodeText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new Refused('a text is not UTF-8');
  }
}

function exact(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function ndArray(map: Readonly<Record<string, OpenpiValue>>): OpenpiValue {
  const { data, shape } = map;
  const dtype = dtypeOf(map);
  if (!(data instanceof Uint8Array)) throw new Refused('the data of an array is not bin');
  if (!Array.isArray(shape)) throw new Refused('the shape of an array is not a list of sizes');
  const fault = ndFault(dtype, shape, data);
  if (fault !== null) throw new Refused(fault);
  return { dtype, shape: shape as readonly number[], data };
}

/** A numpy scalar: what `item()` gave, which is what it is worth here. */
function scalar(map: Readonly<Record<string, OpenpiValue>>): OpenpiValue {
  const { data } = map;
  const fault = ndFault(dtypeOf(map), [0], new Uint8Array(0));
  if (fault !== null) throw new Refused(fault);
  if (data === undefined || (typeof data === 'object' && !(data instanceof Uint8Array)))
    throw new Refused('the data of a numpy scalar is not a scalar');
  return data;
}

function dtypeOf({ dtype }: Readonly<Record<string, OpenpiValue>>): string {
  if (typeof dtype !== 'string') throw new Refused('the dtype of an array is not a string');
  return dtype;
}
