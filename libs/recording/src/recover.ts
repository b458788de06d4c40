import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, renameSync, writeSync } from 'node:fs';
import { MCAP_MAGIC, McapRecordBuilder, McapStreamReader, Opcode, type TypedMcapRecords } from '@mcap/core';
import { LIBRARY } from './mcap-stream.js';
import { Summary } from './summary.js';

/** What a recording is called while it is written. */
export const PART = '.part';

export interface Recovered {
  readonly path: string;
  readonly messages: number;
  /** Of the end, which was not whole: what a crash cost. */
  readonly lost_bytes: number;
}

type ChunkRecord = TypedMcapRecords['Chunk'];

const RECORD_HEAD = 9;

/**
 * Ends a recording that nobody ended, in place: what is whole stays, what is torn is cut off, and the summary that readers look for
 * is written behind. A file called `x.mcap.part` is `x.mcap` then. Doing it to a whole one only gives it its name. Throws what the
 * file system throws; a file that is no MCAP is left as it is.
 */
export function recoverRecording(path: string): Recovered {
  const file = openSync(path, 'r+');
  try {
    const { size } = fstatSync(file);
    const found = scan(file, size);
    if (!found.whole) {
      ftruncateSync(file, found.end);
      writeAll(file, found.rest(), found.end);
      fsyncSync(file);
    }
    const target = path.endsWith(PART) ? path.slice(0, -PART.length) : path;
    if (target !== path) renameSync(path, target);
    return { path: target, messages: found.messages, lost_bytes: found.whole ? 0 : size - found.good };
  } finally {
    closeSync(file);
  }
}

interface Scan {
  readonly whole: boolean;
  /** Where the good part ends. */
  readonly end: number;
  /** Up to where everything was whole; what was made anew in between is not lost. */
  readonly good: number;
  readonly messages: number;
  /** What belongs behind it. */
  readonly rest: () => Uint8Array;
}

function scan(file: number, size: number): Scan {
  const magic = new Uint8Array(MCAP_MAGIC);
  const begins = read(file, 0, Math.min(size, magic.length));
  if (!begins.every((byte, i) => byte === magic[i] || byte === 0)) throw new Error('it is no MCAP file');
  const begun = begins.length === magic.length && !begins.includes(0);
  const summary = new Summary();
  const reader = new McapStreamReader({ includeChunks: true, noMagicPrefix: true });
  let position = magic.length;
  let last: OpenChunk | null = null;
  let ended = false;
  while (begun && position + RECORD_HEAD <= size && !ended) {
    const head = read(file, position, RECORD_HEAD);
    const opcode = head[0] ?? 0;
    const length = Number(new DataView(head.buffer, head.byteOffset).getBigUint64(1, true));
    const next = position + RECORD_HEAD + length;
    // A hole that a power cut left reads as zeros.
    if (opcode === 0 || next > size) break;
    if (opcode === Opcode.DATA_END) {
      ended = true;
      break;
    }
    const record = read(file, position, RECORD_HEAD + length);
    try {
      if (opcode === Opcode.HEADER) nameOf(reader, record);
      else if (opcode === Opcode.CHUNK) {
        const chunk = new OpenChunk(chunkOf(reader, record, summary), position, next);
        last?.addTo(summary);
        last = chunk;
      } else if (opcode === Opcode.MESSAGE_INDEX) last?.indexed(record, position, next);
      else if (opcode === Opcode.METADATA) {
        last?.addTo(summary);
        last = null;
        const name = nameOf(reader, record);
        summary.metadata({ name, offset: BigInt(position), length: BigInt(record.length) });
      }
    } catch {
      // A checksum that does not fit: nothing behind it can be trusted to be where it seems.
      break;
    }
    position = next;
  }
  // No checksum covers the indexes behind a chunk: those of the last one may be torn, and are made anew.
  const good = position;
  const remade = ended ? null : last;
  if (remade !== null) position = remade.chunkEnd;
  const indexes = remade?.reindexed() ?? new Uint8Array(0);
  last?.addTo(summary);
  const whole = ended && read(file, size - magic.length, magic.length).every((byte, i) => byte === magic[i]);
  const front = position === magic.length ? freshFront() : new Uint8Array(0);
  const end = front.length > 0 ? 0 : position;
  return {
    whole,
    end,
    good,
    messages: summary.messages,
    rest: () => Buffer.concat([front, indexes, summary.end(end + front.length + indexes.length)]),
  };
}

/** Torn before its header: a recording of nothing. */
function freshFront(): Uint8Array {
  const records = new McapRecordBuilder();
  records.writeMagic();
  records.writeHeader({ profile: '', library: LIBRARY });
  return records.buffer.slice();
}

/** A chunk whose message indexes follow it. */
class OpenChunk {
  readonly chunkEnd: number;
  readonly #chunk: ChunkRecord;
  readonly #start: number;
  readonly #messages: Map<number, [bigint, bigint][]>;
  readonly #offsets = new Map<number, bigint>();
  #indexBytes = 0;

  constructor(chunk: ChunkRecord, start: number, end: number) {
    this.#chunk = chunk;
    this.#start = start;
    this.chunkEnd = end;
    this.#messages = messagesOf(chunk.records);
  }

  indexed(record: Uint8Array, start: number, end: number): void {
    const channelId = new DataView(record.buffer, record.byteOffset).getUint16(RECORD_HEAD, true);
    this.#offsets.set(channelId, BigInt(start));
    this.#indexBytes += end - start;
  }

  /** The indexes anew, to stand right behind the chunk. */
  reindexed(): Uint8Array {
    const records = new McapRecordBuilder();
    this.#offsets.clear();
    for (const [channelId, list] of this.#messages) {
      this.#offsets.set(channelId, BigInt(this.chunkEnd + records.length));
      records.writeMessageIndex({ channelId, records: list });
    }
    this.#indexBytes = records.length;
    return records.buffer.slice();
  }

  addTo(summary: Summary): void {
    const { compression, messageEndTime, messageStartTime, records, uncompressedSize } = this.#chunk;
    summary.chunk(
      {
        messageStartTime,
        messageEndTime,
        chunkStartOffset: BigInt(this.#start),
        chunkLength: BigInt(this.chunkEnd - this.#start),
        messageIndexOffsets: this.#offsets,
        messageIndexLength: BigInt(this.#indexBytes),
        compression,
        compressedSize: BigInt(records.length),
        uncompressedSize,
      },
      new Map([...this.#messages].map(([channelId, list]) => [channelId, list.length])),
    );
  }
}

/** Notes what stands in the chunk beside its messages; throws where its checksum does not fit. */
function chunkOf(reader: McapStreamReader, record: Uint8Array, summary: Summary): ChunkRecord {
  let chunk: ChunkRecord | null = null;
  reader.append(record);
  for (let found = reader.nextRecord(); found !== undefined; found = reader.nextRecord()) {
    if (found.type === 'Chunk') chunk = { ...found, records: found.records.slice() };
    else if (found.type === 'Schema') summary.schema({ ...found, data: found.data.slice() });
    else if (found.type === 'Channel') summary.channel(found);
  }
  if (chunk === null) throw new Error('no chunk');
  return chunk;
}

function nameOf(reader: McapStreamReader, record: Uint8Array): string {
  reader.append(record);
  const found = reader.nextRecord();
  while (reader.nextRecord() !== undefined);
  return found?.type === 'Metadata' ? found.name : '';
}

/** Time and place of each message in an uncompressed chunk, by channel. */
function messagesOf(records: Uint8Array): Map<number, [bigint, bigint][]> {
  const found = new Map<number, [bigint, bigint][]>();
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
  for (let at = 0; at + RECORD_HEAD <= records.length; ) {
    if (view.getUint8(at) === Opcode.MESSAGE) {
      // channel id (2), sequence (4), log time (8)
      const channelId = view.getUint16(at + RECORD_HEAD, true);
      const list = found.get(channelId) ?? [];
      list.push([view.getBigUint64(at + RECORD_HEAD + 6, true), BigInt(at)]);
      found.set(channelId, list);
    }
    at += RECORD_HEAD + Number(view.getBigUint64(at + 1, true));
  }
  return found;
}

function read(file: number, position: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const got = readSync(file, bytes, done, length - done, position + done);
    if (got === 0) throw new Error('the file ends early');
    done += got;
  }
  return bytes;
}

function writeAll(file: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(file, bytes, done, bytes.length - done, position + done);
  }
}
