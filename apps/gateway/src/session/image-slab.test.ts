import type { WireImage } from '@sinew/protocol';
import { expect, test } from 'vitest';
import { ImageSlab } from './image-slab.js';
import { SlabPool } from './slab-pool.js';

const encoded = (...bytes: number[]): WireImage => ({ kind: 'encoded', data: Uint8Array.from(bytes) });
const bytesOf = (image: WireImage | undefined): number[] => [...(image?.data ?? [])];

test('stored images do not depend on the buffer that they came in', () => {
  const frame = Uint8Array.of(1, 2, 3, 4, 5, 6);
  const kept = new ImageSlab(new SlabPool()).store({
    left: { kind: 'encoded', data: frame.subarray(0, 3) },
    right: { kind: 'rgb8', data: frame.subarray(3), width: 1, height: 1 },
  });
  frame.fill(0);
  expect(bytesOf(kept.left)).toEqual([1, 2, 3]);
  expect(kept.right).toEqual({ kind: 'rgb8', data: Uint8Array.of(4, 5, 6), width: 1, height: 1 });
});

test('images that were handed over are never written over', () => {
  const slab = new ImageSlab(new SlabPool());
  const taken = slab.store({ main: encoded(1, 2, 3) });
  slab.handOver();
  slab.store({ main: encoded(7, 8, 9) });
  expect(bytesOf(taken.main)).toEqual([1, 2, 3]);
});

test('waiting images share one buffer, and a small frame after a large one gives the large one back', () => {
  const slab = new ImageSlab(new SlabPool());
  const of = (bytes: number): WireImage => ({ kind: 'encoded', data: new Uint8Array(bytes) });
  const large = slab.store({ main: of(100_000) });
  const next = slab.store({ main: of(90_000) });
  expect(next.main?.data.buffer).toBe(large.main?.data.buffer);
  const small = slab.store({ main: of(1_000) });
  expect(small.main?.data.buffer.byteLength).toBeLessThan(10_000);
});

test('a buffer that came back from the policy holds the next images, of any session', () => {
  const pool = new SlabPool();
  const [one, other] = [new ImageSlab(pool), new ImageSlab(pool)];
  const taken = one.store({ main: encoded(1, 2, 3) });
  const bytes = one.handOver();
  if (bytes === null) throw new Error('nothing was stored');
  expect(other.store({ main: encoded(4) }).main?.data.buffer).not.toBe(taken.main?.data.buffer);
  pool.give(bytes);
  expect(one.store({ main: encoded(5) }).main?.data.buffer).toBe(taken.main?.data.buffer);
});

test('the next images of the same form take the place of those before, any other form is stored anew', () => {
  const slab = new ImageSlab(new SlabPool());
  const raw = (fill: number, width: number, height: number): WireImage => ({
    kind: 'rgb8',
    data: new Uint8Array(3 * width * height).fill(fill),
    width,
    height,
  });
  const first = slab.store({ main: raw(1, 2, 4) });
  const second = slab.store({ main: raw(2, 2, 4) });
  expect(second).toBe(first);
  expect(second.main).toEqual(raw(2, 2, 4));
  // As many bytes, another shape; one camera more; one less; encoded.
  expect(slab.store({ main: raw(3, 4, 2) }).main).toEqual(raw(3, 4, 2));
  expect(slab.store({ main: raw(4, 4, 2), left: encoded(9) })).toEqual({ main: raw(4, 4, 2), left: encoded(9) });
  expect(slab.store({ main: raw(5, 4, 2) })).toEqual({ main: raw(5, 4, 2) });
  expect(slab.store({ main: encoded(...new Array(24).fill(6)) }).main?.kind).toBe('encoded');
});
