import type { FileHandle, open as openFile } from 'node:fs/promises';
import fc from 'fast-check';
import { afterEach, expect, it, vi } from 'vitest';
import { inference, logIds, withFolder } from './fixtures.js';
import { type JournalFault, JournalReader } from './reader.js';
import { segmentPath } from './segment.js';
import { JournalWriter } from './writer.js';

/** One answer a folder or file operation; true: it fails, as where the process has no handle left. */
const disk = vi.hoisted(() => ({ fails: [] as boolean[] }));

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  const failing = () => disk.fails.shift() === true;
  const refusal = (code: string) => Object.assign(new Error(code), { code });
  const open: typeof openFile = async (...args) => {
    if (failing()) throw refusal('EMFILE');
    const handle = await real.open(...args);
    const read = handle.read.bind(handle) as (...args: unknown[]) => Promise<unknown>;
    handle.read = (async (...args: unknown[]) => {
      if (failing()) throw refusal('EIO');
      return read(...args);
    }) as FileHandle['read'];
    return handle;
  };
  const readdir = async (path: string) => {
    if (failing()) throw refusal('EMFILE');
    return real.readdir(path);
  };
  return { ...real, open, readdir };
});

afterEach(() => {
  disk.fails = [];
});

async function writeSegment(dir: string, from: number, to: number): Promise<void> {
  const writer = await JournalWriter.open({ dir, node: 0, budgetBytes: 1e9, now: () => 1e12 });
  for (let id = from; id <= to; id++) writer.append(inference(id));
  await writer.close();
}

/** Reads to the end, again after every failure. */
async function readThroughTrouble(dir: string, fails: readonly boolean[], records: number) {
  const faults: JournalFault[] = [];
  const reader = await JournalReader.open({ dir, onFault: (fault) => faults.push(fault) });
  const seen: number[] = [];
  disk.fails = [...fails];
  for (;;) {
    try {
      const entries = await reader.read({ records, bytes: 1e9 });
      seen.push(...logIds(entries));
      if (entries.length === 0) break;
    } catch {
      // The shipper waits a moment and asks again.
    }
  }
  disk.fails = [];
  await reader.close();
  return { seen, faults };
}

it('[R1] whatever the folder refuses, and whenever, every record is read once and every fault told once', () =>
  withFolder(async (dir) => {
    await writeSegment(dir, 1, 5);
    await writeSegment(dir, 6, 10);
    await writeSegment(dir, 11, 15);
    const { open, rm } = await vi.importActual<typeof import('node:fs/promises')>('node:fs/promises');
    const damaged = await open(segmentPath(dir, 2), 'r+');
    const { size } = await damaged.stat();
    await damaged.write(Buffer.alloc(400, 0xff), 0, 400, size - 1_600);
    await damaged.close();
    await writeSegment(dir, 16, 16);
    await writeSegment(dir, 17, 20);
    await rm(segmentPath(dir, 4));
    const calm = await readThroughTrouble(dir, [], 1_000);
    expect(calm.faults.map(({ reason }) => reason)).toEqual(['corrupt', 'missing']);
    expect(calm.seen).toEqual([1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20]);
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.nat(40), { maxLength: 6 }),
        fc.integer({ min: 1, max: 12 }),
        async (failing, records) => {
          const fails = Array.from({ length: 41 }, (_, operation) => failing.includes(operation));
          expect(await readThroughTrouble(dir, fails, records)).toEqual(calm);
        },
      ),
      { numRuns: 200 },
    );
  }));
