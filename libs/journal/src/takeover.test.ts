import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile, truncate } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { CUSTOMER, estop, inference, logIds, readAll, withFolder } from './fixtures.js';
import { pruneShipped } from './prune.js';
import { segmentPath } from './segment.js';
import { JournalWriter } from './writer.js';

const NOW = Date.UTC(2026, 10, 21);

function openWriter(dir: string, segmentBytes = 1024 * 1024): Promise<JournalWriter> {
  return JournalWriter.open({ dir, node: 0, budgetBytes: 64 * 1024 * 1024, segmentBytes, now: () => NOW });
}

describe('taking over a folder', () => {
  it('[J1][J5] kill -9: everything acknowledged is in the journal, and the next writer goes on', () =>
    withFolder(async (dir) => {
      const script = `
        const { JournalWriter } = await import(${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)});
        const { inference } = await import(${JSON.stringify(new URL('../dist/fixtures.js', import.meta.url).href)});
        const { writeSync } = await import('node:fs');
        const writer = await JournalWriter.open({
          dir: ${JSON.stringify(dir)}, node: 0, budgetBytes: 1e9, segmentBytes: 65536, now: Date.now });
        for (;;) {
          for (let i = 0; i < 20; i++) {
            const id = writer.nextLogId();
            writer.append(inference(id), () => writeSync(1, id + '\\n'));
          }
          await new Promise((resolve) => setImmediate(resolve));
        }`;
      const acknowledged: number[] = [];
      for (const enough of [300, 700]) {
        const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        const gone = once(child, 'exit');
        let count = 0;
        for await (const line of createInterface({ input: child.stdout })) {
          acknowledged.push(Number(line));
          if (++count === enough) child.kill('SIGKILL');
        }
        await gone;
      }
      const { entries } = await readAll(dir);
      const ids = logIds(entries);
      const present = new Set(ids);
      expect(acknowledged.filter((id) => !present.has(id))).toEqual([]);
      expect(acknowledged.length).toBeGreaterThanOrEqual(1_000);
      expect(present.size).toBe(ids.length);
      expect([...ids].sort((a, b) => a - b)).toEqual(ids);
    }));

  it('[J5] reports the torn end of its predecessor and leaves it as it is', () =>
    withFolder(async (dir) => {
      const first = await openWriter(dir);
      first.append(inference(1));
      first.append(inference(2));
      await first.close();
      const path = segmentPath(dir, 1);
      await truncate(path, (await readFile(path)).length - 5);
      const torn = await readFile(path);
      const second = await openWriter(dir);
      expect(second.faults).toMatchObject([{ reason: 'torn', segment: 1, last: false }]);
      second.append(inference(3));
      await second.close();
      expect(await readFile(path)).toEqual(torn);
      expect(logIds((await readAll(dir)).entries)).toEqual([1, 3]);
    }));
});

describe('e-stop latches', () => {
  it('[S11] hold from the append, and again after every restart until they are cleared', () =>
    withFolder(async (dir) => {
      const first = await openWriter(dir);
      first.append(estop('estop', 'arm-1', 5));
      first.append(estop('estop', 'arm-2'));
      first.append(estop('estop_clear', 'arm-2'));
      expect(first.latched(CUSTOMER, 'arm-1')).toBe(true);
      expect(first.latched(CUSTOMER, 'arm-2')).toBe(false);
      await first.close();
      const second = await openWriter(dir);
      expect(second.latches).toEqual([{ customer_id: CUSTOMER, robot_id: 'arm-1', since_ms: 5, by: 'client' }]);
      second.append(estop('estop_clear', 'arm-1'));
      await second.close();
      const third = await openWriter(dir);
      expect(third.latches).toEqual([]);
      await third.close();
    }));

  it('[S11] outlive the segments that set them', () =>
    withFolder(async (dir) => {
      const first = await openWriter(dir, 4_096);
      first.append(estop('estop', 'arm-1'));
      for (let id = 1; id <= 40; id++) {
        first.append(inference(id));
        if (id % 4 === 0) await first.sync();
      }
      await first.close();
      const { entries } = await readAll(dir);
      const shipped = entries.at(-1)?.next ?? { segment: 0, offset: 0 };
      expect(shipped.segment).toBeGreaterThan(2);
      await pruneShipped({ dir, shipped, keep: null, nowMs: NOW });
      expect((await readAll(dir)).entries.some(({ record }) => record.kind === 'event')).toBe(false);
      const second = await openWriter(dir);
      expect(second.latched(CUSTOMER, 'arm-1')).toBe(true);
      await second.close();
    }));

  it('[S11a] damage in the middle latches every robot of that segment', () =>
    withFolder(async (dir) => {
      const first = await openWriter(dir);
      first.append(inference(1, { robot_id: 'arm-1' }));
      first.append(estop('estop', 'arm-2'));
      first.append(inference(2, { robot_id: 'arm-2' }));
      await first.close();
      const { entries } = await readAll(dir);
      const file = await open(segmentPath(dir, 1), 'r+');
      await file.write(Buffer.of(0xff), 0, 1, (entries[1]?.next.offset as number) - 1);
      await file.close();
      const second = await openWriter(dir);
      expect(second.faults).toMatchObject([{ reason: 'corrupt' }]);
      expect(second.latches.map(({ robot_id, by }) => [robot_id, by])).toEqual([
        ['arm-1', 'journal_damaged'],
        ['arm-2', 'journal_damaged'],
      ]);
      await second.close();
    }));
});
