import { Packr, RESET_BUFFER_MODE, Unpackr } from 'msgpackr';
import type { JournalRecord } from './records.js';

// `moreTypes` and records off: plain msgpack that any language reads. Undefined is nil, not msgpackr's own extension.
const packr = new Packr({ useRecords: false, encodeUndefinedAsNil: true, largeBigIntToFloat: true });
// Copies binary columns out of the reader's window, which is read over.
const unpackr = new Unpackr({ useRecords: false, int64AsType: 'number', copyBuffers: true, mapsAsObjects: true });

/** Valid until the next call: a view on the encoder's own buffer, which is written over and not replaced. */
export function borrowEncoded(value: unknown): Uint8Array {
  return packr.pack(value, RESET_BUFFER_MODE);
}

export function encodeMap(value: object): Buffer {
  return Buffer.from(packr.pack(value));
}

/** Decodes one msgpack map; null where it is none. Never throws. */
export function decodeMap(bytes: Uint8Array): Record<string, unknown> | null {
  try {
    const value: unknown = unpackr.unpack(bytes);
    return isMap(value) ? value : null;
  } catch {
    return null;
  }
}

const KINDS: ReadonlySet<unknown> = new Set(['session', 'inference', 'ticks', 'event', 'erased']);

/** The checksum vouches for who wrote it; what is left to check is that this reader knows the kind. */
export function asRecord(map: Record<string, unknown>): JournalRecord | null {
  const known = KINDS.has(map.kind) && typeof map.t_ms === 'number' && typeof map.customer_id === 'string';
  return known ? (map as unknown as JournalRecord) : null;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}
