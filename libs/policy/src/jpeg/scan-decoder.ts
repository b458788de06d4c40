import { FAST_BITS, type HuffmanTable } from './huffman-table.js';

/** Row-major index of the k-th coefficient in the bit stream; 16 more, so that a run beyond the block stays in bounds. */
const ZIGZAG = Uint8Array.of(
  ...[0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21],
  ...[28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61],
  ...[54, 47, 55, 62, 63],
  ...new Array<number>(16).fill(63),
);

/** The entropy-coded data of one scan, block by block (ITU-T T.81 annex F.2). */
export class ScanDecoder {
  readonly #bytes: Uint8Array;
  #at: number;
  /** The next bits, left-aligned in 32; `#count` of them are real. */
  #bits = 0;
  #count = 0;
  /** Bits made up after the data's end or before a marker: using one of them means that the data is broken. */
  #invented = 0;
  #broken = false;

  constructor(bytes: Uint8Array, start: number) {
    this.#bytes = bytes;
    this.#at = start;
  }

  /** Whether a code was read that does not exist, or bits that are not there. */
  get broken(): boolean {
    return this.#broken || this.#invented > this.#count;
  }

  /** Adds a block's dequantised coefficients to a cleared array; answers the DC value, to be the next block's prediction. */
  block(dc: HuffmanTable, ac: HuffmanTable, quant: Int32Array, prediction: number, coefficients: Int32Array): number {
    const size = this.#symbol(dc);
    const value = prediction + (size === 0 ? 0 : this.#signed(size & 15));
    coefficients[0] = Math.imul(value, quant[0] as number);
    for (let k = 1; k < 64; k++) {
      const symbol = this.#symbol(ac);
      const bits = symbol & 15;
      if (bits === 0) {
        if (symbol !== 0xf0) break;
        k += 15;
        continue;
      }
      k += symbol >> 4;
      if (k > 63) {
        this.#broken = true;
        break;
      }
      coefficients[ZIGZAG[k] as number] = Math.imul(this.#signed(bits), quant[k] as number);
    }
    return value;
  }

  /** Skips to the data behind restart marker `index` mod 8. */
  restart(index: number): void {
    this.#bits = 0;
    this.#count = 0;
    this.#invented = 0;
    if (this.#bytes[this.#at] !== 0xff || this.#bytes[this.#at + 1] !== 0xd0 + (index & 7)) this.#broken = true;
    this.#at += 2;
  }

  /** Whether the end-of-image marker follows, as it must after the last block. */
  atEnd(): boolean {
    return this.#bytes[this.#at] === 0xff && this.#bytes[this.#at + 1] === 0xd9;
  }

  #symbol(table: HuffmanTable): number {
    if (this.#count < 16) this.#fill();
    const quick = table.fast[this.#bits >>> (32 - FAST_BITS)] as number;
    if (quick !== 0) {
      this.#drop(quick >> 8);
      return quick & 255;
    }
    const window = this.#bits >>> 16;
    let length = FAST_BITS + 1;
    while (window >= (table.limit[length] as number)) length++;
    if (length > 16) {
      this.#broken = true;
      return 0;
    }
    const index = (window >>> (16 - length)) + (table.offset[length] as number);
    this.#drop(length);
    return table.symbols[index] as number;
  }

  /** A value of `size` bits (1…15), sign-extended as F.12 says. */
  #signed(size: number): number {
    if (this.#count < size) this.#fill();
    const value = this.#bits >>> (32 - size);
    this.#drop(size);
    return value < 1 << (size - 1) ? value - (1 << size) + 1 : value;
  }

  #drop(count: number): void {
    this.#bits <<= count;
    this.#count -= count;
  }

  /** At least 25 bits. A marker ends the data: zeros follow, and are counted. */
  #fill(): void {
    const bytes = this.#bytes;
    while (this.#count <= 24) {
      let byte = 0;
      if (this.#at >= bytes.length) this.#invented += 8;
      else {
        byte = bytes[this.#at] as number;
        if (byte !== 0xff) this.#at++;
        else if (bytes[this.#at + 1] === 0) this.#at += 2;
        else {
          byte = 0;
          this.#invented += 8;
        }
      }
      this.#bits |= byte << (24 - this.#count);
      this.#count += 8;
    }
  }
}
