import type { JournalEntry, SegmentHeader } from '@sinew/journal';
import { expect, it } from 'vitest';
import { ReadAhead } from './read-ahead.js';
import { inference } from './test-records.js';

function reader(parts: (number | Error)[]) {
  let at = 0;
  return {
    reads: 0,
    get position() {
      return { segment: 1, offset: at };
    },
    get header() {
      return { writer_id: `writer-${at}` } as SegmentHeader;
    },
    async read(): Promise<JournalEntry[]> {
      this.reads++;
      const part = parts.shift() ?? 0;
      if (part instanceof Error) throw part;
      const entries = Array.from({ length: part }, (_, i) => ({
        record: inference({ log_id: at + i }),
        next: { segment: 1, offset: at + i + 1 },
        bytes: 1,
        writer_id: 'w',
      }));
      at += part;
      return entries;
    },
  };
}
const LIMIT = { records: 3, bytes: 1e9 };

it('position and writer are those of what was handed out, however far the reader has come', async () => {
  const from = reader([3, 2]);
  const source = new ReadAhead(from, LIMIT);
  await source.read();
  source.readAhead();
  await source.settled();
  expect(from.position.offset).toBe(5);
  expect(source.position).toEqual({ segment: 1, offset: 3 });
  expect(source.writerId).toBe('writer-3');
  expect(await source.read()).toHaveLength(2);
  expect(source.position).toEqual({ segment: 1, offset: 5 });
});

it('reads ahead once, and only behind a full part', async () => {
  const from = reader([3, 2, 1]);
  const source = new ReadAhead(from, LIMIT);
  source.readAhead();
  expect(from.reads).toBe(0);
  await source.read();
  source.readAhead();
  source.readAhead();
  expect(from.reads).toBe(2);
  await source.read();
  source.readAhead();
  expect(from.reads).toBe(2);
});

it('a failure ahead is told by the next read, and the one after reads anew', async () => {
  const source = new ReadAhead(reader([3, new Error('folder refuses'), 1]), LIMIT);
  await source.read();
  source.readAhead();
  await expect(source.read()).rejects.toThrow('folder refuses');
  expect(source.position).toEqual({ segment: 1, offset: 3 });
  expect(await source.read()).toHaveLength(1);
});
