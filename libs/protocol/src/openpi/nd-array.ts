// numpy arrays as the openpi wire has them: the dtype as numpy writes it (`.str`), the shape, the bytes in C order.

export interface NdArray {
  /** numpy's `dtype.str`: byte order, kind, bytes an item: `<f4`, `|u1`, `<i8`, `|b1` … */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** The items in C order; of what was decoded a view on the frame (borrowed). */
  readonly data: Uint8Array;
}

/** A number that is a float on the wire even where it is whole: what a Python peer sends for a `float`. */
export class OpenpiFloat {
  constructor(readonly value: number) {}
}

export type OpenpiValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | OpenpiFloat
  | NdArray
  | readonly OpenpiValue[]
  | { readonly [key: string]: OpenpiValue };

export type DtypeKind = 'b' | 'i' | 'u' | 'f' | 'm' | 'M' | 'S' | 'U';
export interface Dtype {
  readonly kind: DtypeKind;
  /** Of one item. */
  readonly bytes: number;
  readonly littleEndian: boolean;
}

/** numpy's own limit (before its 2.0). */
const MOST_AXES = 32;
const DTYPE = /^([<>|=])([biufmMSU])(\d{1,9})(?:\[[A-Za-z0-9]{1,16}\])?$/;

/** Peers send the same few over and over; so many are remembered, none longer than any that means something. */
const MOST_REMEMBERED = 64;
const LONGEST_REMEMBERED = 16;
const remembered = new Map<string, Dtype | null>();

/** @returns the parts of a dtype string; null for one that is none or that the wire refuses (void, object, complex). */
export function parseDtype(text: string): Dtype | null {
  const known = remembered.get(text);
  if (known !== undefined) return known;
  const dtype = readDtype(text);
  if (remembered.size < MOST_REMEMBERED && text.length <= LONGEST_REMEMBERED) remembered.set(text, dtype);
  return dtype;
}

function readDtype(text: string): Dtype | null {
  const match = DTYPE.exec(text);
  if (match === null) return null;
  const [, order, kind, size] = match;
  const items = Number(size);
  // a `U` counts characters, of four bytes each
  return { kind: kind as DtypeKind, bytes: kind === 'U' ? items * 4 : items, littleEndian: order !== '>' };
}

/** @returns the number of items, or null for a shape that is none. */
export function itemsOf(shape: readonly unknown[]): number | null {
  if (shape.length > MOST_AXES) return null;
  let items = 1;
  for (const axis of shape) {
    if (!Number.isSafeInteger(axis) || (axis as number) < 0) return null;
    items *= axis as number;
    if (!Number.isSafeInteger(items)) return null;
  }
  return items;
}

/** An array whose dtype is known and whose bytes are as many as dtype and shape say. */
export function isNdArray(value: unknown): value is NdArray {
  if (typeof value !== 'object' || value === null) return false;
  const { dtype, shape, data } = value as Partial<NdArray>;
  if (typeof dtype !== 'string' || !Array.isArray(shape) || !(data instanceof Uint8Array)) return false;
  return ndFault(dtype, shape, data) === null;
}

/** @returns what is wrong with an array, or null. */
export function ndFault(dtype: string, shape: readonly unknown[], data: Uint8Array): string | null {
  const parsed = parseDtype(dtype);
  if (parsed === null) return `the dtype ${JSON.stringify(dtype.slice(0, 32))} is not supported`;
  const items = itemsOf(shape);
  if (items === null) return 'the shape of an array is not a list of sizes';
  if (items * parsed.bytes !== data.length)
    return `an array of shape [${shape.join(', ')}] and dtype ${dtype} has ${data.length} bytes, not ${items * parsed.bytes}`;
  return null;
}

/** Whether `numbersOf` has numbers for it: booleans, integers, floats of 2, 4 or 8 bytes. */
export function isNumeric(array: NdArray): boolean {
  const dtype = parseDtype(array.dtype);
  return dtype !== null && readerOf(dtype) !== null;
}

/**
 * The items of an array of any numeric dtype, in C order. 64-bit integers beyond 2^53 are rounded, as numpy's own
 * conversion to float64 does.
 * @throws RangeError where `isNdArray` or `isNumeric` would have said no.
 */
export function numbersOf(array: NdArray): Float64Array {
  const fault = ndFault(array.dtype, array.shape, array.data);
  const dtype = parseDtype(array.dtype);
  if (fault !== null || dtype === null) throw new RangeError(fault ?? 'not an array');
  const read = readerOf(dtype);
  if (read === null) throw new RangeError(`an array of dtype ${array.dtype} holds no numbers`);
  const { data } = array;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const numbers = new Float64Array(data.length / dtype.bytes);
  for (let i = 0; i < numbers.length; i++) numbers[i] = read(view, i * dtype.bytes, dtype.littleEndian);
  return numbers;
}

export function float32Array(shape: readonly number[], values: ArrayLike<number>): NdArray {
  const data = new Uint8Array(values.length * 4);
  const view = new DataView(data.buffer);
  for (let i = 0, at = 0; i < values.length; i++, at += 4) view.setFloat32(at, values[i] as number, true);
  return checked({ dtype: '<f4', shape, data });
}

export function float64Array(shape: readonly number[], values: ArrayLike<number>): NdArray {
  const data = new Uint8Array(values.length * 8);
  const view = new DataView(data.buffer);
  for (let i = 0; i < values.length; i++) view.setFloat64(i * 8, values[i] as number, true);
  return checked({ dtype: '<f8', shape, data });
}

/** @param bytes kept, not copied. */
export function uint8Array(shape: readonly number[], bytes: Uint8Array): NdArray {
  return checked({ dtype: '|u1', shape, data: bytes });
}

function checked(array: NdArray): NdArray {
  const fault = ndFault(array.dtype, array.shape, array.data);
  if (fault !== null) throw new RangeError(fault);
  return array;
}

type Reader = (view: DataView, at: number, littleEndian: boolean) => number;
const READERS: Readonly<Record<string, Reader>> = {
  b1: (view, at) => (view.getUint8(at) === 0 ? 0 : 1),
  u1: (view, at) => view.getUint8(at),
  u2: (view, at, little) => view.getUint16(at, little),
  u4: (view, at, little) => view.getUint32(at, little),
  u8: (view, at, little) => Number(view.getBigUint64(at, little)),
  i1: (view, at) => view.getInt8(at),
  i2: (view, at, little) => view.getInt16(at, little),
  i4: (view, at, little) => view.getInt32(at, little),
  i8: (view, at, little) => Number(view.getBigInt64(at, little)),
  f2: (view, at, little) => float16(view.getUint16(at, little)),
  f4: (view, at, little) => view.getFloat32(at, little),
  f8: (view, at, little) => view.getFloat64(at, little),
};

function readerOf(dtype: Dtype): Reader | null {
  const name = `${dtype.kind}${dtype.bytes}`;
  return Object.hasOwn(READERS, name) ? (READERS[name] ?? null) : null;
}

/** IEEE 754 binary16; `DataView.getFloat16` is not everywhere yet. */
function float16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
