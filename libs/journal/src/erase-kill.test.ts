import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { eraseRecords } from './erase.js';
import { foundIn, inferenceOf, OTHER, T_MS } from './erase-fixtures.js';
import { CUSTOMER, logIds, readAll, withFolder } from './fixtures.js';
import { JournalWriter } from './writer.js';

const MODULE = fileURLToPath(new URL('../dist/erase.js', import.meta.url));
const ERASURE = { customer_id: CUSTOMER, log_id: null, before_ms: T_MS };
const COUNT = 8_000;

const open = (dir: string): Promise<JournalWriter> =>
  JournalWriter.open({ dir, node: 0, budgetBytes: 1 << 30, segmentBytes: 1_500_000, fsyncMs: 50, now: () => T_MS });

/** A process that erases, killed while its n-th batch is being written over; false where it was done before. */
async function killedAt(dir: string, batch: number): Promise<boolean> {
  const script = `
    const { writeSync } = await import('node:fs');
    const { eraseRecords } = await import(${JSON.stringify(MODULE)});
    const beforeWrite = () => writeSync(1, 'w');
    await eraseRecords({ dir: ${JSON.stringify(dir)}, erasures: [${JSON.stringify(ERASURE)}], beforeWrite });
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let batches = 0;
  child.stdout.on('data', (text: Buffer) => {
    batches += text.length;
    if (batches >= batch) child.kill('SIGKILL');
  });
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
  return signal === 'SIGKILL';
}

it(
  '[E2] kill -9 while records are written over: the others are read throughout, and the rest is erased afterwards',
  () =>
    withFolder(async (dir) => {
      const writer = await open(dir);
      for (let id = 1; id <= COUNT; id++) {
        writer.append(inferenceOf(id % 2 === 0 ? OTHER : CUSTOMER, T_MS, id));
        if (id % 500 === 0) await writer.sync();
      }
      await writer.close();
      const others = Array.from({ length: COUNT / 2 }, (_, i) => 2 * i + 2);
      const isOther = (id: number): boolean => id % 2 === 0;
      const left: number[] = [];
      for (const batch of [1, 1, 2]) {
        expect(await killedAt(dir, batch)).toBe(true);
        // A reader beside it, before anybody has repaired anything.
        const read = logIds((await readAll(dir)).entries);
        expect(read.filter(isOther)).toEqual(others);
        left.push(read.length - others.length);
      }
      // It was in the middle: not at the beginning, not at the end.
      expect(left.at(-1)).toBeGreaterThan(0);
      expect(left.at(-1)).toBeLessThan(COUNT / 2);
      // What a gateway that starts again finds: no damage, no robot latched for it.
      const next = await open(dir);
      expect([next.faults, next.latches]).toEqual([[], []]);
      await next.close();
      await eraseRecords({ dir, erasures: [ERASURE] });
      const { entries, faults } = await readAll(dir);
      expect(faults).toEqual([]);
      expect(logIds(entries)).toEqual(others);
      expect(await foundIn(dir, CUSTOMER)).toEqual([]);
    }),
  60_000,
);
