import { WIRE_LIMITS } from './vocabulary.js';

// W6: one linear pass over a msgpack frame before anything is decoded. A legal 4 MiB frame of empty maps blocks a decoder
// for half a second, and a five-byte header can claim four billion entries: both end here, without one allocation.

const { maxValues, maxMapKeys, maxDepth } = WIRE_LIMITS;

/** Children still to come at each depth; reused, as the scan never re-enters. In maps keys and values count alternately. */
const pending = new Float64Array(maxDepth + 1);
const inMap = new Uint8Array(maxDepth + 1);

const MAP = 1;
const ARRAY = 2;
const STRING = 3;
const PLAIN = 4;

/**
 * Checks that `bytes` is exactly one msgpack map with string keys, within the bounds of W6, every length inside the frame
 * and no extension types.
 * @returns why it is not, or null.
 */
export function scanFrame(bytes: Uint8Array): string | null {
  const end = bytes.length;
  let at = 0;
  let values = 0;
  let depth = 0;
  pending[0] = 1;
  inMap[0] = 0;

  for (;;) {
    while (depth > 0 && pending[depth] === 0) depth--;
    const left = pending[depth] ?? 0;
    if (depth === 0 && left === 0) return at === end ? null : 'bytes follow the map';
    if (at >= end) return 'the frame is truncated';
    if (++values > maxValues) return `more than ${maxValues} values`;
    const isKey = inMap[depth] === 1 && left % 2 === 0;
    pending[depth] = left - 1;

    const token = bytes[at++] ?? 0;
    let kind = PLAIN;
    /** Bytes to skip, or for containers the number of children. */
    let size = 0;

    if (token < 0x80 || token >= 0xe0) {
      // a fixint
    } else if (token < 0x90) {
      kind = MAP;
      size = token & 0x0f;
    } else if (token < 0xa0) {
      kind = ARRAY;
      size = token & 0x0f;
    } else if (token < 0xc0) {
      kind = STRING;
      size = token & 0x1f;
    } else {
      let lengthBytes = 0;
      switch (token) {
        case 0xc0:
        case 0xc2:
        case 0xc3:
          break;
        case 0xc4:
          lengthBytes = 1;
          break;
        case 0xc5:
          lengthBytes = 2;
          break;
        case 0xc6:
          lengthBytes = 4;
          break;
        case 0xcc:
        case 0xd0:
          size = 1;
          break;
        case 0xcd:
        case 0xd1:
          size = 2;
          break;
        case 0xca:
        case 0xce:
        case 0xd2:
          size = 4;
          break;
        case 0xcb:
        case 0xcf:
        case 0xd3:
          size = 8;
          break;
        case 0xd9:
          kind = STRING;
          lengthBytes = 1;
          break;
        case 0xda:
          kind = STRING;
          lengthBytes = 2;
          break;
        case 0xdb:
          kind = STRING;
          lengthBytes = 4;
          break;
        case 0xdc:
          kind = ARRAY;
          lengthBytes = 2;
          break;
        case 0xdd:
          kind = ARRAY;
          lengthBytes = 4;
          break;
        case 0xde:
          kind = MAP;
          lengthBytes = 2;
          break;
        case 0xdf:
          kind = MAP;
          lengthBytes = 4;
          break;
        case 0xc1:
          return 'byte 0xc1 is not msgpack';
        default:
          return 'extension types are not part of the protocol';
      }
      if (lengthBytes > 0) {
        if (lengthBytes > end - at) return 'the frame is truncated';
        for (let i = 0; i < lengthBytes; i++) size = size * 256 + (bytes[at++] ?? 0);
      }
    }

    if (isKey && kind !== STRING) return 'map keys must be strings';
    if (values === 1 && kind !== MAP) return 'the frame is not a map';

    if (kind === MAP || kind === ARRAY) {
      if (kind === MAP && size > maxMapKeys) return `more than ${maxMapKeys} keys in a map`;
      const children = kind === MAP ? size * 2 : size;
      if (values + children > maxValues) return `more than ${maxValues} values`;
      if (++depth > maxDepth) return `nested deeper than ${maxDepth}`;
      pending[depth] = children;
      inMap[depth] = kind === MAP ? 1 : 0;
    } else {
      if (size > end - at) return 'the frame is truncated';
      at += size;
    }
  }
}
