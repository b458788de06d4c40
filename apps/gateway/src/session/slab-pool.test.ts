import { expect, test } from 'vitest';
import { SlabPool } from './slab-pool.js';

test('a buffer that was given back is used again for what fits, and for nothing else', () => {
  const pool = new SlabPool();
  const slab = pool.take(20_000);
  pool.give(slab);
  expect(pool.take(30_000)).not.toBe(slab);
  expect(pool.take(19_900)).toBe(slab);
  expect(pool.take(19_900)).not.toBe(slab);
});

test.each([0, 1, 4_096, 4_097, 20_000, 65_536, 65_537, 3_000_001])(
  'for %i bytes it is long enough, and little longer',
  (bytes) => {
    const { length } = new SlabPool().take(bytes);
    expect(length).toBeGreaterThanOrEqual(bytes);
    expect(length).toBeLessThanOrEqual(Math.max(4_096, 1.25 * bytes));
  },
);

test('it keeps a bounded number of bytes', () => {
  const pool = new SlabPool();
  const slabs = Array.from({ length: 10 }, () => pool.take(4_000_000));
  for (const slab of slabs) pool.give(slab);
  const again = new Set(Array.from({ length: 10 }, () => pool.take(4_000_000)));
  expect(slabs.filter((slab) => again.has(slab)).length).toBe(4);
});
