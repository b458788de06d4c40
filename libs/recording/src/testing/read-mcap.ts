import { McapIndexedReader, type TypedMcapRecords } from '@mcap/core';

export interface ReadBack {
  readonly messages: readonly {
    readonly topic: string;
    readonly schema: string;
    readonly record: TypedMcapRecords['Message'];
  }[];
  readonly metadata: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly count: (topic: string) => number;
  readonly statistics: TypedMcapRecords['Statistics'] | undefined;
}

/** By the index at its end, as viewers do; rejects where the file has none. */
export async function readMcap(bytes: Uint8Array): Promise<ReadBack> {
  const reader = await McapIndexedReader.Initialize({
    readable: {
      size: async () => BigInt(bytes.length),
      read: async (offset, size) => bytes.slice(Number(offset), Number(offset + size)),
    },
  });
  const messages: ReadBack['messages'][number][] = [];
  for await (const record of reader.readMessages()) {
    const channel = reader.channelsById.get(record.channelId);
    const schema = reader.schemasById.get(channel?.schemaId ?? -1);
    messages.push({ topic: channel?.topic ?? '?', schema: schema?.name ?? '?', record });
  }
  const metadata = new Map<string, ReadonlyMap<string, string>>();
  for await (const each of reader.readMetadata()) metadata.set(each.name, each.metadata);
  const count = (topic: string): number => messages.filter((each) => each.topic === topic).length;
  return { messages, metadata, count, statistics: reader.statistics };
}
