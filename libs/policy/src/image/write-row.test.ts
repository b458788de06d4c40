import { expect, test } from 'vitest';
import { CameraSpec } from '../bundle/manifest.js';
import { isRowBytes, writeRow } from './write-row.js';

const pixels = Uint8Array.from({ length: 8 * 8 * 3 }, (_, i) => i);
const camera = (over: object) => CameraSpec.parse({ name: 'c', tensor: 't', width: 8, height: 8, ...over });

test('nhwc uint8 is the bytes, in the row’s place', () => {
  const tensor = new Uint8Array(3 * 192);
  writeRow(pixels, camera({}), tensor, 1);
  expect(tensor.subarray(192, 384)).toEqual(pixels);
  expect(tensor.subarray(0, 192).every((v) => v === 0) && tensor.subarray(384).every((v) => v === 0)).toBe(true);
});

test('nchw holds one channel after the other', () => {
  const tensor = new Uint8Array(2 * 192);
  writeRow(pixels, camera({ layout: 'nchw' }), tensor, 1);
  expect([tensor[192], tensor[193], tensor[192 + 64], tensor[192 + 128], tensor[192 + 63]]).toEqual([0, 3, 1, 2, 189]);
});

test('float32 is (pixel/255 − mean)/std per channel', () => {
  const spec = { dtype: 'float32', mean: [0.5, 0, 0.25], std: [0.5, 1, 2] };
  for (const layout of ['nhwc', 'nchw'] as const) {
    const tensor = new Float32Array(192);
    writeRow(pixels, camera({ ...spec, layout }), tensor, 0);
    for (const [pixel, channel] of [
      [0, 0],
      [10, 1],
      [63, 2],
    ] as const) {
      const value = ((pixel * 3 + channel) / 255 - (spec.mean[channel] ?? 0)) / (spec.std[channel] ?? 1);
      expect(tensor[layout === 'nhwc' ? pixel * 3 + channel : channel * 64 + pixel]).toBeCloseTo(value, 5);
    }
  }
});

test('only an nhwc uint8 frame of the camera’s size is a row as it stands', () => {
  expect(isRowBytes(camera({}), 8, 8)).toBe(true);
  expect(isRowBytes(camera({}), 8, 9)).toBe(false);
  expect(isRowBytes(camera({ layout: 'nchw' }), 8, 8)).toBe(false);
  expect(isRowBytes(camera({ dtype: 'float32' }), 8, 8)).toBe(false);
});
