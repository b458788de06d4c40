import { readdirSync, readFileSync } from 'node:fs';
import { getPriority, platform } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PolicyBackend, PolicyInput, PolicyOutput } from '../backend/policy-backend.js';
import type { Bundle } from '../bundle/bundle.js';
import { BUILT_IN_BUNDLES, loadBundle } from '../bundle/load-bundle.js';
import type { Manifest } from '../bundle/manifest.js';
import { backendContract } from '../testing/backend-contract.js';
import { inputFor } from '../testing/inputs.js';
import { createOnnxBackend } from './onnx-backend.js';

// Threads run the built files.
const worker = new URL('../../dist/onnx/worker.js', import.meta.url);
const TABLETOP = join(BUILT_IN_BUNDLES, 'tabletop-v1');
const TABLETOP_RTC = join(BUILT_IN_BUNDLES, 'tabletop-rtc-v1');

const decodes = true;
backendContract(
  'onnx',
  async () => {
    const bundle = await loadBundle(TABLETOP);
    return { bundle, backend: createOnnxBackend({ bundle, threads: 1, maxBatch: 4, worker }) };
  },
  { decodes },
);

backendContract('onnx with a prefix', async () => {
  const bundle = await loadBundle(TABLETOP_RTC);
  return { bundle, backend: createOnnxBackend({ bundle, threads: 1, maxBatch: 4, worker }) };
});

describe('a policy that continues a prefix', () => {
  let bundle: Bundle;
  let backend: PolicyBackend;
  const H = 8;
  const D = 7;
  /** The first `given` of eight steps to the right. */
  const prefix = (given: number) => ({
    actions: Float32Array.from({ length: H * D }, (_, i) =>
      i % D === 0 && i < given * D ? 0.02 : i % D === 6 ? 1 : 0,
    ),
    weights: Float32Array.from({ length: H }, (_, i) => (i < given ? 1 : 0)),
  });
  const chunks = async (...prefixes: (PolicyInput['prefix'] | undefined)[]) => {
    const inputs = prefixes.map((prefix) => inputFor(bundle.manifest, prefix === undefined ? {} : { prefix }));
    const { outputs } = await backend.run(0, inputs, 20_000);
    return outputs.map((output) => (output.ok ? [...output.actions] : output));
  };

  beforeAll(async () => {
    bundle = await loadBundle(TABLETOP_RTC);
    backend = createOnnxBackend({ bundle, threads: 1, maxBatch: 4, worker });
    await backend.start();
  });
  afterAll(() => backend.close());

  test('[P10] what is given comes back to the bit, and what follows depends on it', async () => {
    const [without, three] = (await chunks(undefined, prefix(3))) as number[][];
    expect(three!.slice(0, 3 * D)).toEqual([...prefix(3).actions.subarray(0, 3 * D)]);
    expect(three!.slice(3 * D)).not.toEqual(without!.slice(3 * D));
  });

  test('[P10] no prefix is the same as weights of zero, whoever used the batch before', async () => {
    const zero = { actions: new Float32Array(H * D).fill(0.01), weights: new Float32Array(H) };
    const [first, other] = await chunks(undefined, undefined);
    await chunks(prefix(4), prefix(2));
    expect(await chunks(undefined, zero)).toEqual([first, other]);
  });

  test('[P10] a prefix of another length, or not finite, fails its own input', async () => {
    const short = { ...prefix(2), weights: new Float32Array(3) };
    const absurd = { ...prefix(2), actions: new Float32Array(H * D).fill(Number.NaN) };
    const [good, bad, worse] = await chunks(prefix(2), short, absurd);
    expect(good).toHaveLength(H * D);
    for (const output of [bad, worse]) expect(output).toMatchObject({ code: 'validation_failed', field: 'prefix' });
  });

  test('[P10] a policy that takes none does not look at one', async () => {
    const plain = await loadBundle(TABLETOP);
    const other = createOnnxBackend({ bundle: plain, threads: 1, maxBatch: 4, worker });
    await other.start();
    const [a, b] = (
      await other.run(0, [inputFor(plain.manifest), inputFor(plain.manifest, { prefix: prefix(3) })], 20_000)
    ).outputs;
    await other.close();
    expect(a?.ok).toBe(true);
    expect(b).toEqual(a);
  });
});

describe('onnx backend', () => {
  let bundle: Bundle;
  let backend: PolicyBackend;
  let scene: Buffer;
  const run = async (...inputs: PolicyInput[]) => (await backend.run(0, inputs, 20_000)).outputs;
  const actions = (output: PolicyOutput | undefined) => {
    if (!output?.ok) throw new Error(output?.reason ?? 'no output');
    return [...output.actions];
  };
  const image = (data: Uint8Array): PolicyInput =>
    inputFor(bundle.manifest, { images: { main: { kind: 'encoded', data } } });
  const frame = (data: Uint8Array): PolicyInput =>
    inputFor(bundle.manifest, { images: { main: { kind: 'rgb8', width: 96, height: 96, data } } });
  const encode = () => sharp(scene, { raw: { width: 96, height: 96, channels: 3 } });

  beforeAll(async () => {
    bundle = await loadBundle(TABLETOP);
    backend = createOnnxBackend({ bundle, threads: 1, maxBatch: 8, worker });
    await backend.start();
    scene = Buffer.from(Uint8Array.from({ length: 96 * 96 * 3 }, (_, i) => 90 + ((i * 7919) % 61) + (i % 288) / 4));
  });
  afterAll(() => backend.close());

  test('an input gives the same chunk alone and in any batch', async () => {
    const inputs = Array.from({ length: 8 }, (_, i) => frame(scene.map((byte) => byte ^ (i * 8))));
    const together = (await run(...inputs)).map(actions);
    for (const [i, input] of inputs.entries()) {
      const [alone] = await run(input);
      actions(alone).forEach((value, k) => {
        expect(value).toBeCloseTo(together[i]?.[k] ?? Number.NaN, 4);
      });
    }
    expect(together[0]).not.toEqual(together[5]);
  });

  test('the instruction and the state reach the graph', async () => {
    const base = frame(scene);
    const [plain, told, moved] = await run(
      base,
      { ...base, instruction: 'put the blue block in the green bowl' },
      { ...base, state: Float64Array.of(0.1, 0.1, 0.1, 0, 0, 0.5, 1) },
    );
    expect(actions(told)).not.toEqual(actions(plain));
    expect(actions(moved)).not.toEqual(actions(plain));
  });

  test('PNG, lossless WebP and rgb8 of the same pixels give the same chunk', async () => {
    const [png, webp] = [await encode().png().toBuffer(), await encode().webp({ lossless: true }).toBuffer()];
    const [a, b, c] = await run(frame(scene), image(png), image(webp));
    expect(actions(b)).toEqual(actions(a));
    expect(actions(c)).toEqual(actions(a));
  });

  test('a JPEG gives the chunk of the pixels that the library decodes from it, small or to be resized', async () => {
    const small = await encode().jpeg({ quality: 90 }).toBuffer();
    const large = await encode().resize(192, 192).jpeg({ quality: 95 }).toBuffer();
    const pixels = await sharp(small).raw().toBuffer();
    const shrunk = await sharp(large).resize({ width: 96, height: 96, fit: 'fill', kernel: 'linear' }).raw().toBuffer();
    const [a, b, c, d] = await run(image(small), frame(pixels), image(large), frame(shrunk));
    expect(actions(a)).toEqual(actions(b));
    expect(actions(c)).toEqual(actions(d));
  });

  test('[P5] a truncated or undecodable image fails its own input, field images.<camera>', async () => {
    const jpeg = await encode().jpeg().toBuffer();
    const png = await encode().png().toBuffer();
    const good = frame(scene);
    const bad = [
      image(jpeg.subarray(0, jpeg.length / 2)),
      image(png.subarray(0, png.length / 2)),
      image(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="96" height="96"/>'.padEnd(2000))),
      image(await encode().toColourspace('b-w').jpeg().toBuffer()),
    ];
    const outputs = await run(good, ...bad, good);
    for (const output of outputs.slice(1, 5)) {
      expect(output).toMatchObject({
        ok: false,
        code: 'validation_failed',
        field: 'images.main',
        rule: 'image.undecodable',
      });
    }
    const [alone] = await run(good);
    actions(alone).forEach((value, k) => {
      expect(actions(outputs[0])[k]).toBeCloseTo(value, 4);
      expect(actions(outputs[5])[k]).toBeCloseTo(value, 4);
    });
  });

  test('[P6] a provider that this machine lacks is replaced by the CPU, with a warning', async () => {
    const other = createOnnxBackend({ bundle, threads: 1, maxBatch: 1, provider: 'nonesuch', worker });
    await other.start();
    expect(other.stats().provider).toBe('cpu');
    expect(other.stats().warnings[0]).toContain('nonesuch');
    await other.close();
  });

  test.runIf(platform() === 'linux')('its threads come after the thread that serves robots', async () => {
    const before = yieldingThreads();
    const other = createOnnxBackend({ bundle, threads: 2, maxBatch: 1, worker });
    try {
      await other.start();
      expect(yieldingThreads() - before).toBe(2);
    } finally {
      await other.close();
    }
  });

  test.each<[string, (manifest: Manifest) => Manifest]>([
    [
      'inputs.cameras.0.width',
      (m) => ({ ...m, inputs: { ...m.inputs, cameras: m.inputs.cameras.map((c) => ({ ...c, width: 64 })) } }),
    ],
    ['output.tensor', (m) => ({ ...m, output: { tensor: 'chunk' } })],
  ])('[P3] a graph that differs in %s is refused at start, by that name', async (field, change) => {
    const wrong = { ...bundle, manifest: change(bundle.manifest) };
    const other = createOnnxBackend({ bundle: wrong, threads: 1, worker });
    await expect(other.start()).rejects.toMatchObject({ name: 'BundleError', field });
    expect(other.stats().state).toBe('closed');
  });

  test('[P3] a file that is no graph is refused at start', async () => {
    const other = createOnnxBackend({
      bundle: { ...bundle, graphPath: join(TABLETOP, 'vocab.json') },
      threads: 1,
      worker,
    });
    await expect(other.start()).rejects.toMatchObject({ name: 'BundleError', field: 'graph' });
  });

  test('[P7] closing while the graph runs waits for it', async () => {
    const busy = createOnnxBackend({ bundle, threads: 1, maxBatch: 8, worker });
    await busy.start();
    const running = busy.run(
      0,
      Array.from({ length: 8 }, () => frame(scene)),
      20_000,
    );
    const lost = expect(running).rejects.toMatchObject({ name: 'BatchLostError', how: 'closed' });
    await busy.close();
    await lost;
  });
});

/** Threads of this process with less than this one's priority. */
function yieldingThreads(): number {
  const own = getPriority(0);
  return readdirSync('/proc/self/task').filter((id) => {
    const stat = readFileSync(`/proc/self/task/${id}/stat`, 'utf8');
    // after the name: state is the third field of the line, niceness the nineteenth
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]) > own;
  }).length;
}
