import { expect, test } from 'vitest';
import type { journalRate } from './journal-rate.js';

test('every record is written and of a real one’s size, with each way of syncing', async () => {
  // From what was built: the journal writes on a thread of its own.
  const built = new URL('../../dist/data/journal-rate.js', import.meta.url).href;
  const { journalRate: rate } = (await import(built)) as { journalRate: typeof journalRate };
  for (const mode of [50, null, 0]) {
    const { bytes_a_record, fsync_ms, synced_per_s, written_per_s } = await rate(1_000, mode);
    expect(fsync_ms).toBe(mode);
    expect(synced_per_s).toBeGreaterThan(0);
    expect(written_per_s).toBeGreaterThanOrEqual(synced_per_s);
    expect(bytes_a_record).toBeGreaterThan(800);
    expect(bytes_a_record).toBeLessThan(1_500);
  }
});
