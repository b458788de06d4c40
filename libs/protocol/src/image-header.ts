export interface ImageHeader {
  format: 'jpeg' | 'png' | 'webp';
  width: number;
  height: number;
  /** Of the decoded picture: 1 grey, 3 colour, 2 and 4 with alpha, 4 also CMYK. */
  channels: number;
}

/** A camera writes a handful of segments before the frame header; a file made to be slow writes a million. */
const MAX_JPEG_SEGMENTS = 256;

/**
 * Size and channels of a JPEG, PNG or WebP from its header, without decoding a pixel: a 65,500 × 65,500 bomb is refused
 * here. Does bounded work and never throws.
 * @returns null for anything else, or a header that is cut off.
 */
export function readImageHeader(bytes: Uint8Array): ImageHeader | null {
  const header = readImageHeaderBorrow(bytes);
  return header === null ? null : { ...header };
}

/** Overwritten by the next header that is read: one is read for every picture of every robot. */
const HEADER: ImageHeader = { format: 'jpeg', width: 0, height: 0, channels: 0 };

/** The same without allocating: what it returns is valid until the next call. */
export function readImageHeaderBorrow(bytes: Uint8Array): Readonly<ImageHeader> | null {
  if (bytes.length < 12) return null;
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return readJpeg(bytes);
  if (bytes[0] === 0x89 && ascii(bytes, 1, 'PNG\r\n\x1a\n')) return readPng(bytes);
  if (ascii(bytes, 0, 'RIFF') && ascii(bytes, 8, 'WEBP')) return readWebp(bytes);
  return null;
}

function found(format: ImageHeader['format'], width: number, height: number, channels: number): ImageHeader {
  HEADER.format = format;
  HEADER.width = width;
  HEADER.height = height;
  HEADER.channels = channels;
  return HEADER;
}

/** ITU-T T.81 B.2: segments until a frame header SOFn. */
function readJpeg(bytes: Uint8Array): ImageHeader | null {
  let at = 2;
  for (let segment = 0; segment < MAX_JPEG_SEGMENTS; segment++) {
    if (bytes[at] !== 0xff) return null;
    const marker = bytes[at + 1];
    if (marker === undefined) return null;
    if (marker === 0xff) {
      at += 1; // a fill byte
      continue;
    }
    if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7)) {
      at += 2; // markers without a length
      continue;
    }
    if (marker === 0xd9 || marker === 0xda) return null; // picture data or the end before any frame header
    const length = uint16(bytes, at + 2);
    if (length < 2) return null;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame) {
      if (length < 8 || at + 10 > bytes.length) return null;
      return found('jpeg', uint16(bytes, at + 7), uint16(bytes, at + 5), bytes[at + 9] ?? 0);
    }
    at += 2 + length;
  }
  return null;
}

/** PNG colour types to channels; a palette decodes to colour. */
const PNG_CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 3, 4: 2, 6: 4 };

function readPng(bytes: Uint8Array): ImageHeader | null {
  if (bytes.length < 33 || !ascii(bytes, 12, 'IHDR')) return null;
  const channels = PNG_CHANNELS[bytes[25] ?? -1];
  if (channels === undefined) return null;
  return found('png', uint32(bytes, 16), uint32(bytes, 20), channels);
}

/** The three forms of the WebP container: VP8 (lossy), VP8L (lossless), VP8X (extended). */
function readWebp(bytes: Uint8Array): ImageHeader | null {
  if (bytes.length < 30) return null;
  if (ascii(bytes, 12, 'VP8 ')) {
    if (byte(bytes, 23) !== 0x9d || byte(bytes, 24) !== 0x01 || byte(bytes, 25) !== 0x2a) return null;
    const width = (byte(bytes, 26) | (byte(bytes, 27) << 8)) & 0x3fff;
    const height = (byte(bytes, 28) | (byte(bytes, 29) << 8)) & 0x3fff;
    return found('webp', width, height, 3);
  }
  if (ascii(bytes, 12, 'VP8L')) {
    if (byte(bytes, 20) !== 0x2f) return null;
    const bits = (byte(bytes, 21) | (byte(bytes, 22) << 8) | (byte(bytes, 23) << 16) | (byte(bytes, 24) << 24)) >>> 0;
    return found('webp', (bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1, (bits >>> 28) & 1 ? 4 : 3);
  }
  if (ascii(bytes, 12, 'VP8X')) {
    const width = 1 + (byte(bytes, 24) | (byte(bytes, 25) << 8) | (byte(bytes, 26) << 16));
    const height = 1 + (byte(bytes, 27) | (byte(bytes, 28) << 8) | (byte(bytes, 29) << 16));
    return found('webp', width, height, byte(bytes, 20) & 0x10 ? 4 : 3);
  }
  return null;
}

function ascii(bytes: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}

function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0;
}

function uint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function uint32(bytes: Uint8Array, at: number): number {
  return uint16(bytes, at) * 0x10000 + uint16(bytes, at + 2);
}
