import { link, readdir, rename, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadCheckpoint, loadShippedPosition, saveCheckpoint } from './checkpoint.js';
import { CUSTOMER, inference, logIds, readAll, withFolder } from './fixtures.js';
import { pruneShipped } from './prune.js';
import { segmentPath } from './segment.js';
import { JournalWriter } from './writer.js';

const DAY_MS = 86_400_000;
const OTHER = '01980000-0000-7000-8000-0000000000ff';

async function segments(dir: string): Promise<number[]> {
  const names = (await readdir(dir)).filter((name) => name.endsWith('.journal'));
  return names.map((name) => Number.parseInt(name, 10));
}

/** Three closed segments of one inference each, and a new writer's empty fourth. */
async function fourSegments(dir: string): Promise<void> {
  for (const id of [1, 2, 3]) {
    const writer = await JournalWriter.open({ dir, node: 0, budgetBytes: 1e9, now: () => 1e12 });
    writer.append(inference(id));
    await writer.close();
  }
  await (await JournalWriter.open({ dir, node: 0, budgetBytes: 1e9, now: () => 1e12 })).close();
}

describe('[J4] disk budget', () => {
  it('warns at 80 %, is full at 100 %, and knows each customer’s share', () =>
    withFolder(async (dir) => {
      const writer = await JournalWriter.open({
        dir,
        node: 0,
        budgetBytes: 100_000,
        segmentBytes: 20_000,
        now: () => 1e12,
      });
      const levels: string[] = [];
      for (let id = 1; id <= 100; id++) {
        writer.append(inference(id, { customer_id: id % 4 === 0 ? OTHER : CUSTOMER, chunk: new Uint8Array(600) }));
        await writer.sync();
        const { level, usedBytes } = writer.pressure();
        if (levels.at(-1) !== level) levels.push(level);
        expect(level).toBe(usedBytes >= 100_000 ? 'full' : usedBytes >= 80_000 ? 'warn' : 'ok');
      }
      expect(levels).toEqual(['ok', 'warn', 'full']);
      const pressure = writer.pressure();
      expect(pressure.customer(CUSTOMER) / pressure.customer(OTHER)).toBeCloseTo(3, 0);
      expect(pressure.customer('nobody')).toBe(0);
      await writer.close();
    }));

  it('counts only what is not shipped, and remembers shares over a restart', () =>
    withFolder(async (dir) => {
      let now = 1e12;
      const options = { dir, node: 0, budgetBytes: 100_000, segmentBytes: 20_000, now: () => now };
      const first = await JournalWriter.open(options);
      for (let id = 1; id <= 60; id++) {
        first.append(inference(id, { chunk: new Uint8Array(600) }));
        await first.sync();
      }
      const before = first.pressure();
      await first.close();
      const second = await JournalWriter.open(options);
      expect(second.pressure().usedBytes).toBeGreaterThanOrEqual(before.usedBytes);
      expect(second.pressure().customer(CUSTOMER)).toBeCloseTo(before.customer(CUSTOMER), 2);
      const { entries } = await readAll(dir);
      await saveCheckpoint(dir, { position: entries.at(-1)?.next ?? { segment: 0, offset: 0 }, state: '{}' });
      now += 60_000;
      // Asking makes it look at the folder; the answer comes with a later question.
      while (second.pressure().usedBytes > 2_000) await new Promise((resolve) => setImmediate(resolve));
      expect(second.pressure().customer(CUSTOMER)).toBeLessThan(0.01);
      await second.close();
    }));
});

describe('[J3] checkpoint and pruning', () => {
  it('a checkpoint comes back as it was saved; without one, or with a broken one, there is none', () =>
    withFolder(async (dir) => {
      expect(await loadCheckpoint(dir)).toBeNull();
      const checkpoint = { position: { segment: 3, offset: 4_711 }, state: '{"a":\n1}' };
      await saveCheckpoint(dir, checkpoint);
      expect(await loadCheckpoint(dir)).toEqual(checkpoint);
      expect(await loadShippedPosition(dir)).toEqual(checkpoint.position);
      await saveCheckpoint(dir, { position: { segment: Number.NaN, offset: 0 }, state: '' });
      expect(await loadCheckpoint(dir)).toBeNull();
    }));

  it('each checkpoint is written where the one before the last was: a full disk has room for it', () =>
    withFolder(async (dir) => {
      const save = (offset: number, bytes: number) =>
        saveCheckpoint(dir, { position: { segment: 1, offset }, state: `"${'x'.repeat(bytes)}"` });
      const inodeOf = async (name: string) => (await stat(join(dir, name))).ino;
      await save(1, 10);
      await save(2, 5_000);
      const [held, room] = [await inodeOf('shipped.checkpoint'), await inodeOf('shipped.checkpoint.new')];
      await save(3, 20_000);
      expect([await inodeOf('shipped.checkpoint'), await inodeOf('shipped.checkpoint.new')]).toEqual([room, held]);
      await save(4, 10);
      expect(await loadCheckpoint(dir)).toEqual({ position: { segment: 1, offset: 4 }, state: `"${'x'.repeat(10)}"` });
      await save(5, 200_000);
      expect((await loadCheckpoint(dir))?.state).toHaveLength(200_002);
    }));

  it('a room that a crash left under the second name is the next one’s', () =>
    withFolder(async (dir) => {
      const save = (offset: number) => saveCheckpoint(dir, { position: { segment: 1, offset }, state: `${offset}` });
      const [path, room, spare] = ['', '.new', '.spare'].map((end) => join(dir, `shipped.checkpoint${end}`)) as [
        string,
        string,
        string,
      ];
      await save(1);
      await save(2);
      const { ino } = await stat(room);
      await rename(room, spare);
      await save(3);
      expect((await stat(path)).ino).toBe(ino);
      expect(await loadCheckpoint(dir)).toEqual({ position: { segment: 1, offset: 3 }, state: '3' });
    }));

  it('a second name that a crash left of the checkpoint is not written into', () =>
    withFolder(async (dir) => {
      await saveCheckpoint(dir, { position: { segment: 1, offset: 1 }, state: '1' });
      await link(join(dir, 'shipped.checkpoint'), join(dir, 'shipped.checkpoint.spare'));
      await saveCheckpoint(dir, { position: { segment: 1, offset: 2 }, state: '2' });
      await saveCheckpoint(dir, { position: { segment: 1, offset: 3 }, state: '3' });
      expect(await loadCheckpoint(dir)).toEqual({ position: { segment: 1, offset: 3 }, state: '3' });
    }));

  it('on a real database everything before the checkpoint’s segment goes, never the newest', () =>
    withFolder(async (dir) => {
      await fourSegments(dir);
      await pruneShipped({ dir, shipped: { segment: 3, offset: 0 }, keep: null, nowMs: Date.now() });
      expect(await segments(dir)).toEqual([3, 4]);
      await pruneShipped({ dir, shipped: { segment: 99, offset: 0 }, keep: null, nowMs: Date.now() });
      expect(await segments(dir)).toEqual([4]);
    }));

  it('embedded, shipped segments stay their days', () =>
    withFolder(async (dir) => {
      await fourSegments(dir);
      const keep = { days: 7, budgetBytes: 1e9 };
      const shipped = { segment: 4, offset: 0 };
      const young = await pruneShipped({ dir, shipped, keep, nowMs: Date.now() + 6 * DAY_MS });
      expect(young.segments).toEqual([]);
      const eightDaysAgo = Date.now() / 1000 - 8 * 86_400;
      for (const segment of [1, 2]) await utimes(segmentPath(dir, segment), eightDaysAgo, eightDaysAgo);
      const old = await pruneShipped({ dir, shipped, keep, nowMs: Date.now() });
      expect(old.segments).toEqual([1, 2]);
      expect(await segments(dir)).toEqual([3, 4]);
      const { entries, faults } = await readAll(dir);
      expect(logIds(entries)).toEqual([3]);
      expect(faults).toEqual([]);
      expect((await pruneShipped({ dir, shipped, keep, nowMs: Date.now() })).segments).toEqual([]);
    }));

  it('embedded, shipped segments go early rather than fill the budget', () =>
    withFolder(async (dir) => {
      await fourSegments(dir);
      const { early, segments: gone } = await pruneShipped({
        dir,
        shipped: { segment: 3, offset: 0 },
        keep: { days: 7, budgetBytes: 100 },
        nowMs: Date.now(),
      });
      expect([early, gone]).toEqual([2, [1, 2]]);
      expect(await segments(dir)).toEqual([3, 4]);
    }));
});
