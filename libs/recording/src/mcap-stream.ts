import { crc32 } from 'node:zlib';
import { McapChunkBuilder, McapRecordBuilder } from '@mcap/core';
import { descriptorSet } from './descriptor-set.js';
import { encodeMessage, type MessageType, type MessageValue } from './message-type.js';
import { Summary } from './summary.js';

export interface Channel {
  readonly id: number;
  readonly type: MessageType;
}

export const LIBRARY = 'sinew';
/** A chunk is what a crash costs at most; readers ask for about this much at a time. */
const CHUNK_BYTES = 262_144;

/**
 * Writes MCAP front to back, never going back: what was emitted is good as it is, and a reader that is given only the front of
 * it has every chunk that is whole. `@mcap/core`'s own writer closes a chunk by its size alone, which may take minutes where
 * there are no images.
 */
export class McapStream {
  readonly #emit: (bytes: Uint8Array) => void;
  readonly #records = new McapRecordBuilder();
  readonly #chunk = new McapChunkBuilder({});
  readonly #counts = new Map<number, number>();
  readonly #summary = new Summary();
  readonly #schemaIds = new Map<MessageType, number>();
  #position = 0;
  #channels = 0;

  /** `emit`: takes each part for good. */
  constructor(emit: (bytes: Uint8Array) => void) {
    this.#emit = emit;
    this.#records.writeMagic();
    this.#records.writeHeader({ profile: '', library: LIBRARY });
    this.#flushRecords();
  }

  /** Bytes emitted. */
  get position(): number {
    return this.#position;
  }

  get messages(): number {
    return this.#summary.messages;
  }

  metadata(name: string, values: Readonly<Record<string, string>>): void {
    this.flush();
    const offset = BigInt(this.#position);
    const length = this.#records.writeMetadata({ name, metadata: new Map(Object.entries(values)) });
    this.#summary.metadata({ name, offset, length });
    this.#flushRecords();
  }

  channel(topic: string, type: MessageType): Channel {
    let schemaId = this.#schemaIds.get(type);
    if (schemaId === undefined) {
      schemaId = this.#schemaIds.size + 1;
      this.#schemaIds.set(type, schemaId);
      const name = `${type.package}.${type.name}`;
      const schema = { id: schemaId, name, encoding: 'protobuf', data: descriptorSet(type) };
      this.#chunk.addSchema(schema);
      this.#summary.schema(schema);
    }
    const channel = {
      id: this.#channels++,
      schemaId,
      topic,
      messageEncoding: 'protobuf',
      metadata: new Map<string, string>(),
    };
    this.#chunk.addChannel(channel);
    this.#summary.channel(channel);
    return { id: channel.id, type };
  }

  /** Times are Unix nanoseconds. */
  message({ id, type }: Channel, logTime: bigint, publishTime: bigint, value: MessageValue): void {
    const data = encodeMessage(type, value);
    this.#chunk.addMessage({ channelId: id, sequence: 0, logTime, publishTime, data });
    this.#counts.set(id, (this.#counts.get(id) ?? 0) + 1);
    if (this.#chunk.byteLength >= CHUNK_BYTES) this.flush();
  }

  /** Ends the chunk that is being filled, so that it can be read. */
  flush(): void {
    if (this.#chunk.numMessages === 0) return;
    const records = this.#chunk.buffer;
    const { messageEndTime, messageStartTime } = this.#chunk;
    const size = BigInt(records.length);
    const chunkStartOffset = BigInt(this.#position);
    const times = { messageStartTime, messageEndTime };
    const form = { compression: '', uncompressedSize: size };
    const chunkLength = this.#records.writeChunk({ ...times, ...form, uncompressedCrc: crc32(records), records });
    const messageIndexOffsets = new Map<number, bigint>();
    const indexStart = this.#records.length;
    for (const index of this.#chunk.indices) {
      if (index.records.length === 0) continue;
      messageIndexOffsets.set(index.channelId, chunkStartOffset + BigInt(this.#records.length));
      this.#records.writeMessageIndex(index);
    }
    const messageIndexLength = BigInt(this.#records.length - indexStart);
    this.#summary.chunk(
      {
        ...times,
        ...form,
        chunkStartOffset,
        chunkLength,
        messageIndexOffsets,
        messageIndexLength,
        compressedSize: size,
      },
      this.#counts,
    );
    this.#chunk.reset();
    this.#counts.clear();
    this.#flushRecords();
  }

  /** The rest of the file. Nothing may follow. */
  end(): void {
    this.flush();
    this.#put(this.#summary.end(this.#position));
  }

  #flushRecords(): void {
    this.#put(this.#records.buffer.slice());
    this.#records.reset();
  }

  #put(bytes: Uint8Array): void {
    this.#position += bytes.length;
    this.#emit(bytes);
  }
}
