import { Unpackr } from 'msgpackr';
import { scanFrame } from './frame-scan.js';

export type WireMap = Readonly<Record<string, unknown>>;

// useRecords and extensions would let a frame define its own structures; the scan has refused both before this runs.
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: 'number' });

/**
 * One frame to plain JavaScript: maps as objects, every number a JS number, `bin` as views on `bytes` (borrowed: copy what
 * outlives the frame). Never throws.
 * @returns the map, or why the frame is none (always `bad_message`).
 */
export function readFrameBorrow(bytes: Uint8Array): WireMap | string {
  const fault = scanFrame(bytes);
  if (fault !== null) return fault;
  try {
    const value: unknown = unpackr.unpack(bytes);
    return isMap(value) ? value : 'the frame is not a map';
  } catch (error) {
    return `not msgpack: ${error instanceof Error ? error.message : String(error)}`;
  }
}

export function isMap(value: unknown): value is WireMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}

/** A field of the map itself, never one that every object inherits (`constructor`, `toString`); nil counts as absent. */
export function own(map: WireMap, key: string): unknown {
  return Object.hasOwn(map, key) ? (map[key] ?? undefined) : undefined;
}

/** W0: a number JavaScript holds exactly enough: finite and within ±2^53. */
export function isReal(value: unknown): value is number {
  return typeof value === 'number' && value <= Number.MAX_SAFE_INTEGER && value >= -Number.MAX_SAFE_INTEGER;
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** An array of numbers, or a `bin` of little-endian float32, as float64; null if it is neither or holds a number that is not real. */
export function readVector(value: unknown): Float64Array | null {
  if (Array.isArray(value)) {
    const vector = new Float64Array(value.length);
    for (let i = 0; i < value.length; i++) {
      const entry: unknown = value[i];
      if (!isReal(entry)) return null;
      vector[i] = entry;
    }
    return vector;
  }
  if (!(value instanceof Uint8Array) || value.length % 4 !== 0) return null;
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  const vector = new Float64Array(value.length / 4);
  for (let i = 0; i < vector.length; i++) {
    const entry = view.getFloat32(i * 4, true);
    if (!isReal(entry)) return null;
    vector[i] = entry;
  }
  return vector;
}
