// Deletes what is shipped. Embedded, segments stay some days: they are what `migrate --rebuild` has of inferences.
import { stat, unlink } from 'node:fs/promises';
import type { Position } from './reader.js';
import { listSegments, segmentPath } from './segment.js';

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
    if (keep !== null) {
      const old = nowMs - mtimeMs > keep.days * 86_400_000;
      const tight = total > TRIM_SHARE * keep.budgetBytes;
      if (!old && !tight) break;
      if (!old) early++;
    }
    await unlink(segmentPath(dir, segment));
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
