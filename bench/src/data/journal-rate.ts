import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { JournalWriter, threadedIo } from '@sinew/journal';
import { BenchError } from '../command.js';
import { InferenceRecords } from './inference-records.js';

export interface JournalRate {
  /** ms between group syncs; null: none while it is measured. */
  readonly fsync_ms: number | null;
  readonly records: number;
  readonly bytes_a_record: number;
  /** Records a second until the operating system has the last of them, and until the disk has. */
  readonly written_per_s: number;
  readonly synced_per_s: number;
}

/** About what a turn of a loaded gateway's event loop appends. */
const A_TURN = 64;
/** Appended and not written: more than that the gateway would not leave unwritten either. */
const AHEAD = 4_096;
const NEVER_MS = 2 ** 30;

/** Appends as the gateway does, on its thread: some records a turn, never waiting for those before, unless the disk falls behind. */
export async function journalRate(records: number, fsyncMs: number | null): Promise<JournalRate> {
  const dir = await mkdtemp(join(tmpdir(), 'sinew-bench-'));
  const journal = await JournalWriter.open({
    dir,
    node: 0,
    budgetBytes: 16 * 1_024 ** 3,
    fsyncMs: fsyncMs ?? NEVER_MS,
    io: threadedIo(),
    now: () => Date.now(),
  });
  try {
    const source = new InferenceRecords('01900000-0000-7000-8000-000000000001', '01900000-0000-7000-8000-0000000000a1');
    // Made before: only appending is measured. Their ids and times are given when they are appended.
    const made = Array.from({ length: A_TURN }, () => source.next(0, 0));
    let written = 0;
    const onWritten = () => {
      written++;
    };
    const run = async (count: number): Promise<void> => {
      written = 0;
      for (let n = 0; n < count; ) {
        const nowMs = Date.now();
        for (const record of made.slice(0, count - n)) {
          journal.append({ ...record, log_id: journal.nextLogId(), t_ms: nowMs }, onWritten);
        }
        n += Math.min(A_TURN, count - n);
        do {
          await turn();
          journal.poll(performance.now());
        } while (n - written > AHEAD || (n >= count && written < count));
      }
    };
    await run(Math.ceil(records / 10));
    const bytesBefore = await sizeOf(dir);
    const beganMs = performance.now();
    await run(records);
    const writtenMs = performance.now() - beganMs;
    await journal.sync();
    const syncedMs = performance.now() - beganMs;
    if (journal.refused > 0) throw new BenchError(`the journal refused ${journal.refused} records`);
    const bytes = (await sizeOf(dir)) - bytesBefore;
    return {
      fsync_ms: fsyncMs,
      records,
      bytes_a_record: Math.round(bytes / records),
      written_per_s: Math.round((records * 1_000) / writtenMs),
      synced_per_s: Math.round((records * 1_000) / syncedMs),
    };
  } finally {
    await journal.close();
    await rm(dir, { recursive: true, force: true });
  }
}

async function sizeOf(dir: string): Promise<number> {
  const { readdir, stat } = await import('node:fs/promises');
  const sizes = await Promise.all((await readdir(dir)).map(async (name) => (await stat(join(dir, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
