import { crc32 } from 'node:zlib';
import { type Channel, type ChunkIndex, McapRecordBuilder, type MetadataIndex, Opcode, type Schema } from '@mcap/core';

/** What stands in a finished file behind its data, so that readers find their way without reading it all. */
export class Summary {
  readonly #schemas = new Map<number, Schema>();
  readonly #channels = new Map<number, Channel>();
  readonly #counts = new Map<number, bigint>();
  readonly #chunks: ChunkIndex[] = [];
  readonly #metadata: MetadataIndex[] = [];
  #messages = 0n;
  #startNs = 0n;
  #endNs = 0n;

  get messages(): number {
    return Number(this.#messages);
  }

  schema(schema: Schema): void {
    this.#schemas.set(schema.id, schema);
  }

  channel(channel: Channel): void {
    this.#channels.set(channel.id, channel);
  }

  metadata(index: MetadataIndex): void {
    this.#metadata.push(index);
  }

  chunk(index: ChunkIndex, counts: ReadonlyMap<number, number>): void {
    const first = this.#messages === 0n;
    this.#chunks.push(index);
    if (first || index.messageStartTime < this.#startNs) this.#startNs = index.messageStartTime;
    if (first || index.messageEndTime > this.#endNs) this.#endNs = index.messageEndTime;
    for (const [channelId, n] of counts) {
      this.#counts.set(channelId, (this.#counts.get(channelId) ?? 0n) + BigInt(n));
      this.#messages += BigInt(n);
    }
  }

  /** From the end of the data, at `position`, to the end of the file. */
  end(position: number): Uint8Array {
    const records = new McapRecordBuilder();
    // 0: not computed. A reader checks each chunk by its own.
    records.writeDataEnd({ dataSectionCrc: 0 });
    const dataEnd = records.length;
    const groups: { readonly groupOpcode: Opcode; readonly groupStart: bigint; readonly groupLength: bigint }[] = [];
    const at = (): bigint => BigInt(position + records.length);
    const group = (groupOpcode: Opcode, write: () => void): void => {
      const groupStart = at();
      write();
      if (at() > groupStart) groups.push({ groupOpcode, groupStart, groupLength: at() - groupStart });
    };
    const summaryStart = at();
    group(Opcode.SCHEMA, () => {
      for (const schema of this.#schemas.values()) records.writeSchema(schema);
    });
    group(Opcode.CHANNEL, () => {
      for (const channel of this.#channels.values()) records.writeChannel(channel);
    });
    group(Opcode.STATISTICS, () => {
      records.writeStatistics({
        messageCount: this.#messages,
        schemaCount: this.#schemas.size,
        channelCount: this.#channels.size,
        attachmentCount: 0,
        metadataCount: this.#metadata.length,
        chunkCount: this.#chunks.length,
        messageStartTime: this.#startNs,
        messageEndTime: this.#endNs,
        channelMessageCounts: this.#counts,
      });
    });
    group(Opcode.METADATA_INDEX, () => {
      for (const index of this.#metadata) records.writeMetadataIndex(index);
    });
    group(Opcode.CHUNK_INDEX, () => {
      for (const index of this.#chunks) records.writeChunkIndex(index);
    });
    const summaryOffsetStart = at();
    for (const each of groups) records.writeSummaryOffset(each);
    // The footer's checksum covers the summary and the footer up to itself.
    const footer = { summaryStart, summaryOffsetStart };
    records.writeFooter({ ...footer, summaryCrc: 0 });
    const upToCrc = records.buffer.subarray(dataEnd, records.length - 4);
    const summaryCrc = crc32(upToCrc);
    const bytes = records.buffer.slice();
    new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).setUint32(bytes.length - 4, summaryCrc, true);
    const magic = new McapRecordBuilder();
    magic.writeMagic();
    return Buffer.concat([bytes, magic.buffer]);
  }
}
