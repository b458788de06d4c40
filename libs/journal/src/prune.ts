// Deletes what is shipped. Embedded, segments stay some days and their account events for good: they are what `migrate --rebuild` has.
import { open, rename, stat, unlink } from 'node:fs/promises';
import { encodeMap } from './codec.js';
import { FRAME_HEADER_BYTES, sealFrame } from './frame.js';
import { type Position, SegmentWalk } from './reader.js';
import type { JournalRecord } from './records.js';
import { encodeHeader, listSegments, loadHeader, type SegmentHeader, saltOf, segmentPath } from './segment.js';

/** Shipped segments go before the folder's budget is in danger, whatever their age: the writer warns at 80 %. */
const TRIM_SHARE = 0.7;

export interface PruneOptions {
  readonly dir: string;
  /** Only segments before this one's are touched. */
  readonly shipped: Position;
  /** Null: a real database has everything for good, so shipped segments are of no more use. */
  readonly keep: { readonly days: number; readonly budgetBytes: number } | null;
  readonly nowMs: number;
}

export interface Pruned {
  readonly segments: readonly number[];
  readonly bytes: number;
  /** Deleted younger than they should have been, because the folder neared its budget. */
  readonly early: number;
}

/** For the holder of the reader's lock. The newest segment always stays: its header holds latches and ids. */
export async function pruneShipped(options: PruneOptions): Promise<Pruned> {
  const { dir, shipped, keep, nowMs } = options;
  const all = await Promise.all(
    (await listSegments(dir)).map(async (segment) => ({ segment, ...(await sizeAndAge(dir, segment)) })),
  );
  let total = all.reduce((sum, { size }) => sum + size, 0);
  const pruned: number[] = [];
  let bytes = 0;
  let early = 0;
  for (const { segment, size, mtimeMs } of all.slice(0, -1)) {
    if (segment >= shipped.segment) break;
    if (keep === null) {
      await unlink(segmentPath(dir, segment));
    } else {
      const old = nowMs - mtimeMs > keep.days * 86_400_000;
      const tight = total > TRIM_SHARE * keep.budgetBytes;
      if (!old && !tight) break;
      const header = await loadHeader(dir, segment);
      if (header?.accounts_only === true) continue;
      if (!old) early++;
      await reduceToAccounts(dir, segment, header, mtimeMs);
    }
    pruned.push(segment);
    bytes += size;
    total -= size;
  }
  return { segments: pruned, bytes, early };
}

async function sizeAndAge(dir: string, segment: number): Promise<{ size: number; mtimeMs: number }> {
  const { size, mtimeMs } = await stat(segmentPath(dir, segment));
  return { size, mtimeMs };
}

/** Re-writes the segment with nothing but its account events; without any, it is deleted. */
async function reduceToAccounts(
  dir: string,
  segment: number,
  header: SegmentHeader | null,
  mtimeMs: number,
): Promise<void> {
  const path = segmentPath(dir, segment);
  const events = header === null ? [] : await accountEvents(dir, segment);
  if (header === null || events.length === 0) return unlink(path);
  const salt = saltOf(header.journal_id, segment);
  const head = encodeHeader({ ...header, accounts_only: true });
  const handle = await open(`${path}.reduced`, 'w', 0o600);
  try {
    await handle.writeFile(Buffer.concat([head, ...events.map((event) => frameOf(event, salt))]));
    // Its age stays: the next pass stops at the first segment that is too young.
    await handle.utimes(mtimeMs / 1000, mtimeMs / 1000);
    await handle.datasync();
  } finally {
    await handle.close();
  }
  await rename(`${path}.reduced`, path);
}

async function accountEvents(dir: string, segment: number): Promise<JournalRecord[]> {
  const events: JournalRecord[] = [];
  const walk = new SegmentWalk({ dir, from: { segment, offset: 0 } });
  try {
    for (let entries = await walk.read(); entries.length > 0; entries = await walk.read()) {
      for (const { record, next } of entries) {
        if (next.segment > segment) return events;
        if (isAccountEvent(record)) events.push(record);
      }
    }
  } finally {
    await walk.close();
  }
  return events;
}

export function isAccountEvent(record: JournalRecord): boolean {
  return (
    record.kind === 'event' && (record.event === 'customer' || record.event === 'key' || record.event === 'consent')
  );
}

function frameOf(record: JournalRecord, salt: number): Buffer {
  const payload = encodeMap(record);
  const frame = Buffer.alloc(FRAME_HEADER_BYTES + payload.length);
  payload.copy(frame, FRAME_HEADER_BYTES);
  sealFrame(frame, 0, payload.length, salt);
  return frame;
}
