// The encoder. Written here and not taken from msgpackr because W0 fixes how numbers look on the wire: integers are
// msgpack ints whatever their size (msgpackr sends a float above 32 bits), vectors are float64 even where an entry happens
// to be whole (msgpackr sends an int), so that typed languages see one type a field.

/** Frames are cut from slabs of this size: an allocation of its own costs a small frame as much as all its fields. */
const SLAB_BYTES = 32_768;
/** Texts shorter than this are written unit by unit, which is faster than the encoder as long as they are ASCII. */
const MOST_ASCII = 64;
const textEncoder = new TextEncoder();

/** Writes one msgpack value after another. What was handed out is never written to again. */
export class FrameWriter {
  #bytes = new Uint8Array(SLAB_BYTES);
  #view = new DataView(this.#bytes.buffer);
  /** Where the frame in progress begins in the slab. */
  #start = 0;
  #at = 0;
  /** Of the slab's beginning: a message that is sent over and over has few different lengths. */
  #views: { buffer: ArrayBufferLike; byLength: (Uint8Array | undefined)[] } = {
    buffer: this.#bytes.buffer,
    byLength: [],
  };

  /**
   * Encodes one value.
   * @returns bytes that stay as they are, a view on a larger buffer: send or copy them, but do not transfer the buffer.
   */
  encode(value: unknown): Uint8Array {
    // also after an encode that threw half-way
    this.#at = this.#start;
    this.#value(value);
    const frame = this.#bytes.subarray(this.#start, this.#at);
    this.#start = this.#at;
    // a buffer grown for one large frame belongs to that frame alone
    if (this.#bytes.length > SLAB_BYTES) this.#renew(SLAB_BYTES, 0);
    return frame;
  }

  /** Begins a message that is written part by part with the methods below, over what was lent out last. */
  begin(): void {
    this.#start = 0;
    this.#at = 0;
  }

  /** msgpack that stands ready. */
  raw(msgpack: Uint8Array): void {
    const { length } = msgpack;
    this.#reserve(length);
    const bytes = this.#bytes;
    const at = this.#at;
    for (let i = 0; i < length; i++) bytes[at + i] = msgpack[i] as number;
    this.#at = at + length;
  }

  number(value: number): void {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) this.#integer(value);
    else this.#float(value);
  }

  value(value: unknown): void {
    this.#value(value);
  }

  /** What was written since `begin`: the reader's until the next `begin`. */
  lend(): Uint8Array {
    if (this.#views.buffer !== this.#bytes.buffer) this.#views = { buffer: this.#bytes.buffer, byLength: [] };
    const { byLength } = this.#views;
    let view = byLength[this.#at];
    if (view === undefined) {
      view = this.#bytes.subarray(0, this.#at);
      byLength[this.#at] = view;
    }
    return view;
  }

  #value(value: unknown): void {
    switch (typeof value) {
      case 'number':
        this.number(value);
        return;
      case 'string':
        this.#string(value);
        return;
      case 'boolean':
        this.#byte(value ? 0xc3 : 0xc2);
        return;
      case 'undefined':
        this.#byte(0xc0);
        return;
      case 'object':
        if (value === null) this.#byte(0xc0);
        else if (value instanceof Uint8Array) this.#binary(value);
        else if (value instanceof Float64Array) this.#vector(value);
        else if (value instanceof Float32Array) this.#float32Binary(value);
        else if (Array.isArray(value)) this.#array(value);
        else this.#map(value as Record<string, unknown>);
        return;
      default:
        throw new TypeError(`a ${typeof value} has no place in a frame`);
    }
  }

  #map(map: Record<string, unknown>): void {
    let keys = 0;
    for (const key in map) if (map[key] !== undefined) keys++;
    this.#header(keys, 0x80, 16, 0xde);
    for (const key in map) {
      const value = map[key];
      if (value === undefined) continue;
      this.#string(key);
      this.#value(value);
    }
  }

  #array(array: readonly unknown[]): void {
    this.#header(array.length, 0x90, 16, 0xdc);
    for (let i = 0; i < array.length; i++) this.#value(array[i]);
  }

  /** A vector of reals: always float64, also where an entry is whole. */
  #vector(vector: Float64Array): void {
    this.#header(vector.length, 0x90, 16, 0xdc);
    this.#reserve(vector.length * 9);
    for (let i = 0; i < vector.length; i++) this.#float(vector[i] as number);
  }

  #binary(data: Uint8Array): void {
    this.#binaryHeader(data.length);
    this.#reserve(data.length);
    this.#bytes.set(data, this.#at);
    this.#at += data.length;
  }

  #float32Binary(data: Float32Array): void {
    this.#binaryHeader(data.byteLength);
    this.#reserve(data.byteLength);
    for (let i = 0; i < data.length; i++) {
      this.#view.setFloat32(this.#at, data[i] as number, true);
      this.#at += 4;
    }
  }

  #string(text: string): void {
    // Asked once: texts come in many representations, and each look at the length of any of them is a call.
    const { length } = text;
    // at most three UTF-8 bytes a UTF-16 unit
    const room = length * 3;
    this.#reserve(5 + room);
    if (length < MOST_ASCII && this.#ascii(text, length)) return;
    const headerBytes = room < 256 ? 2 : room < 65_536 ? 3 : 5;
    const { written } = textEncoder.encodeInto(text, this.#bytes.subarray(this.#at + headerBytes));
    if (headerBytes === 2) {
      this.#view.setUint8(this.#at, 0xd9);
      this.#view.setUint8(this.#at + 1, written);
    } else if (headerBytes === 3) {
      this.#view.setUint8(this.#at, 0xda);
      this.#view.setUint16(this.#at + 1, written);
    } else {
      this.#view.setUint8(this.#at, 0xdb);
      this.#view.setUint32(this.#at + 1, written);
    }
    this.#at += headerBytes + written;
  }

  #ascii(text: string, length: number): boolean {
    const short = length < 32;
    const bytes = this.#bytes;
    const start = this.#at + (short ? 1 : 2);
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 0x7f) return false;
      bytes[start + i] = unit;
    }
    if (short) bytes[this.#at] = 0xa0 | length;
    else {
      bytes[this.#at] = 0xd9;
      bytes[this.#at + 1] = length;
    }
    this.#at = start + length;
    return true;
  }

  #integer(value: number): void {
    this.#reserve(9);
    if (value >= 0) {
      if (value < 0x80) this.#bytes[this.#at++] = value;
      else if (value < 0x100) this.#view.setUint8(this.#tag(0xcc, 1), value);
      else if (value < 0x10000) this.#view.setUint16(this.#tag(0xcd, 2), value);
      else if (value < 0x100000000) this.#view.setUint32(this.#tag(0xce, 4), value);
      else this.#wide(0xcf, value);
    } else if (value >= -0x20) this.#bytes[this.#at++] = value & 0xff;
    else if (value >= -0x80) this.#view.setInt8(this.#tag(0xd0, 1), value);
    else if (value >= -0x8000) this.#view.setInt16(this.#tag(0xd1, 2), value);
    else if (value >= -0x80000000) this.#view.setInt32(this.#tag(0xd2, 4), value);
    else this.#wide(0xd3, value);
  }

  /** Writes the tag and makes room for its payload. @returns where the payload goes. */
  #tag(tag: number, size: number): number {
    this.#bytes[this.#at] = tag;
    const payload = this.#at + 1;
    this.#at = payload + size;
    return payload;
  }

  /** A 64-bit integer from a safe integer, without a BigInt. */
  #wide(tag: number, value: number): void {
    this.#bytes[this.#at++] = tag;
    this.#view.setInt32(this.#at, Math.floor(value / 0x100000000));
    this.#view.setUint32(this.#at + 4, value >>> 0);
    this.#at += 8;
  }

  #float(value: number): void {
    this.#reserve(9);
    this.#bytes[this.#at++] = 0xcb;
    this.#view.setFloat64(this.#at, value);
    this.#at += 8;
  }

  #byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = value;
  }

  #header(count: number, fix: number, fixLimit: number, tag16: number): void {
    this.#reserve(5);
    if (count < fixLimit) this.#bytes[this.#at++] = fix | count;
    else if (count < 0x10000) {
      this.#bytes[this.#at++] = tag16;
      this.#view.setUint16(this.#at, count);
      this.#at += 2;
    } else {
      this.#bytes[this.#at++] = tag16 + 1;
      this.#view.setUint32(this.#at, count);
      this.#at += 4;
    }
  }

  #binaryHeader(length: number): void {
    this.#reserve(5);
    if (length < 0x100) {
      this.#bytes[this.#at] = 0xc4;
      this.#bytes[this.#at + 1] = length;
      this.#at += 2;
    } else if (length < 0x10000) {
      this.#bytes[this.#at] = 0xc5;
      this.#view.setUint16(this.#at + 1, length);
      this.#at += 3;
    } else {
      this.#bytes[this.#at] = 0xc6;
      this.#view.setUint32(this.#at + 1, length);
      this.#at += 5;
    }
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const written = this.#at - this.#start;
    const needed = written + bytes;
    this.#renew(needed <= SLAB_BYTES ? SLAB_BYTES : Math.max(needed, 2 * written), written);
  }

  /** A new slab that begins with what is written of the present frame. */
  #renew(size: number, written: number): void {
    const slab = new Uint8Array(size);
    slab.set(this.#bytes.subarray(this.#start, this.#start + written));
    this.#bytes = slab;
    this.#view = new DataView(slab.buffer);
    this.#start = 0;
    this.#at = written;
  }
}
