/** What a column takes of a row. Each writes its value, or null, or throws {@link Unencodable}. */
export type ColumnType =
  | 'bigint'
  | 'integer'
  | 'double'
  | 'text'
  | 'uuid'
  | 'timestamptz'
  | 'jsonb'
  | 'bytea'
  | 'integer[]'
  | 'double[]';

/** A value that this encoding cannot hold as it is: what becomes of it is for the database to say. */
export class Unencodable extends Error {
  override readonly name = 'Unencodable';
}

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
const END = -1;
const NULL_LENGTH = -1;
const INT4_OID = 23;
const FLOAT8_OID = 701;
/** PostgreSQL counts microseconds from 2000-01-01 UTC. */
const EPOCH_MS = 946_684_800_000;
const FIRST_BYTES = 256 * 1_024;

/** What a column held in the row before, and where in the buffer it stands. */
interface Written {
  type: ColumnType;
  text: string;
  from: number;
  to: number;
}

/**
 * Rows in PostgreSQL's binary COPY format (its manual, "COPY", Binary Format), big-endian: numbers go as they are, where text
 * would be written here and parsed there. As in JSON, what is not finite is null, and U+0000 is left out of text. A column that
 * says the same as in the row before is copied from there: robots, customers and models are few.
 */
export class BinaryRows {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES);
  #view = viewOf(this.#bytes);
  #at = SIGNATURE.copy(this.#bytes);
  #column = 0;
  #before: (Written | undefined)[] = [];

  /** Begins a row of so many columns. */
  row(columns: number): void {
    this.#reserve(2);
    this.#view.setInt16(this.#at, columns);
    this.#at += 2;
    this.#column = 0;
  }

  column(type: ColumnType, value: unknown): void {
    const column = this.#column++;
    if (value === null || value === undefined) return this.#length(NULL_LENGTH);
    if (typeof value !== 'string') return this.#write(type, value);
    const before = this.#before[column];
    if (before?.text === value && before.type === type) {
      const { from, to } = before;
      this.#reserve(to - from);
      this.#bytes.copyWithin(this.#at, from, to);
      this.#at += to - from;
      return;
    }
    const from = this.#at;
    this.#write(type, value);
    if (before === undefined) this.#before[column] = { type, text: value, from, to: this.#at };
    else {
      before.type = type;
      before.text = value;
      before.from = from;
      before.to = this.#at;
    }
  }

  /** What was written since the last time. Borrowed: the next row is written over it. */
  borrow(): Buffer {
    const bytes = this.#bytes.subarray(0, this.#at);
    this.#at = 0;
    this.#before = [];
    return bytes;
  }

  /** The trailer, behind the last row. */
  end(): void {
    this.#reserve(2);
    this.#view.setInt16(this.#at, END);
    this.#at += 2;
  }

  #write(type: ColumnType, value: unknown): void {
    switch (type) {
      case 'text':
        return this.#text(textOf(value), 0);
      case 'bigint':
        return this.#bigint(numberOf(value));
      case 'integer':
        return this.#integer(numberOf(value));
      case 'double':
        return this.#double(numberOf(value));
      case 'uuid':
        return this.#uuid(textOf(value));
      case 'timestamptz':
        return this.#timestamp(textOf(value));
      case 'bytea':
        if (!(value instanceof Uint8Array)) throw new Unencodable('not bytes');
        return this.#raw(value);
      case 'jsonb':
        return this.#text(jsonOf(value), 1);
      case 'integer[]': {
        const integers = arrayOf(value);
        const lengthAt = this.#arrayHead(integers, INT4_OID, 4);
        for (let i = 0; i < integers.length; i++) this.#integer(integers[i] as number);
        return this.#arrayEnd(lengthAt);
      }
      case 'double[]': {
        const doubles = arrayOf(value);
        const lengthAt = this.#arrayHead(doubles, FLOAT8_OID, 8);
        for (let i = 0; i < doubles.length; i++) this.#double(doubles[i] as number);
        return this.#arrayEnd(lengthAt);
      }
    }
  }

  #length(length: number): void {
    this.#reserve(4);
    this.#view.setInt32(this.#at, length);
    this.#at += 4;
  }

  #bigint(value: number): void {
    if (!Number.isFinite(value)) return this.#length(NULL_LENGTH);
    if (!Number.isSafeInteger(value)) throw new Unencodable('not a whole number');
    this.#reserve(12);
    this.#view.setInt32(this.#at, 8);
    // Two halves, without a BigInt a number: the upper one signed, the lower one never.
    const upper = Math.floor(value / 2 ** 32);
    this.#view.setInt32(this.#at + 4, upper);
    this.#view.setUint32(this.#at + 8, value - upper * 2 ** 32);
    this.#at += 12;
  }

  #integer(value: number): void {
    if (!Number.isFinite(value)) return this.#length(NULL_LENGTH);
    if ((value | 0) !== value) throw new Unencodable('not an integer of 32 bits');
    this.#reserve(8);
    this.#view.setInt32(this.#at, 4);
    this.#view.setInt32(this.#at + 4, value);
    this.#at += 8;
  }

  #double(value: number): void {
    if (!Number.isFinite(value)) return this.#length(NULL_LENGTH);
    this.#reserve(12);
    this.#view.setInt32(this.#at, 8);
    this.#view.setFloat64(this.#at + 4, value);
    this.#at += 12;
  }

  #timestamp(iso: string): void {
    const ms = Date.parse(iso);
    if (Number.isNaN(ms)) throw new Unencodable('not a time');
    this.#bigint((ms - EPOCH_MS) * 1_000);
  }

  #uuid(text: string): void {
    this.#reserve(20);
    this.#view.setInt32(this.#at, 16);
    this.#at += 4;
    if (text.length !== 36) throw new Unencodable('not a UUID');
    for (let i = 0; i < 36; ) {
      if (i === 8 || i === 13 || i === 18 || i === 23) {
        if (text.charCodeAt(i++) !== HYPHEN) throw new Unencodable('not a UUID');
      }
      const byte = (hexDigit(text.charCodeAt(i++)) << 4) | hexDigit(text.charCodeAt(i++));
      if (byte < 0) throw new Unencodable('not a UUID');
      this.#bytes[this.#at++] = byte;
    }
  }

  /** `version` bytes of the value 1 stand before a jsonb's text. */
  #text(text: string, version: 0 | 1): void {
    const plain = text.includes('\0') ? text.replaceAll('\0', '') : text;
    if (!(plain as unknown as Checked).isWellFormed()) throw new Unencodable('not Unicode');
    this.#reserve(4 + version + 3 * plain.length);
    const lengthAt = this.#at;
    this.#at += 4;
    if (version === 1) this.#bytes[this.#at++] = 1;
    this.#at += this.#bytes.write(plain, this.#at, 'utf8');
    this.#view.setInt32(lengthAt, this.#at - lengthAt - 4);
  }

  #raw(bytes: Uint8Array): void {
    this.#length(bytes.length);
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** @returns where the array's length goes: `#arrayEnd` fills it in. */
  #arrayHead(values: readonly number[], oid: number, size: number): number {
    this.#reserve(24 + values.length * (4 + size));
    const lengthAt = this.#at;
    // Dimensions, whether one is null, and the elements' type; then, of the one dimension, its length and its first index.
    this.#view.setInt32(lengthAt + 4, values.length === 0 ? 0 : 1);
    this.#view.setInt32(lengthAt + 8, values.every(Number.isFinite) ? 0 : 1);
    this.#view.setInt32(lengthAt + 12, oid);
    this.#at += 16;
    if (values.length > 0) {
      this.#view.setInt32(this.#at, values.length);
      this.#view.setInt32(this.#at + 4, 1);
      this.#at += 8;
    }
    return lengthAt;
  }

  #arrayEnd(lengthAt: number): void {
    this.#view.setInt32(lengthAt, this.#at - lengthAt - 4);
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#bytes.length, this.#at + bytes));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
    this.#view = viewOf(larger);
  }
}

const viewOf = ({ buffer, byteLength, byteOffset }: Buffer): DataView => new DataView(buffer, byteOffset, byteLength);

/** Node has it; the ES2023 library has not. */
interface Checked {
  isWellFormed(): boolean;
}

const HYPHEN = 0x2d;

/** The digit's value, negative for what is none: also of two digits joined the sign stays. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

function numberOf(value: unknown): number {
  if (typeof value !== 'number') throw new Unencodable('not a number');
  return value;
}

function textOf(value: unknown): string {
  if (typeof value !== 'string') throw new Unencodable('not text');
  return value;
}

function arrayOf(value: unknown): readonly number[] {
  if (!Array.isArray(value)) throw new Unencodable('not a list of numbers');
  for (let i = 0; i < value.length; i++) {
    if (typeof value[i] !== 'number') throw new Unencodable('not a list of numbers');
  }
  return value as readonly number[];
}

/** U+0000 goes before it is escaped. */
const jsonOf = (value: unknown): string =>
  Array.isArray(value) && value.length === 0
    ? '[]'
    : JSON.stringify(value, (_key, plain: unknown) =>
        typeof plain === 'string' && plain.includes('\0') ? plain.replaceAll('\0', '') : plain,
      );
