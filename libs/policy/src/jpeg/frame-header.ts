import { type HuffmanTable, huffmanTable } from './huffman-table.js';

/** One colour component of a baseline frame. */
export interface JpegComponent {
  readonly id: number;
  /** Sampling factors. */
  readonly h: number;
  readonly v: number;
  readonly quantTable: number;
  dcTable: number;
  acTable: number;
}

export interface JpegFrame {
  readonly width: number;
  readonly height: number;
  /** Y, Cb, Cr. */
  readonly components: readonly JpegComponent[];
  /** By table number, in the order of the bit stream (zigzag). */
  readonly quant: readonly (Int32Array | undefined)[];
  readonly dc: readonly (HuffmanTable | undefined)[];
  readonly ac: readonly (HuffmanTable | undefined)[];
  /** MCUs between restart markers; 0: none. */
  readonly restartInterval: number;
  /** Where the entropy-coded data begins. */
  readonly scanStart: number;
}

const SOF0 = 0xc0;
const DHT = 0xc4;
const DQT = 0xdb;
const DRI = 0xdd;
const SOS = 0xda;
const APP2 = 0xe2;
const APP14 = 0xee;
const COM = 0xfe;

/**
 * Reads the markers of a baseline, 8-bit, three-component YCbCr JPEG of one interleaved scan. Null for everything else, be
 * it another kind of JPEG or a broken one: the caller then asks the full decoder, which also knows the reason.
 */
export function readFrameHeader(bytes: Uint8Array): JpegFrame | null {
  const quant: (Int32Array | undefined)[] = [];
  const dc: (HuffmanTable | undefined)[] = [];
  const ac: (HuffmanTable | undefined)[] = [];
  let size: { width: number; height: number; components: JpegComponent[] } | null = null;
  let restartInterval = 0;
  let at = 2;
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return null;
  while (at + 4 <= bytes.length) {
    const marker = bytes[at] === 0xff ? (bytes[at + 1] ?? 0) : 0;
    const length = u16(bytes, at + 2);
    const segment = bytes.subarray(at + 4, at + 2 + length);
    if (length < 2 || segment.length !== length - 2) return null;
    at += 2 + length;
    if (marker === SOF0 && size === null) size = readSize(segment);
    else if (marker === DQT && readQuantTables(segment, quant)) continue;
    else if (marker === DHT && readHuffmanTables(segment, dc, ac)) continue;
    else if (marker === DRI && segment.length === 2) restartInterval = u16(segment, 0);
    else if (marker === SOS) {
      if (size === null || !readScan(segment, size.components)) return null;
      return { ...size, quant, dc, ac, restartInterval, scanStart: at };
      // A colour profile (APP2) or another colour transform (APP14) is the full decoder's work.
    } else if (!((marker > 0xdf && marker < 0xf0) || marker === COM) || marker === APP2 || marker === APP14)
      return null;
    if (size === null && marker === SOF0) return null;
  }
  return null;
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function readSize(s: Uint8Array): { width: number; height: number; components: JpegComponent[] } | null {
  if (s[0] !== 8 || s[5] !== 3 || s.length !== 15) return null;
  const components: JpegComponent[] = [];
  for (let at = 6; at < 15; at += 3) {
    const sampling = s[at + 1] ?? 0;
    const quantTable = s[at + 2] ?? 0;
    components.push({ id: s[at] ?? 0, h: sampling >> 4, v: sampling & 15, quantTable, dcTable: 0, acTable: 0 });
  }
  const [y, cb, cr] = components;
  // Y Cb Cr by the usual numbers; other numbers may mean RGB. Chroma whole, halved across, or halved both ways.
  if (y?.id !== 1 || cb?.id !== 2 || cr?.id !== 3) return null;
  if (cb.h !== 1 || cb.v !== 1 || cr.h !== 1 || cr.v !== 1) return null;
  if (!((y.h === 1 && y.v === 1) || (y.h === 2 && (y.v === 1 || y.v === 2)))) return null;
  const [height, width] = [u16(s, 1), u16(s, 3)];
  return width < 8 || height < 8 ? null : { width, height, components };
}

function readQuantTables(s: Uint8Array, tables: (Int32Array | undefined)[]): boolean {
  let at = 0;
  while (at < s.length) {
    const id = s[at] ?? 0;
    if (id > 3 || at + 65 > s.length) return false;
    tables[id] = Int32Array.from(s.subarray(at + 1, at + 65));
    at += 65;
  }
  return true;
}

function readHuffmanTables(s: Uint8Array, dc: (HuffmanTable | undefined)[], ac: (HuffmanTable | undefined)[]): boolean {
  let at = 0;
  while (at < s.length) {
    const id = s[at] ?? 0;
    if ((id & 15) > 3 || id > 0x1f || at + 17 > s.length) return false;
    const counts = s.subarray(at + 1, at + 17);
    const total = counts.reduce((sum, count) => sum + count, 0);
    const symbols = s.subarray(at + 17, at + 17 + total);
    const table = symbols.length === total ? huffmanTable(counts, symbols) : null;
    if (table === null) return false;
    (id < 16 ? dc : ac)[id & 15] = table;
    at += 17 + total;
  }
  return true;
}

function readScan(s: Uint8Array, components: readonly JpegComponent[]): boolean {
  if (s[0] !== 3 || s.length !== 10 || s[7] !== 0 || s[8] !== 63 || s[9] !== 0) return false;
  return components.every((component, i) => {
    if (s[1 + 2 * i] !== component.id) return false;
    const tables = s[2 + 2 * i] ?? 0;
    component.dcTable = tables >> 4;
    component.acTable = tables & 15;
    return true;
  });
}
