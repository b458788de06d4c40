import { appendFile, open, readFile, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeMap } from './codec.js';
import { type EraseOptions, eraseRecords } from './erase.js';
import {
  canariesOf,
  eventOf,
  filesOf,
  foundIn,
  inferenceOf,
  OTHER,
  requestOf,
  sessionOf,
  T_MS,
  ticksOf,
} from './erase-fixtures.js';
import { covers, headOf } from './erased-form.js';
import { CUSTOMER, estop, inference, logIds, readAll, withFolder } from './fixtures.js';
import { JournalReader } from './reader.js';
import type { JournalRecord } from './records.js';
import { segmentPath } from './segment.js';
import { JournalWriter } from './writer.js';

const BEFORE_MS = T_MS + 1_000;
const all = { customer_id: CUSTOMER, log_id: null, before_ms: BEFORE_MS };

const open_ = (dir: string, segmentBytes = 4_096): Promise<JournalWriter> =>
  JournalWriter.open({ dir, node: 0, budgetBytes: 1 << 30, segmentBytes, fsyncMs: 1, now: () => T_MS });

async function write(dir: string, records: readonly JournalRecord[], segmentBytes?: number): Promise<void> {
  const writer = await open_(dir, segmentBytes);
  for (const record of records) writer.append(record);
  await writer.close();
}

const KINDS = [
  (customer: string, t: number, id: number) => inferenceOf(customer, t, id),
  (customer: string, t: number, id: number) => requestOf(customer, t, id),
  (customer: string, t: number, id: number) => ticksOf(customer, t, id),
  (customer: string, t: number) => sessionOf(customer, t, 'open'),
  (customer: string, t: number) => sessionOf(customer, t, 'close'),
  ...(
    [
      'reset',
      'estop',
      'estop_clear',
      'instruction',
      'rejected_observations',
      'direction_mismatch',
      'feedback',
      'quality_gate',
      'safety_incident',
      'customer',
      'key',
      'consent',
    ] as const
  ).map((event) => (customer: string, t: number, id: number) => eventOf(customer, t, event, id)),
];

const anyRecord = fc
  .record({
    kind: fc.nat(KINDS.length - 1),
    mine: fc.boolean(),
    /** A second of ticks that began before the erasure belongs to it; so these are well after it. */
    late: fc.boolean(),
    id: fc.integer({ min: 1, max: 2 ** 40 }),
  })
  .map(({ kind, mine, late, id }) => {
    const t = late ? BEFORE_MS + 5_000 : T_MS;
    const logId = late ? id + 2 ** 50 : id;
    const make = KINDS[kind] as (typeof KINDS)[number];
    return { covered: mine && !late, late: mine && late, record: make(mine ? CUSTOMER : OTHER, t, logId) };
  });

describe('erasing', () => {
  it('[E1] leaves no byte of the customer in any file, every other record as it was, and every record where it was', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(anyRecord, { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1_000, max: 40_000 }),
        (made, segmentBytes) =>
          withFolder(async (dir) => {
            await write(
              dir,
              made.map(({ record }) => record),
              segmentBytes,
            );
            const before = await readAll(dir);
            const bytesBefore = await filesOf(dir);
            await eraseRecords({ dir, erasures: [all] });
            const after = await readAll(dir);
            expect(after.faults).toEqual(before.faults);
            expect(after.entries.map(({ next }) => next)).toEqual(before.entries.map(({ next }) => next));
            const bytesAfter = await filesOf(dir);
            expect([...bytesAfter.keys()].sort()).toEqual([...bytesBefore.keys()].sort());
            for (const [i, { record, next, bytes }] of before.entries.entries()) {
              if (made[i]?.covered === true) continue;
              expect(after.entries[i]?.record).toEqual(record);
              const name = segmentPath('', next.segment);
              const frame = (files: Map<string, Buffer>) => files.get(name)?.subarray(next.offset - bytes, next.offset);
              expect(frame(bytesAfter)?.equals(frame(bytesBefore) as Buffer)).toBe(true);
            }
            // What came after the request is new data, and stays.
            if (!made.some(({ late }) => late)) expect(await foundIn(dir, CUSTOMER)).toEqual([]);
          }),
      ),
      { numRuns: 150 },
    ));

  it('[E1] twice does once, and says that there was nothing more to do', () =>
    withFolder(async (dir) => {
      await write(
        dir,
        KINDS.map((make, i) => make(CUSTOMER, T_MS, i + 1)),
      );
      const first = await eraseRecords({ dir, erasures: [all] });
      const bytes = await filesOf(dir);
      const second = await eraseRecords({ dir, erasures: [all] });
      expect(await filesOf(dir)).toEqual(bytes);
      expect(first.counts[0]?.erased).toEqual({
        inference: 2,
        ticks: 1,
        instruction: 1,
        rejected_observations: 1,
        direction_mismatch: 1,
        feedback: 1,
        quality_gate: 1,
      });
      expect(first.counts[0]?.blanked).toEqual({ session: 2, reset: 1, estop: 1, estop_clear: 1, safety_incident: 1 });
      expect(second.counts).toEqual([{ erased: {}, blanked: {}, before: 14 }]);
    }));

  it('[E1] makes no segment younger: shipped ones go when they would have gone', () =>
    withFolder(async (dir) => {
      await write(dir, [inferenceOf(CUSTOMER, T_MS, 1)]);
      const written = new Date('2026-11-01T00:00:00Z');
      const [segment] = [...(await filesOf(dir)).keys()].filter((name) => name.endsWith('.journal'));
      const path = join(dir, segment as string);
      await utimes(path, written, written);
      await eraseRecords({ dir, erasures: [all] });
      expect(await foundIn(dir, CUSTOMER)).toEqual([]);
      expect((await stat(path)).mtime).toEqual(written);
    }));

  it('[E1] works on what is being written and read', () =>
    withFolder(async (dir) => {
      const writer = await open_(dir, 20_000);
      const reader = await JournalReader.open({ dir });
      const seen: JournalRecord[] = [];
      const take = async () => {
        for (const { record } of await reader.read({ records: 7, bytes: 1 << 20 })) seen.push(record);
      };
      let until: EraseOptions['from'] = null;
      for (let id = 1; id <= 60; id++) {
        writer.append(inferenceOf(id % 2 === 0 ? OTHER : CUSTOMER, T_MS, id));
        if (id % 10 !== 0) continue;
        await take();
        await writer.sync();
        ({ until } = await eraseRecords({ dir, erasures: [all], from: until }));
      }
      writer.append(inferenceOf(OTHER, T_MS, 61));
      await writer.sync();
      for (let n = -1; seen.length > n; ) {
        n = seen.length;
        await take();
      }
      await writer.close();
      await reader.close();
      expect(await foundIn(dir, CUSTOMER)).toEqual([]);
      expect(seen.map((record) => record.log_id)).toEqual(Array.from({ length: 61 }, (_, i) => i + 1));
      const { entries, faults } = await readAll(dir);
      expect(faults).toEqual([]);
      expect(logIds(entries)).toEqual([...Array.from({ length: 30 }, (_, i) => 2 * i + 2), 61]);
    }));

  it('[E1] one log takes its inference, the second of ticks that it moved, and what was said of it', () =>
    withFolder(async (dir) => {
      const records = [
        inferenceOf(CUSTOMER, T_MS, 1),
        inferenceOf(CUSTOMER, T_MS, 2),
        ticksOf(CUSTOMER, T_MS, 1),
        ticksOf(CUSTOMER, T_MS, 2),
        eventOf(CUSTOMER, T_MS, 'feedback', 2),
        eventOf(CUSTOMER, T_MS, 'safety_incident', 2),
        sessionOf(CUSTOMER, T_MS, 'close'),
        inferenceOf(OTHER, T_MS, 2),
      ];
      await write(dir, records);
      const before = await readAll(dir);
      const { counts } = await eraseRecords({ dir, erasures: [{ ...all, log_id: 2 }] });
      expect(counts[0]).toEqual({
        before: 0,
        erased: { inference: 1, ticks: 1, feedback: 1 },
        blanked: { safety_incident: 1 },
      });
      const { entries } = await readAll(dir);
      expect(entries.map(({ record }) => (record.kind === 'erased' ? record.was : record.kind))).toEqual([
        'inference',
        'inference',
        'ticks',
        'ticks',
        'feedback',
        'event',
        'session',
        'inference',
      ]);
      expect([0, 2, 6, 7].map((i) => entries[i]?.record)).toEqual([0, 2, 6, 7].map((i) => before.entries[i]?.record));
    }));

  it('[E1] fills any room behind a map, or says that it cannot', () => {
    const fields = { kind: 'erased', erased: true };
    const least = (headOf(fields, 10_000) as Buffer).length;
    const sizes = Array.from({ length: 400 }, (_, i) => i).concat([65_530, 65_560, 65_570, 70_000, 300_000]);
    let fitting = 0;
    for (const length of sizes) {
      const head = headOf(fields, length);
      if (head === null) {
        expect(length).toBeLessThan(least);
        continue;
      }
      fitting++;
      const payload = Buffer.alloc(length);
      head.copy(payload);
      expect(decodeMap(payload)).toMatchObject({ kind: 'erased' });
    }
    expect(fitting).toBeGreaterThan(370);
  });

  describe('what dies half way', () => {
    const crash = new Error('killed');

    async function killed(dir: string): Promise<void> {
      const dying = eraseRecords({
        dir,
        erasures: [all],
        beforeWrite: () => {
          throw crash;
        },
      });
      await expect(dying).rejects.toBe(crash);
    }

    /** As a kill within the write leaves it: the first bytes of the tombstone, the rest of the record. */
    async function tear(dir: string, segment: number, offset: number): Promise<void> {
      const handle = await open(segmentPath(dir, segment), 'r+');
      await handle.write(Buffer.alloc(50, 0x11), 0, 50, offset);
      await handle.close();
    }

    it('[E2] a reader passes a record that is half overwritten, and tells it as damage', () =>
      withFolder(async (dir) => {
        await write(
          dir,
          [1, 2, 3].map((id) => inferenceOf(CUSTOMER, T_MS, id)),
          1_000_000,
        );
        const { entries: whole } = await readAll(dir);
        const second = whole[0]?.next.offset as number;
        await tear(dir, 1, second);
        await write(dir, [inferenceOf(OTHER, T_MS, 4)]);
        // The writer that followed has taken nothing for an e-stop's loss: see below. The reader goes on behind the damage.
        const { entries, faults } = await readAll(dir);
        expect(logIds(entries)).toEqual([1, 3, 4]);
        expect(faults.map(({ reason, offset }) => [reason, offset])).toEqual([['corrupt', second]]);
      }));

    it('[E2] the next writer finishes it, so that it is no damage and latches no robot', () =>
      withFolder(async (dir) => {
        await write(
          dir,
          [inferenceOf(CUSTOMER, T_MS, 1), inferenceOf(OTHER, T_MS, 2), inferenceOf(CUSTOMER, T_MS, 3)],
          1_000_000,
        );
        const { entries } = await readAll(dir);
        await killed(dir);
        await tear(dir, 1, (entries[0]?.next.offset as number) - (entries[0]?.bytes as number));
        const writer = await open_(dir);
        expect([writer.faults, writer.latches]).toEqual([[], []]);
        await writer.close();
        expect(await foundIn(dir, CUSTOMER)).toEqual([]);
        const after = await readAll(dir);
        expect(after.faults).toEqual([]);
        expect(logIds(after.entries)).toEqual([2]);
      }));

    it('[E2] the next pass finishes it too, and the rest', () =>
      withFolder(async (dir) => {
        await write(
          dir,
          Array.from({ length: 20 }, (_, i) => inferenceOf(CUSTOMER, T_MS, i + 1)),
        );
        await killed(dir);
        const first = (await readAll(dir)).entries[0];
        await tear(dir, first?.next.segment as number, (first?.next.offset as number) - (first?.bytes as number));
        await eraseRecords({ dir, erasures: [all] });
        expect(await foundIn(dir, CUSTOMER)).toEqual([]);
        expect((await readAll(dir)).faults).toEqual([]);
        expect([...(await filesOf(dir)).keys()]).not.toContain('erasing.redo');
      }));

    it('[E2] what was to be written and is torn itself is of no use, and does no harm', () =>
      withFolder(async (dir) => {
        await write(dir, [inferenceOf(CUSTOMER, T_MS, 1), inferenceOf(OTHER, T_MS, 2)]);
        await killed(dir);
        const redo = join(dir, 'erasing.redo');
        const { size } = await stat(redo);
        const handle = await open(redo, 'r+');
        await handle.truncate(size - 1);
        await handle.close();
        const writer = await open_(dir);
        await writer.close();
        expect(logIds((await readAll(dir)).entries)).toEqual([1, 2]);
        await eraseRecords({ dir, erasures: [all] });
        expect(logIds((await readAll(dir)).entries)).toEqual([2]);
      }));
  });

  it('[E3] keeps e-stops and what the writer needs: latches and the highest id survive', () =>
    withFolder(async (dir) => {
      await write(dir, [estop('estop', 'arm-7'), eventOf(CUSTOMER, T_MS, 'estop'), inference(2 ** 49, { t_ms: T_MS })]);
      // The id is of the far future; the record itself says when it was written.
      const { counts } = await eraseRecords({ dir, erasures: [all] });
      expect(counts[0]?.erased).toEqual({ inference: 1 });
      const writer = await open_(dir);
      expect(writer.latched(CUSTOMER, 'arm-7')).toBe(true);
      expect(writer.latched(CUSTOMER, 'arm-1')).toBe(true);
      expect(writer.nextLogId()).toBeGreaterThan(2 ** 49);
      await writer.close();
      expect(await foundIn(dir, CUSTOMER)).toEqual([]);
    }));

  it('[E3] takes what began before the request: also a second of ticks that ended after it', () => {
    expect(covers(all, { ...ticksOf(CUSTOMER, BEFORE_MS + 900, 1) })).toBe(true);
    expect(covers(all, { ...ticksOf(CUSTOMER, BEFORE_MS + 1_100, 1) })).toBe(false);
    expect(covers(all, { ...inferenceOf(CUSTOMER, BEFORE_MS + 1, 2 ** 50) })).toBe(false);
    expect(covers(all, { ...inferenceOf(CUSTOMER, BEFORE_MS + 1, 1) })).toBe(true);
    expect(covers({ ...all, customer_id: OTHER }, { ...ticksOf(CUSTOMER, T_MS, 1) })).toBe(false);
  });

  it('[E4] damage that names the customer is overwritten; of other damage nobody can say', () =>
    withFolder(async (dir) => {
      await write(
        dir,
        [1, 2, 3, 4].map((id) => inferenceOf(id === 2 ? CUSTOMER : OTHER, T_MS, id)),
        1_000_000,
      );
      const { entries } = await readAll(dir);
      const file = await open(segmentPath(dir, 1), 'r+');
      for (const entry of [0, 2]) await file.write(Buffer.of(0xff), 0, 1, (entries[entry]?.next.offset as number) + 5);
      await file.close();
      await write(dir, [inferenceOf(OTHER, T_MS, 5)]);
      const result = await eraseRecords({ dir, erasures: [all] });
      expect(result.damaged_bytes).toBe(entries[1]?.bytes);
      expect(result.unreadable_bytes).toBe(entries[3]?.bytes);
      expect(await foundIn(dir, CUSTOMER)).toEqual([]);
      expect(logIds((await readAll(dir)).entries)).toEqual([1, 3, 5]);
    }));

  it('[E4] what the database refused goes from its file, line by line, in place', () =>
    withFolder(async (dir) => {
      await write(dir, [inferenceOf(OTHER, T_MS, 1)]);
      const line = (row: object) => `${JSON.stringify({ table: 'inferences', reason: 'x', row })}\n`;
      const at = (customer_id: string, log_id: number, ms = T_MS) =>
        line({
          customer_id,
          log_id,
          timestamp: new Date(ms).toISOString(),
          instruction: String(canariesOf(customer_id)[0]),
        });
      const path = join(dir, 'refused.ndjson');
      const kept = [at(OTHER, 1), at(CUSTOMER, 3, BEFORE_MS + 1)];
      await appendFile(path, `${at(CUSTOMER, 2)}${kept.join('')}`);
      const { size } = await stat(path);
      const { counts } = await eraseRecords({ dir, erasures: [all] });
      expect(counts[0]?.erased).toEqual({ refused: 1 });
      const text = await readFile(path, 'utf8');
      expect(text.length).toBe(size);
      expect(text.split('\n')[0]?.trim()).toBe('{}');
      expect(text.endsWith(kept.join(''))).toBe(true);
    }));
});
