import { OPENPI_LIMITS } from './limits.js';
import { isNdArray, type NdArray, OpenpiFloat, type OpenpiValue } from './nd-array.js';

// The keys of an array's map are msgpack *bin*: a Python peer looks for `b"__ndarray__"` and takes a map with str keys for
// an ordinary one. No encoder of a library writes such keys, so this one is written here.

const textEncoder = new TextEncoder();
const key = (text: string) => Uint8Array.of(0xc4, text.length, ...textEncoder.encode(text));
/** A map of four, and the first pair of it. */
const ND_HEAD = Uint8Array.of(0x84, ...key('__ndarray__'), 0xc3, ...key('data'));
const ND_DTYPE = key('dtype');
const ND_SHAPE = key('shape');
const FIRST_BYTES = 4096;
/** A buffer grown beyond this for one large message is not kept. */
const KEPT_BYTES = 65_536;
/** Texts shorter than this are written unit by unit, which is faster than the encoder as long as they are ASCII. */
const MOST_ASCII = 32;

/**
 * One value as the openpi wire has it: arrays as maps with bin keys, other maps with str keys, whole numbers as ints,
 * others (and `OpenpiFloat`) as float64.
 * @returns bytes of their own.
 * @throws RangeError for what has no place on the wire: circles, undefined, an integer beyond 64 bits.
 */
export function encodeOpenpi(value: OpenpiValue): Uint8Array {
  writer.begin();
  writer.value(value, 0);
  return writer.bytes();
}

class Writer {
  #bytes = new Uint8Array(FIRST_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;

  /** Also after a message that was refused half-way. */
  begin(): void {
    this.#at = 0;
    if (this.#bytes.length > KEPT_BYTES) this.#renew(FIRST_BYTES);
  }

  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#at);
  }

  #renew(bytes: number): void {
    this.#bytes = new Uint8Array(bytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  value(value: OpenpiValue, depth: number): void {
    if (depth > OPENPI_LIMITS.maxDepth) throw new RangeError(`nested deeper than ${OPENPI_LIMITS.maxDepth}`);
    if (value === null) this.#byte(0xc0);
    else if (typeof value === 'boolean') this.#byte(value ? 0xc3 : 0xc2);
    else if (typeof value === 'string') this.#text(value);
    else if (typeof value === 'bigint') this.#bigint(value);
    else if (typeof value === 'number') {
      if (Number.isSafeInteger(value) && !Object.is(value, -0)) this.#integer(value);
      else this.#float(value);
    } else if (value instanceof Uint8Array) this.#binary(value);
    else if (value instanceof OpenpiFloat) this.#float(value.value);
    else if (Array.isArray(value)) {
      this.#count(value.length, 0x90, 0xdc);
      for (const entry of value as readonly OpenpiValue[]) this.value(entry, depth + 1);
    } else if (isNdArray(value)) this.#array(value);
    else if (typeof value === 'object') {
      const entries = Object.entries(value as { readonly [key: string]: OpenpiValue });
      this.#count(entries.length, 0x80, 0xde);
      for (const [name, entry] of entries) {
        this.#text(name);
        this.value(entry, depth + 1);
      }
    } else throw new RangeError(`a value of type ${typeof value} has no place on the wire`);
  }

  #array({ dtype, shape, data }: NdArray): void {
    this.#raw(ND_HEAD);
    this.#binary(data);
    this.#raw(ND_DTYPE);
    this.#text(dtype);
    this.#raw(ND_SHAPE);
    this.#count(shape.length, 0x90, 0xdc);
    for (const axis of shape) this.#integer(axis);
  }

  #text(text: string): void {
    if (text.length < MOST_ASCII && this.#ascii(text)) return;
    const bytes = textEncoder.encode(text);
    if (bytes.length < 32) this.#byte(0xa0 | bytes.length);
    else this.#length(bytes.length, 0xd9);
    this.#raw(bytes);
  }

  /** Whether it was ASCII and is written. */
  #ascii(text: string): boolean {
    this.#reserve(1 + MOST_ASCII);
    const bytes = this.#bytes;
    const start = this.#at + 1;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit >= 0x80) return false;
      bytes[start + i] = unit;
    }
    bytes[this.#at] = 0xa0 | text.length;
    this.#at = start + text.length;
    return true;
  }

  #binary(data: Uint8Array): void {
    this.#length(data.length, 0xc4);
    this.#raw(data);
  }

  #float(value: number): void {
    this.#byte(0xcb);
    this.#reserve(8);
    this.#view.setFloat64(this.#at, value);
    this.#at += 8;
  }

  #integer(value: number): void {
    if (value >= 0) {
      if (value < 0x80) this.#byte(value);
      else if (value < 0x100) this.#sized(0xcc, 1, value);
      else if (value < 0x10000) this.#sized(0xcd, 2, value);
      else if (value < 0x100000000) this.#sized(0xce, 4, value);
      else this.#wide(0xcf, BigInt(value));
    } else if (value >= -0x20) this.#byte(value & 0xff);
    else if (value >= -0x80) this.#sized(0xd0, 1, value & 0xff);
    else if (value >= -0x8000) this.#sized(0xd1, 2, value & 0xffff);
    else if (value >= -0x80000000) this.#sized(0xd2, 4, value >>> 0);
    else this.#wide(0xd3, BigInt(value));
  }

  #bigint(value: bigint): void {
    if (value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER))
      this.#integer(Number(value));
    else if (value === BigInt.asUintN(64, value)) this.#wide(0xcf, value);
    else if (value === BigInt.asIntN(64, value)) this.#wide(0xd3, value);
    else throw new RangeError('an integer beyond 64 bits has no place on the wire');
  }

  #wide(tag: number, value: bigint): void {
    this.#byte(tag);
    this.#reserve(8);
    this.#view.setBigUint64(this.#at, BigInt.asUintN(64, value));
    this.#at += 8;
  }

  /** The length of a str (tag 0xd9) or a bin (0xc4), of which the wider forms follow. */
  #length(length: number, tag: number): void {
    if (length < 0x100) this.#sized(tag, 1, length);
    else if (length < 0x10000) this.#sized(tag + 1, 2, length);
    else this.#sized(tag + 2, 4, length);
  }

  /** The entries of a list (0x90, 0xdc) or a map (0x80, 0xde). */
  #count(count: number, fix: number, tag: number): void {
    if (count < 16) this.#byte(fix | count);
    else if (count < 0x10000) this.#sized(tag, 2, count);
    else this.#sized(tag + 1, 4, count);
  }

  #sized(tag: number, bytes: 1 | 2 | 4, value: number): void {
    this.#reserve(5);
    this.#view.setUint8(this.#at, tag);
    if (bytes === 1) this.#view.setUint8(this.#at + 1, value);
    else if (bytes === 2) this.#view.setUint16(this.#at + 1, value);
    else this.#view.setUint32(this.#at + 1, value);
    this.#at += 1 + bytes;
  }

  #byte(byte: number): void {
    this.#reserve(1);
    this.#view.setUint8(this.#at++, byte);
  }

  #raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #reserve(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed <= this.#bytes.length) return;
    const written = this.#bytes.subarray(0, this.#at);
    this.#renew(Math.max(needed + FIRST_BYTES, 2 * this.#bytes.length));
    this.#bytes.set(written);
  }
}

/** One for all messages: none is written while another is. */
const writer = new Writer();
