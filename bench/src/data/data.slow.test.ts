import { expect, test } from 'vitest';
import type { BenchResult } from '../result.js';
import type { DataResult, data } from './data-command.js';

test('each part, small, on an embedded database: what is shipped arrives, and what is searched is found', {
  timeout: 180_000,
}, async () => {
  // From what was built: database and journal have processes and threads of their own.
  const built = new URL('../../dist/data/data-command.js', import.meta.url).href;
  const { data: command } = (await import(built)) as { data: typeof data };
  const small = ['--rounds', '2', '--rows', '300', '--records', '2000', '--vectors', '200', '--searches', '50'];
  const { result } = await command.run(small, 'data');
  const { figures, details } = result as BenchResult;
  const { journal, shipping, vectors, embedded } = details as DataResult;
  expect(embedded).toBe(true);
  expect(journal).toHaveLength(2 * 3);
  for (const { bytes_a_record, written_per_s } of journal) {
    expect(written_per_s).toBeGreaterThan(0);
    expect(bytes_a_record).toBeGreaterThan(800);
  }
  expect(shipping?.rounds).toHaveLength(2);
  // The embedded engine takes no COPY.
  expect(shipping?.rounds[0]).toMatchObject({ copied_per_s: null, ratio: null });
  expect(vectors?.searches.at(-1)?.recall).toBe(1);
  expect(figures.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['data.journal.fsync_50.written_per_s', 'data.embedded.ship.rows_per_s']),
  );
});
