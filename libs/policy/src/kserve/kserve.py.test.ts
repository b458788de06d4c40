import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { PolicyBackend, PolicyInput } from '../backend/policy-backend.js';
import { BUILT_IN_BUNDLES, loadBundle } from '../bundle/load-bundle.js';
import { createOnnxBackend } from '../onnx/onnx-backend.js';
import { createRemoteBackend } from '../remote/remote-backend.js';
import { backendContract } from '../testing/backend-contract.js';
import { PythonServer } from '../testing/python-server.js';
import { kserveBundle } from '../testing/remote-bundle.js';
import { inThread } from '../testing/remotes.js';

// tabletop-v1 on a real Triton Inference Server: the same suite as every backend, and the same numbers as ONNX Runtime here.
// `SINEW_TEST_TRITON_PYTHON`: a Python with nvidia-pytriton (which brings Triton) and onnxruntime; without it one is made.

const run = promisify(execFile);
const TABLETOP = join(BUILT_IN_BUNDLES, 'tabletop-v1');
const SERVER = fileURLToPath(new URL('../../src/testing/python/triton_tabletop.py', import.meta.url));
const worker = new URL('../../dist/onnx/worker.js', import.meta.url);
const DEADLINE_MS = 20_000;

// Triton needs seconds to start, and the machine has other work.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 600_000 });

let dir = '';
let python = '';
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sinew-triton-'));
  python = process.env.SINEW_TEST_TRITON_PYTHON ?? (await makePython(dir));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function makePython(folder: string): Promise<string> {
  await run('python3', ['-m', 'venv', join(folder, 'venv')]);
  const made = join(folder, 'venv', 'bin', 'python');
  const packages = ['nvidia-pytriton==0.7.0', 'onnxruntime', 'numpy<2'];
  await run(made, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages]);
  return made;
}

const startTriton = () => PythonServer.start(python, (port) => [SERVER, join(TABLETOP, 'policy.onnx'), String(port)]);

async function tritonBackend(triton: PythonServer) {
  const folder = await kserveBundle({ connections: 2 }, (manifest) => Object.assign(manifest, { batch: { max: 8 } }));
  const bundle = await loadBundle(folder);
  await rm(folder, { recursive: true });
  return {
    bundle,
    backend: createRemoteBackend({ remote: inThread, bundle, urls: [`http://127.0.0.1:${triton.port}`] }),
  };
}

let contractTriton: PythonServer | null = null;
backendContract(
  'kserve on Triton',
  async () => {
    const triton = await startTriton();
    contractTriton = triton;
    return { ...(await tritonBackend(triton)), outage: { begin: () => triton.kill(), end: () => triton.listen() } };
  },
  { decodes: true },
);
afterAll(() => contractTriton?.kill());

describe('tabletop-v1 on Triton', () => {
  let triton: PythonServer;
  let remote: PolicyBackend;
  let local: PolicyBackend;

  beforeAll(async () => {
    triton = await startTriton();
    remote = (await tritonBackend(triton)).backend;
    local = createOnnxBackend({ bundle: await loadBundle(TABLETOP), threads: 1, maxBatch: 8, worker });
    await Promise.all([remote.start(), local.start()]);
  });
  afterAll(async () => {
    await remote.close();
    await local.close();
    await triton.kill();
  });

  const WORDS = ['pick up the red block', 'put the green block in the bowl', 'move the blue block to the left', ''];
  const input = async (i: number, first = 0.05 * i): Promise<PolicyInput> => {
    const data = Uint8Array.from({ length: 96 * 96 * 3 }, (_, k) => (k * 7 + i * 31 + (k >> 8) * i) & 255);
    const encoded = await sharp(data, { raw: { width: 96, height: 96, channels: 3 } })
      .jpeg()
      .toBuffer();
    const main =
      i % 2 === 0 ? ({ kind: 'rgb8', width: 96, height: 96, data } as const) : { kind: 'encoded', data: encoded };
    return {
      images: { main: main as PolicyInput['images'][string] },
      state: Float64Array.of(first, -0.1 + 0.02 * i, 0.2, 0, 0.1, 0.3, i % 2),
      instruction: WORDS[i % WORDS.length] ?? '',
    };
  };

  test.each([1, 2, 3, 5, 8])('[P13] a batch of %i gives what ONNX Runtime gives here, within 1e-5', async (size) => {
    const inputs = await Promise.all(Array.from({ length: size }, (_, i) => input(i + size)));
    const [there, here] = await Promise.all([remote.run(0, inputs, DEADLINE_MS), local.run(0, inputs, DEADLINE_MS)]);
    for (const [i, output] of here.outputs.entries()) {
      const other = there.outputs[i];
      if (!output.ok || other?.ok !== true) throw new Error(`input ${i} failed`);
      expect(other.actions).toHaveLength(output.actions.length);
      expect(output.actions.some((value) => Math.abs(value) > 1e-3)).toBe(true);
      for (const [k, value] of output.actions.entries())
        expect(Math.abs(value - (other.actions[k] ?? 9))).toBeLessThan(1e-5);
    }
  });

  test('[P13] bytes are what this server takes: no warning', () => {
    expect(remote.stats()).toMatchObject({ state: 'ready', warnings: [] });
  });

  test('[P15] [Q5] an input on which the model raises fails alone, with the exception', async () => {
    const inputs = [await input(0), await input(1, 13), await input(2)];
    const { outputs } = await remote.run(0, inputs, DEADLINE_MS);
    expect(outputs.map(({ ok }) => ok)).toEqual([true, false, true]);
    expect(outputs[1]).toMatchObject({
      code: 'model_error',
      reason: expect.stringMatching(/ValueError: an index is out of bounds$/) as string,
    });
    expect(remote.available(0)).toBe(true);
  });

  test('[P14] it takes a timeout beside the tensors', async () => {
    const fresh = { ...(await input(0)), staleAtMs: performance.now() + 5_000 };
    expect((await remote.run(0, [fresh], DEADLINE_MS)).outputs[0]?.ok).toBe(true);
  });

  test('[P15] one that takes too long loses the batch at the deadline', async () => {
    const lost = await remote.run(0, [await input(0, 14)], 100).catch((error: unknown) => error);
    expect(lost).toMatchObject({ name: 'BatchLostError', how: 'hung' });
  });
});
