import { appendFile, open, readFile, truncate, unlink, writeFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inference, logIds, readAll, withFolder } from './fixtures.js';
import { type JournalFault, JournalReader } from './reader.js';
import { segmentPath } from './segment.js';
import { JournalWriter } from './writer.js';

const NOW = Date.UTC(2026, 10, 21);

function openWriter(dir: string, segmentBytes = 1024 * 1024): Promise<JournalWriter> {
  return JournalWriter.open({ dir, node: 0, budgetBytes: 64 * 1024 * 1024, segmentBytes, now: () => NOW });
}

/** Ids `from…to`, in one segment of their own. */
async function writeSegment(dir: string, from: number, to: number): Promise<void> {
  const writer = await openWriter(dir);
  for (let id = from; id <= to; id++) writer.append(inference(id));
  await writer.close();
}

async function flip(path: string, offset: number): Promise<void> {
  const file = await open(path, 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, offset);
  await file.write(Buffer.of((byte[0] as number) ^ 0x41), 0, 1, offset);
  await file.close();
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

describe('reading', () => {
  it('[J2] a tail cut anywhere loses no record before the cut', () =>
    withFolder(async (dir) => {
      await writeSegment(dir, 1, 20);
      const path = segmentPath(dir, 1);
      const whole = await readFile(path);
      const ends = (await readAll(dir)).entries.map(({ next }) => next.offset);
      const firstEnd = ends[0] as number;
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: firstEnd, max: whole.length }), async (length) => {
          await writeFile(path, whole.subarray(0, length));
          const { entries, faults } = await readAll(dir);
          expect(logIds(entries)).toEqual(range(1, ends.filter((end) => end <= length).length));
          expect(faults.map(({ reason }) => reason)).toEqual(ends.includes(length) ? [] : ['torn']);
        }),
        { numRuns: 60 },
      );
    }));

  it('[J2] a byte hit anywhere in the last segment loses no record before it, and is reported', () =>
    withFolder(async (dir) => {
      await writeSegment(dir, 1, 20);
      const path = segmentPath(dir, 1);
      const whole = await readFile(path);
      const ends = (await readAll(dir)).entries.map(({ next }) => next.offset);
      const firstStart = (ends[0] as number) - ((ends[1] as number) - (ends[0] as number));
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: firstStart, max: whole.length - 1 }),
          fc.integer({ min: 1, max: 255 }),
          async (at, mask) => {
            const damaged = Buffer.from(whole);
            damaged.writeUInt8(damaged.readUInt8(at) ^ mask, at);
            await writeFile(path, damaged);
            const { entries, faults } = await readAll(dir);
            expect(logIds(entries)).toEqual(range(1, ends.filter((end) => end <= at).length));
            expect(faults).toHaveLength(1);
            expect(faults[0]).toMatchObject({ segment: 1, last: true });
          },
        ),
        { numRuns: 100 },
      );
    }));

  it('[J2] a byte hit anywhere in an earlier segment costs that one record, reported with its bytes', () =>
    withFolder(async (dir) => {
      await writeSegment(dir, 1, 20);
      await writeSegment(dir, 21, 25);
      const path = segmentPath(dir, 1);
      const whole = await readFile(path);
      const entries = (await readAll(dir)).entries.filter(({ next }) => next.segment === 1);
      const start = (index: number) => (entries[index]?.next.offset ?? 0) - (entries[index]?.bytes ?? 0);
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: start(0), max: whole.length - 1 }),
          fc.integer({ min: 1, max: 255 }),
          async (at, mask) => {
            const damaged = Buffer.from(whole);
            damaged.writeUInt8(damaged.readUInt8(at) ^ mask, at);
            await writeFile(path, damaged);
            const read = await readAll(dir);
            const hit = entries.findIndex(({ next }) => next.offset > at);
            expect(logIds(read.entries)).toEqual(range(1, 25).filter((id) => id !== hit + 1));
            expect(read.faults).toEqual([
              {
                reason: hit === 19 ? 'torn' : 'corrupt',
                segment: 1,
                offset: start(hit),
                bytes: entries[hit]?.bytes,
                last: false,
              },
            ]);
          },
        ),
        { numRuns: 100 },
      );
    }));

  it('[J2] what a reader stopped at in the last segment is skipped once a later segment exists', () =>
    withFolder(async (dir) => {
      await writeSegment(dir, 1, 5);
      const { entries } = await readAll(dir);
      await flip(segmentPath(dir, 1), (entries[2]?.next.offset as number) - 3);
      const faults: JournalFault[] = [];
      const reader = await JournalReader.open({ dir, onFault: (fault) => faults.push(fault) });
      expect(logIds(await reader.read())).toEqual([1, 2]);
      expect(await reader.read()).toEqual([]);
      expect(faults.map(({ last }) => last)).toEqual([true]);
      await writeSegment(dir, 6, 7);
      expect(logIds(await reader.read())).toEqual([4, 5, 6, 7]);
      expect(faults.map(({ last }) => last)).toEqual([true, false]);
      await reader.close();
    }));

  it('[J2] a record that is half written is no damage: it is read when it is whole', () =>
    withFolder(async (dir) => {
      await writeSegment(dir, 1, 3);
      const path = segmentPath(dir, 1);
      const whole = await readFile(path);
      await truncate(path, whole.length - 50);
      const faults: JournalFault[] = [];
      const reader = await JournalReader.open({ dir, onFault: (fault) => faults.push(fault) });
      expect(logIds(await reader.read())).toEqual([1, 2]);
      await appendFile(path, whole.subarray(whole.length - 50));
      expect(logIds(await reader.read())).toEqual([3]);
      expect(faults).toEqual([]);
      await reader.close();
    }));

  it('[F1] a frame inside a customer’s text is not read as a record, even after damage', () =>
    withFolder(async (dir) => {
      await writeSegment(dir, 1, 1);
      const first = (await readAll(dir)).entries[0];
      const forged = (await readFile(segmentPath(dir, 1))).subarray(-(first?.bytes as number));
      const writer = await openWriter(dir);
      writer.append(inference(2, { chunk: forged }));
      writer.append(inference(3));
      await writer.close();
      await writeSegment(dir, 4, 4);
      const second = (await readAll(dir)).entries.find(({ record }) => record.log_id === 2);
      await flip(segmentPath(dir, 2), (second?.next.offset as number) - (second?.bytes as number) + 9);
      expect(logIds((await readAll(dir)).entries)).toEqual([1, 3, 4]);
    }));

  it('[F2] a length that claims gigabytes costs nothing', () =>
    withFolder(async (dir) => {
      await writeSegment(dir, 1, 2);
      await appendFile(segmentPath(dir, 1), Buffer.from('ffffffff00000000', 'hex'));
      await writeSegment(dir, 3, 3);
      const { entries, faults } = await readAll(dir);
      expect(logIds(entries)).toEqual([1, 2, 3]);
      expect(faults).toMatchObject([{ reason: 'torn', segment: 1, bytes: 8 }]);
    }));

  it('[F3] a damaged header does not lose the segment’s records', () =>
    withFolder(async (dir) => {
      await writeSegment(dir, 1, 2);
      await writeSegment(dir, 3, 5);
      await writeSegment(dir, 6, 6);
      await flip(segmentPath(dir, 2), 40);
      const { entries, faults } = await readAll(dir);
      expect(logIds(entries)).toEqual([1, 2, 3, 4, 5, 6]);
      expect(faults.map(({ reason, segment }) => [reason, segment])).toEqual([
        ['bad_header', 2],
        ['corrupt', 2],
      ]);
    }));

  it('[R1] goes on from any position, record by record', () =>
    withFolder(async (dir) => {
      await writeSegment(dir, 1, 5);
      await writeSegment(dir, 6, 9);
      const { entries } = await readAll(dir);
      for (const [index, { next }] of entries.entries()) {
        const reader = await JournalReader.open({ dir, from: next });
        expect(logIds(await reader.read())).toEqual(range(index + 2, 9));
        await reader.close();
      }
    }));

  it('[R1] sees every record once while a writer writes and rolls', () =>
    withFolder(async (dir) => {
      const writer = await openWriter(dir, 8_192);
      const reader = await JournalReader.open({ dir });
      const seen: number[] = [];
      for (let id = 1; id <= 1_000; id++) {
        writer.append(inference(id));
        if (id % 20 === 0) seen.push(...logIds(await reader.read({ records: 7, bytes: 1e6 })));
      }
      await writer.close();
      for (let more = await reader.read(); more.length > 0; more = await reader.read()) seen.push(...logIds(more));
      expect(seen).toEqual(range(1, 1_000));
      await reader.close();
    }));

  it('[R1] returns no more than the limit asks for', () =>
    withFolder(async (dir) => {
      await writeSegment(dir, 1, 10);
      const reader = await JournalReader.open({ dir });
      expect(logIds(await reader.read({ records: 4, bytes: 1e9 }))).toEqual([1, 2, 3, 4]);
      expect(logIds(await reader.read({ records: 100, bytes: 1 }))).toEqual([5]);
      await reader.close();
    }));

  it('[R1] reports segments that vanished before they were read', () =>
    withFolder(async (dir) => {
      for (const id of [1, 2, 3]) await writeSegment(dir, id, id);
      await unlink(segmentPath(dir, 2));
      const { entries, faults } = await readAll(dir);
      expect(logIds(entries)).toEqual([1, 3]);
      expect(faults).toMatchObject([{ reason: 'missing', segment: 2 }]);
    }));

  it('[J5] one reader a folder', () =>
    withFolder(async (dir) => {
      const reader = await JournalReader.open({ dir });
      await expect(JournalReader.open({ dir })).rejects.toMatchObject({ code: 'locked' });
      await reader.close();
    }));
});
