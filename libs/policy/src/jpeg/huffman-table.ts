/** Bits that the first look-up decides; nearly all symbols of ordinary images are this short. */
export const FAST_BITS = 9;

export interface HuffmanTable {
  /** By the next FAST_BITS bits: code length << 8 | symbol; 0 where the code is longer or there is none. */
  readonly fast: Uint16Array;
  /** By length: the first 16-bit window that is above all codes up to this length. [17] catches what is no code. */
  readonly limit: Int32Array;
  /** By length: index of a code's symbol = code + offset. */
  readonly offset: Int32Array;
  readonly symbols: Uint8Array;
}

/** ITU-T T.81 annex C: `counts[i]` codes of length i + 1, in the order of `symbols`. Null where they are more than fit. */
export function huffmanTable(counts: Uint8Array, symbols: Uint8Array): HuffmanTable | null {
  const fast = new Uint16Array(1 << FAST_BITS);
  const limit = new Int32Array(18);
  const offset = new Int32Array(18);
  let code = 0;
  let next = 0;
  for (let length = 1; length <= 16; length++) {
    const count = counts[length - 1] ?? 0;
    offset[length] = next - code;
    if (code + count > 1 << length) return null;
    if (length <= FAST_BITS) {
      const span = 1 << (FAST_BITS - length);
      for (let i = 0; i < count; i++) {
        const start = (code + i) * span;
        fast.fill((length << 8) | (symbols[next + i] ?? 0), start, start + span);
      }
    }
    code += count;
    next += count;
    limit[length] = code << (16 - length);
    code <<= 1;
  }
  limit[17] = 0x7fffffff;
  return { fast, limit, offset, symbols: symbols.slice() };
}
