import { copyFile, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { CUSTOMER, estop, inference, logIds, readAll, withFolder as withTemporaryFolder } from './fixtures.js';
import { type JournalIo, nodeIo } from './io.js';
import { LOG_ID_EPOCH_MS, logIdTimeMs } from './log-id.js';
import { segmentPath } from './segment.js';
import { JournalWriter, type JournalWriterOptions, type WriterState } from './writer.js';

const NOW = Date.UTC(2026, 10, 21);
const open: JournalWriter[] = [];

async function openWriter(dir: string, options: Partial<JournalWriterOptions> = {}): Promise<JournalWriter> {
  const writer = await JournalWriter.open({ dir, node: 0, budgetBytes: 64 * 1024 * 1024, now: () => NOW, ...options });
  open.push(writer);
  return writer;
}

/** Closes what the test opened before the folder goes; the tests that expect `close` to throw call it themselves. */
function withFolder(run: (dir: string) => Promise<void>): Promise<void> {
  return withTemporaryFolder(async (dir) => {
    try {
      await run(dir);
    } finally {
      await Promise.allSettled(open.splice(0).map((writer) => writer.close()));
    }
  });
}

/** A disk whose next writes or syncs fail while `broken` says so. Pauses end when told, or at once. */
function faultyDisk() {
  const disk = {
    write: null as string | null,
    /** An answer a write, before `write` is asked. */
    failWrites: [] as boolean[],
    sync: null as string | null,
    /** An answer a new segment, when it has its name already. */
    named: [] as string[],
    writes: 0,
    halfBytes: 0,
  };
  const refusal = (code: string) => Object.assign(new Error(`${code}: refused`), { code });
  const io: JournalIo = {
    async create(path, head) {
      const file = await nodeIo.create(path, head);
      const named = disk.named.shift();
      if (named !== undefined) {
        await file.close();
        throw refusal(named);
      }
      return {
        ...file,
        async write(bytes, length, position) {
          disk.writes++;
          const refused = disk.failWrites.shift() === true ? 'EIO' : disk.write;
          if (refused !== null) {
            await file.write(bytes, Math.min(length, disk.halfBytes), position);
            throw refusal(refused);
          }
          await file.write(bytes, length, position);
        },
        async sync() {
          if (disk.sync !== null) throw refusal(disk.sync);
          await file.sync();
        },
      };
    },
    pause: () => new Promise((resolve) => setImmediate(resolve)),
  };
  return { disk, io };
}

function stateChange(): { next: () => Promise<WriterState>; onState: (state: WriterState) => void } {
  const seen: WriterState[] = [];
  let wake: (() => void) | null = null;
  return {
    onState: (state) => {
      seen.push(state);
      wake?.();
    },
    next: async () => {
      while (seen.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      return seen.shift() as WriterState;
    },
  };
}

describe('JournalWriter', () => {
  it('[J1] keeps the order, and calls back in it', () =>
    withFolder(async (dir) => {
      const writer = await openWriter(dir);
      const acknowledged: number[] = [];
      for (let id = 1; id <= 500; id++) {
        writer.append(inference(id), () => acknowledged.push(id));
        if (id % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      await writer.sync();
      const expected = Array.from({ length: 500 }, (_, i) => i + 1);
      expect(acknowledged).toEqual(expected);
      expect(logIds((await readAll(dir)).entries)).toEqual(expected);
    }));

  it('[J1] calls back only when the record can be read from the file', () =>
    withFolder(async (dir) => {
      const writer = await openWriter(dir);
      let called = false;
      await new Promise<void>((resolve) => {
        writer.append(inference(7), () => {
          called = true;
          resolve();
        });
        expect(called).toBe(false);
      });
      expect(logIds((await readAll(dir)).entries)).toEqual([7]);
    }));

  it('[J1] writes the appends of one loop turn at once', () =>
    withFolder(async (dir) => {
      const { disk, io } = faultyDisk();
      const writer = await openWriter(dir, { io });
      for (let id = 1; id <= 100; id++) writer.append(inference(id));
      await writer.sync();
      expect(disk.writes).toBe(1);
    }));

  it('[J1] syncs an e-stop without anybody waiting, long before the group is due', () =>
    withFolder(async (dir) => {
      let syncs = 0;
      let synced: () => void = () => {};
      const done = new Promise<void>((resolve) => (synced = resolve));
      const io: JournalIo = {
        ...nodeIo,
        async create(path, head) {
          const file = await nodeIo.create(path, head);
          return {
            ...file,
            async sync() {
              await file.sync();
              syncs++;
              synced();
            },
          };
        },
      };
      const writer = await openWriter(dir, { io, fsyncMs: 3_600_000 });
      await new Promise<void>((resolve) => writer.append(inference(1), resolve));
      expect(syncs).toBe(0);
      writer.append(estop('estop', 'arm-1'));
      await done;
      expect(syncs).toBe(1);
    }));

  it('keeps every field, and refuses a record that no frame holds [F2]', () =>
    withFolder(async (dir) => {
      const writer = await openWriter(dir);
      const record = inference(2 ** 52 + 1, { error: 'why', state: [1e-300, -2.5, 5], chunk: Uint8Array.of(0, 255) });
      writer.append(record);
      expect(() => writer.append(inference(9, { chunk: new Uint8Array(1024 * 1024) }))).toThrow(
        expect.objectContaining({ code: 'record_too_large' }),
      );
      await writer.sync();
      const { entries } = await readAll(dir);
      expect(entries.map((entry) => ({ ...entry.record, chunk: [0, 255] }))).toEqual([{ ...record, chunk: [0, 255] }]);
    }));

  it('[W1] a full disk fails typed, loses nothing, calls nobody back, and heals by itself', () =>
    withFolder(async (dir) => {
      const { disk, io } = faultyDisk();
      const states = stateChange();
      const writer = await openWriter(dir, { io, onState: states.onState });
      disk.write = 'ENOSPC';
      disk.halfBytes = 100;
      const acknowledged: number[] = [];
      writer.append(inference(1), () => acknowledged.push(1));
      const refused = writer.sync();
      await expect(refused).rejects.toMatchObject({ code: 'write_failed' });
      expect(await states.next()).toMatchObject({ kind: 'failed', code: 'ENOSPC', since_ms: NOW });
      writer.append(inference(2), () => acknowledged.push(2));
      expect(acknowledged).toEqual([]);
      expect(writer.state.kind).toBe('failed');
      expect(writer.pressure().level).toBe('full');
      disk.write = null;
      expect(await states.next()).toEqual({ kind: 'ok' });
      await writer.sync();
      expect(acknowledged).toEqual([1, 2]);
      const { entries, faults } = await readAll(dir);
      expect(logIds(entries)).toEqual([1, 2]);
      expect(faults).toEqual([]);
    }));

  it('[W1] a full disk ends its segment: the one before can be deleted once it is shipped, and so makes room', () =>
    withFolder(async (dir) => {
      const { disk, io } = faultyDisk();
      const states = stateChange();
      const writer = await openWriter(dir, { io, onState: states.onState });
      writer.append(inference(1));
      await writer.sync();
      const files = async () => (await readdir(dir)).filter((name) => name.endsWith('.journal')).length;
      expect(await files()).toBe(1);
      disk.write = 'ENOSPC';
      writer.append(inference(2));
      expect(await states.next()).toMatchObject({ kind: 'failed', code: 'ENOSPC' });
      disk.write = null;
      expect(await states.next()).toEqual({ kind: 'ok' });
      await writer.sync();
      expect(await files()).toBe(2);
      expect(logIds((await readAll(dir)).entries)).toEqual([1, 2]);
      await writer.close();
    }));

  it('[W1] counts what memory cannot hold, still takes an e-stop, and writes all that it took', () =>
    withFolder(async (dir) => {
      const { disk, io } = faultyDisk();
      const states: WriterState[] = [];
      const writer = await openWriter(dir, { io, onState: (state) => states.push(state) });
      disk.write = 'EIO';
      const large = inference(1, { chunk: new Uint8Array(1_000_000) });
      for (let i = 0; i < 5; i++) writer.append(large);
      await expect(writer.sync()).rejects.toMatchObject({ code: 'write_failed' });
      for (let i = 0; i < 95; i++) writer.append(large);
      expect(writer.refused).toBeGreaterThan(10);
      expect(writer.state).toMatchObject({ kind: 'failed', refused: writer.refused });
      expect(states.map((state) => state.kind === 'failed' && state.refused)).toEqual([0, 1]);
      writer.append(estop('estop', 'arm-9'));
      expect(writer.latched(CUSTOMER, 'arm-9')).toBe(true);
      disk.write = null;
      await writer.sync();
      const { entries } = await readAll(dir);
      expect(entries).toHaveLength(100 - writer.refused + 1);
      expect(entries.at(-1)?.record).toMatchObject({ event: 'estop' });
    }));

  it('[W1] an e-stop holds here even where its record cannot be taken', () =>
    withFolder(async (dir) => {
      const writer = await openWriter(dir);
      await writer.close();
      expect(() => writer.append(estop('estop', 'arm-9'))).toThrow(expect.objectContaining({ code: 'closed' }));
      expect(writer.latched(CUSTOMER, 'arm-9')).toBe(true);
    }));

  it('[W2] leaves a segment whose fsync failed, and writes again what was not on the disk', () =>
    withFolder(async (dir) => {
      const { disk, io } = faultyDisk();
      const writer = await openWriter(dir, { io });
      writer.append(inference(1));
      await writer.sync();
      disk.sync = 'EIO';
      writer.append(inference(2));
      await expect(writer.sync()).rejects.toMatchObject({ code: 'write_failed' });
      disk.sync = null;
      writer.append(inference(3));
      await writer.sync();
      const { entries } = await readAll(dir);
      const second = entries.filter(({ next }) => next.segment === 2);
      expect(logIds(second)).toEqual([2, 3]);
      expect(new Set(logIds(entries))).toEqual(new Set([1, 2, 3]));
      expect(writer.state).toEqual({ kind: 'ok' });
    }));

  it('[W2] does not believe an fsync of that segment that succeeds, as it does after one that failed', () =>
    withFolder(async (dir) => {
      const { disk, io } = faultyDisk();
      const writer = await openWriter(dir, { io });
      disk.sync = 'EIO';
      writer.append(inference(1));
      await expect(writer.sync()).rejects.toMatchObject({ code: 'write_failed' });
      disk.sync = null;
      // Nothing was appended since: the segment that the records stand in is still the one whose fsync failed.
      await writer.sync().catch(() => {});
      await writer.close();
      const { entries } = await readAll(dir);
      expect(logIds(entries.filter(({ next }) => next.segment === 2))).toEqual([1]);
    }));

  it('[W2] does not believe a segment either that took only some of the records again', () =>
    withFolder(async (dir) => {
      const { disk, io } = faultyDisk();
      const writer = await openWriter(dir, { io });
      disk.sync = 'EIO';
      for (const id of [1, 2]) await new Promise<void>((resolve) => writer.append(inference(id), resolve));
      disk.failWrites = [false, true];
      await expect(writer.sync()).rejects.toMatchObject({ code: 'write_failed' });
      disk.sync = null;
      await expect(writer.sync()).rejects.toMatchObject({ code: 'write_failed' });
      await writer.close();
      const { entries } = await readAll(dir);
      expect(logIds(entries.filter(({ next }) => next.segment === 3))).toEqual([1, 2]);
    }));

  it('[W1][F3] goes on under the next number where a segment was named, and then its folder’s fsync failed', () =>
    withFolder(async (dir) => {
      const { disk, io } = faultyDisk();
      const states = stateChange();
      const writer = await openWriter(dir, { io, segmentBytes: 4_096, onState: states.onState });
      writer.append(inference(1, { chunk: new Uint8Array(3_000) }));
      await writer.sync();
      disk.named = ['EIO', 'EIO'];
      writer.append(inference(2, { chunk: new Uint8Array(3_000) }));
      expect(await states.next()).toMatchObject({ kind: 'failed', code: 'EIO' });
      expect(await states.next()).toEqual({ kind: 'ok' });
      await writer.close();
      const { entries, faults } = await readAll(dir);
      expect(logIds(entries)).toEqual([1, 2]);
      expect(entries.map(({ next }) => next.segment)).toEqual([1, 4]);
      expect(faults).toEqual([]);
    }));

  it('[J5][F3] stops at a segment that another writer made', () =>
    withFolder(async (dir) => {
      const { io } = faultyDisk();
      const states = stateChange();
      const writer = await openWriter(dir, { io, segmentBytes: 4_096, onState: states.onState });
      await withTemporaryFolder(async (elsewhere) => {
        await (await openWriter(elsewhere)).close();
        await (await openWriter(elsewhere)).close();
        await copyFile(segmentPath(elsewhere, 2), segmentPath(dir, 2));
      });
      writer.append(inference(1, { chunk: new Uint8Array(4_000) }));
      writer.append(inference(2, { chunk: new Uint8Array(4_000) }));
      expect(await states.next()).toMatchObject({ kind: 'failed', code: 'EEXIST' });
      await expect(writer.close()).rejects.toMatchObject({ code: 'write_failed' });
    }));

  it('[J5] says that the lock is lost also while the disk refuses', () =>
    withFolder(async (dir) => {
      vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
      const { disk, io } = faultyDisk();
      const states = stateChange();
      const writer = await openWriter(dir, { io, onState: states.onState });
      disk.write = 'ENOSPC';
      writer.append(inference(1));
      expect(await states.next()).toMatchObject({ code: 'ENOSPC' });
      await unlink(join(dir, 'writer.1.lock'));
      vi.advanceTimersByTime(5_000);
      expect(await states.next()).toMatchObject({ kind: 'failed', code: 'lock_lost', since_ms: NOW });
      await expect(writer.close()).rejects.toMatchObject({ code: 'write_failed' });
      vi.useRealTimers();
    }));

  it('[W3] close saves what was appended last', () =>
    withFolder(async (dir) => {
      const writer = await openWriter(dir);
      writer.append(inference(1));
      await writer.close();
      expect(logIds((await readAll(dir)).entries)).toEqual([1]);
      expect(() => writer.append(inference(2))).toThrow(expect.objectContaining({ code: 'closed' }));
    }));

  it('[W3] close throws when the disk refuses to the end', () =>
    withFolder(async (dir) => {
      const { disk, io } = faultyDisk();
      const writer = await openWriter(dir, { io });
      disk.write = 'ENOSPC';
      writer.append(inference(1));
      await expect(writer.close()).rejects.toMatchObject({ code: 'write_failed' });
      await openWriter(dir);
    }));

  it('[J1][F3] rolls to a new segment without loss, and never writes over one', () =>
    withFolder(async (dir) => {
      const writer = await openWriter(dir, { segmentBytes: 4_096 });
      for (let id = 1; id <= 60; id++) {
        writer.append(inference(id));
        if (id % 3 === 0) await writer.sync();
      }
      await writer.close();
      const segments = (await readdir(dir)).filter((name) => name.endsWith('.journal'));
      expect(segments.length).toBeGreaterThan(5);
      expect(logIds((await readAll(dir)).entries)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
    }));

  it('[J5] a second writer is refused while the first lives', () =>
    withFolder(async (dir) => {
      await openWriter(dir);
      await expect(openWriter(dir)).rejects.toMatchObject({ code: 'locked' });
    }));

  it('[I2] ids go on above what was written, though the clock went back and the node changed', () =>
    withFolder(async (dir) => {
      const first = await openWriter(dir, { node: 9, now: () => NOW + 3_600_000 });
      const written = first.nextLogId();
      first.append(inference(written));
      await first.close();
      for (let restart = 0; restart < 2; restart++) {
        const next = await openWriter(dir, { node: 3, now: () => LOG_ID_EPOCH_MS });
        const id = next.nextLogId();
        expect(id).toBeGreaterThan(written);
        expect(logIdTimeMs(id)).toBe(NOW + 3_600_001);
        await next.close();
      }
    }));

  it('is full while its caller says that nothing new may be begun, and takes records all the same', () =>
    withFolder(async (dir) => {
      let barred = false;
      const writer = await openWriter(dir, { barred: () => barred });
      expect(writer.pressure().level).toBe('ok');
      barred = true;
      expect(writer.pressure().level).toBe('full');
      writer.append(inference(1));
      await writer.sync();
      barred = false;
      expect(writer.pressure().level).toBe('ok');
      expect(logIds((await readAll(dir)).entries)).toEqual([1]);
    }));
});
