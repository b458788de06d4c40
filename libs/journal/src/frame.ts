// One record in a segment: length u32, CRC-32C u32 (both little-endian), then `length` bytes of msgpack. The checksum runs over
// the length and the payload and begins from the segment's salt: a length that was hit shows, bytes of another segment in a
// recycled disk block do not pass, and no customer's text can carry a frame that a reader would take for one of ours.
import { crc32c } from './crc32c.js';

export const FRAME_HEADER_BYTES = 8;
/** The largest record is a second of ticks, about 50 KB. The cap bounds the reader's memory and what a bad length can claim. */
export const MAX_PAYLOAD_BYTES = 1024 * 1024;

/** Writes the 8 bytes before a payload that already stands at `offset + 8`. */
export function sealFrame(buffer: Buffer, offset: number, payloadBytes: number, salt: number): void {
  buffer.writeUInt32LE(payloadBytes, offset);
  buffer.writeUInt32LE(frameChecksum(buffer, offset, payloadBytes, salt), offset + 4);
}

/** `end`: where the frame ends; `bytes`: how many bytes from `offset` on are needed to judge it. */
export type FrameCheck =
  | { readonly status: 'ok'; readonly end: number }
  | { readonly status: 'incomplete'; readonly bytes: number }
  | { readonly status: 'corrupt' };

const CORRUPT: FrameCheck = { status: 'corrupt' };

/** Judges the frame at `offset` of `buffer[0, end)`. */
export function checkFrame(buffer: Buffer, offset: number, end: number, salt: number): FrameCheck {
  if (offset + FRAME_HEADER_BYTES > end) return { status: 'incomplete', bytes: FRAME_HEADER_BYTES };
  const length = buffer.readUInt32LE(offset);
  // A map has at least one byte; zeros are what a file system leaves where a power cut took the data.
  if (length === 0 || length > MAX_PAYLOAD_BYTES) return CORRUPT;
  const frameEnd = offset + FRAME_HEADER_BYTES + length;
  if (frameEnd > end) return { status: 'incomplete', bytes: FRAME_HEADER_BYTES + length };
  if (buffer.readUInt32LE(offset + 4) !== frameChecksum(buffer, offset, length, salt)) return CORRUPT;
  return { status: 'ok', end: frameEnd };
}

/** Whether a frame may begin here at all: a plausible length, and a payload that begins like a msgpack map. */
export function mayBeFrame(buffer: Buffer, offset: number, end: number): boolean {
  if (offset + FRAME_HEADER_BYTES >= end) return false;
  const length = buffer.readUInt32LE(offset);
  if (length === 0 || length > MAX_PAYLOAD_BYTES) return false;
  const marker = buffer.readUInt8(offset + FRAME_HEADER_BYTES);
  return (marker & 0xf0) === 0x80 || marker === 0xde || marker === 0xdf;
}

function frameChecksum(buffer: Buffer, offset: number, payloadBytes: number, salt: number): number {
  const length = crc32c(buffer, offset, offset + 4, salt);
  const start = offset + FRAME_HEADER_BYTES;
  return crc32c(buffer, start, start + payloadBytes, length);
}
