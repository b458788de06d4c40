import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createOnnxBackend, loadBundle, type PolicyInput } from '@sinew/policy';
import { expect, test } from 'vitest';
import { onnxModel } from './onnx-model.js';
import { integer, message, nested, text, varint } from './protobuf.js';
import { wideBundle } from './wide-bundle.js';
import { FULL_SIZE, parameters, wideGraph } from './wide-graph.js';

const SMALL = { width: 32, layers: 2 };

test('numbers and messages are written as protocol buffers have them', () => {
  expect([...varint(0), ...varint(127), ...varint(300)]).toEqual([0, 127, 0xac, 0x02]);
  expect([...varint(2 ** 40)]).toEqual([0x80, 0x80, 0x80, 0x80, 0x80, 0x20]);
  // The example of the format's own documentation: field 3, a message whose field 1 is 150.
  expect(Buffer.concat(nested(3, message(integer(1, 150))).pieces)).toEqual(Buffer.of(0x1a, 3, 0x08, 0x96, 0x01));
  expect(Buffer.concat(text(2, 'testing').pieces).toString('latin1')).toBe('\x12\x07testing');
});

test('the graph loads, its outputs follow its inputs, and a batch gives what each input gives alone', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sinew-wide-'));
  const dir = await wideBundle(folder, SMALL);
  expect(await wideBundle(folder, SMALL)).toBe(dir);
  const backend = createOnnxBackend({ bundle: await loadBundle(dir), threads: 1 });
  await backend.start();
  try {
    const input = (shade: number, x: number, instruction: string): PolicyInput => ({
      images: { main: { kind: 'rgb8', data: new Uint8Array(96 * 96 * 3).fill(shade), width: 96, height: 96 } },
      state: Float64Array.of(x, 0, 0.2, 0, 0, 0, 1),
      instruction,
    });
    const inputs = [
      input(10, 0, 'pick up the red cube'),
      input(200, 0, 'pick up the red cube'),
      input(10, 0.3, 'pick up the red cube'),
      input(10, 0, 'move left'),
    ];
    const chunk = async (...batch: PolicyInput[]) =>
      (await backend.run(0, batch, 10_000)).outputs.map((output) => (output.ok ? [...output.actions] : []));
    const together = await chunk(...inputs);
    expect(new Set(together.map(String)).size).toBe(inputs.length);
    for (const [i, one] of inputs.entries()) {
      const [alone = []] = await chunk(one);
      expect(alone).toHaveLength(56);
      for (const [k, value] of alone.entries()) expect(value).toBeCloseTo(together[i]?.[k] ?? Number.NaN, 6);
      expect(Math.max(...alone.filter((_, k) => k % 7 < 6).map(Math.abs))).toBeLessThanOrEqual(0.000_5);
    }
  } finally {
    await backend.close();
    await rm(folder, { recursive: true });
  }
});

test('the same bytes everywhere, and as many weights as do not fit a cache', async () => {
  const bytes = () => Buffer.concat(onnxModel(wideGraph(SMALL, 1), 13).pieces);
  expect(bytes().equals(bytes())).toBe(true);
  expect(bytes().equals(Buffer.concat(onnxModel(wideGraph(SMALL, 2), 13).pieces))).toBe(false);
  expect(parameters(wideGraph({ width: 64, layers: 3 }, 1))).toBe(455 * 64 + 3 * 64 * 64 + 64 * 56);
  const { width, layers } = FULL_SIZE;
  expect(455 * width + layers * width * width + width * 56).toBeGreaterThan(40e6);
});
