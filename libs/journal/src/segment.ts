// A segment file: 8 bytes of magic, the header as a first frame, then the records' frames. Names count up
// (`0000000001.journal`), so that the order of the names is the order of the records.
import { type FileHandle, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeMap, encodeMap } from './codec.js';
import { crc32c } from './crc32c.js';
import { checkFrame, FRAME_HEADER_BYTES, MAX_PAYLOAD_BYTES, sealFrame } from './frame.js';
import type { Latch } from './latches.js';

export const MAGIC = Buffer.from('SINEWJ1\n', 'latin1');
const NAME = /^(\d{10})\.journal$/;

export interface SegmentHeader {
  readonly version: 1;
  /** The folder's own id, the same in all its segments. */
  readonly journal_id: string;
  readonly segment: number;
  readonly node: number;
  /** One a writer's life: another writer means that the sessions of the one before are gone. */
  readonly writer_id: string;
  readonly created_ms: number;
  /** No id above it was written in the segments before this one. */
  readonly high_log_id: number;
  /** The e-stops in force where this segment begins: they outlive the segments that set them. */
  readonly latches: readonly Latch[];
  /** Bytes a customer in the segment before this one. */
  readonly previous_usage: Readonly<Record<string, number>>;
}

export function segmentPath(dir: string, segment: number): string {
  return join(dir, `${String(segment).padStart(10, '0')}.journal`);
}

/** Numbers of the segments in the folder, rising. */
export async function listSegments(dir: string): Promise<number[]> {
  const numbers: number[] = [];
  for (const name of await readdir(dir)) {
    const match = NAME.exec(name);
    if (match?.[1] !== undefined) numbers.push(Number(match[1]));
  }
  return numbers.sort((a, b) => a - b);
}

/** Where the checksums of a segment start from. It follows from folder and number, so a damaged header does not lose the rest. */
export function saltOf(journalId: string, segment: number): number {
  return crc32c(Buffer.from(`${journalId}:${segment}`, 'utf8'));
}

/** Magic and header frame: what a new segment file begins with. */
export function encodeHeader(header: SegmentHeader): Buffer {
  const payload = encodeMap(header);
  if (payload.length > MAX_PAYLOAD_BYTES) throw new RangeError(`segment header of ${payload.length} bytes`);
  const bytes = Buffer.alloc(MAGIC.length + FRAME_HEADER_BYTES + payload.length);
  MAGIC.copy(bytes);
  payload.copy(bytes, MAGIC.length + FRAME_HEADER_BYTES);
  // The header's own checksum starts from 0: it is what tells the salt.
  sealFrame(bytes, MAGIC.length, payload.length, 0);
  return bytes;
}

/** Null where `bytes` (the beginning of a file) holds no whole, sound header. `end`: where the records begin. */
export function decodeHeader(bytes: Buffer): { readonly header: SegmentHeader; readonly end: number } | null {
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) return null;
  const check = checkFrame(bytes, MAGIC.length, bytes.length, 0);
  if (check.status !== 'ok') return null;
  const map = decodeMap(bytes.subarray(MAGIC.length + FRAME_HEADER_BYTES, check.end));
  if (map === null || map.version !== 1 || typeof map.journal_id !== 'string') return null;
  return { header: map as unknown as SegmentHeader, end: check.end };
}

/** Most headers are small; the whole limit is read only where the first bytes do not suffice. */
const FIRST_READ_BYTES = 16 * 1024;
const MAX_HEADER_BYTES = MAGIC.length + FRAME_HEADER_BYTES + MAX_PAYLOAD_BYTES;

/** The header of an open segment file and where its records begin; null where it is damaged. */
export async function readHeader(file: FileHandle): Promise<ReturnType<typeof decodeHeader>> {
  return (await readHead(file, FIRST_READ_BYTES)) ?? (await readHead(file, MAX_HEADER_BYTES));
}

export async function loadHeader(dir: string, segment: number): Promise<SegmentHeader | null> {
  const file = await open(segmentPath(dir, segment), 'r');
  try {
    return (await readHeader(file))?.header ?? null;
  } finally {
    await file.close();
  }
}

async function readHead(file: FileHandle, bytes: number): Promise<ReturnType<typeof decodeHeader>> {
  const head = Buffer.alloc(bytes);
  let filled = 0;
  while (filled < bytes) {
    const { bytesRead } = await file.read(head, filled, bytes - filled, filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return decodeHeader(head.subarray(0, filled));
}
