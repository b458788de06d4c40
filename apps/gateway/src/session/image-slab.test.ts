import type { WireImage } from '@sinew/protocol';
import { expect, test } from 'vitest';
import { ImageSlab } from './image-slab.js';

const encoded = (...bytes: number[]): WireImage => ({ kind: 'encoded', data: Uint8Array.from(bytes) });
const bytesOf = (image: WireImage | undefined): number[] => [...(image?.data ?? [])];

test('stored images do not depend on the buffer that they came in', () => {
  const frame = Uint8Array.of(1, 2, 3, 4, 5, 6);
  const kept = new ImageSlab().store({
    left: { kind: 'encoded', data: frame.subarray(0, 3) },
    right: { kind: 'rgb8', data: frame.subarray(3), width: 1, height: 1 },
  });
  frame.fill(0);
  expect(bytesOf(kept.left)).toEqual([1, 2, 3]);
  expect(kept.right).toEqual({ kind: 'rgb8', data: Uint8Array.of(4, 5, 6), width: 1, height: 1 });
});

test('images that were handed over are never written over', () => {
  const slab = new ImageSlab();
  const taken = slab.store({ main: encoded(1, 2, 3) });
  slab.handOver();
  slab.store({ main: encoded(7, 8, 9) });
  expect(bytesOf(taken.main)).toEqual([1, 2, 3]);
});

test('waiting images share one buffer, and a small frame after a large one gives the large one back', () => {
  const slab = new ImageSlab();
  const large = slab.store({ main: encoded(...new Array<number>(100).fill(1)) });
  const next = slab.store({ main: encoded(...new Array<number>(90).fill(2)) });
  expect(next.main?.data.buffer).toBe(large.main?.data.buffer);
  const small = slab.store({ main: encoded(3) });
  expect(small.main?.data.buffer.byteLength).toBe(1);
});
