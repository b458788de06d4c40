import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { loadShippedPosition } from '@sinew/journal';

const PATIENCE_MS = 1_500;
const LOOK_EVERY_MS = 50;

/**
 * Resolves when the shipper has passed what the journal holds now, or after a while: usage is counted where rows are stored, and what
 * is erased before that is nowhere counted.
 */
export async function untilShipped(
  dir: string,
  { now, wait }: { readonly now: () => number; readonly wait: (ms: number) => Promise<void> },
): Promise<void> {
  const newest = (await readdir(dir))
    .filter((name) => /^\d{10}\.journal$/.test(name))
    .sort()
    .at(-1);
  if (newest === undefined) return;
  const { size } = await stat(join(dir, newest));
  for (const until = now() + PATIENCE_MS; now() < until; await wait(LOOK_EVERY_MS)) {
    const shipped = await loadShippedPosition(dir);
    // No shipper ever came here: it will not come because somebody waits.
    if (shipped === null) return;
    const segment = Number.parseInt(newest, 10);
    if (shipped.segment > segment || (shipped.segment === segment && shipped.offset >= size)) return;
  }
}
