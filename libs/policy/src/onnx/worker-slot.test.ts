import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PolicyBackend, PolicyInput } from '../backend/policy-backend.js';
import type { Normalization } from '../bundle/normalization.js';
import { nullBundle } from '../bundle/null-bundle.js';
import { inputFor } from '../testing/inputs.js';
import { DEMAND, ENDED_CHANNEL, HANGING_LOAD } from '../testing/misbehaving-worker.js';
import { createOnnxBackend } from './onnx-backend.js';

const worker = new URL('../../dist/testing/misbehaving-worker.js', import.meta.url);
/** For batches that hang; the others may take as long as a busy machine needs. */
const DEADLINE_MS = 200;
const PATIENCE_MS = 20_000;

describe('a worker that breaks', () => {
  const bundle = nullBundle();
  let backend: PolicyBackend;
  let changed: () => void = () => {};
  const input = (demand: number, value = 0): PolicyInput =>
    inputFor(bundle.manifest, { state: Float64Array.of(demand, value, 0, 0, 0, 0, 0) });
  const run = (...inputs: PolicyInput[]) => backend.run(0, inputs, PATIENCE_MS);
  const hang = (demand: number) => backend.run(0, [input(demand)], DEADLINE_MS);
  const untilAvailable = async () => {
    while (!backend.available(0)) await new Promise<void>((resolve) => (changed = resolve));
  };

  beforeAll(async () => {
    backend = createOnnxBackend({ bundle, threads: 1, maxBatch: 4, worker, leastReloadMs: DEADLINE_MS });
    backend.onAvailability(() => changed());
    await backend.start();
  });
  afterAll(() => backend.close());

  test('[Q5] one that ends loses its batch and is replaced', async () => {
    const before = backend.stats().crashed;
    await expect(run(input(DEMAND.answer), input(DEMAND.exit))).rejects.toMatchObject({ how: 'crashed', begun: true });
    expect(backend.available(0)).toBe(false);
    await untilAvailable();
    expect(backend.stats().crashed).toBe(before + 1);
    const { outputs } = await run(input(DEMAND.answer, 3));
    expect(outputs[0]).toMatchObject({ ok: true });
  });

  test('[Q5] one that hangs loses its batch at the deadline and is replaced', async () => {
    await expect(hang(DEMAND.spin)).rejects.toMatchObject({ how: 'hung', begun: true });
    await untilAvailable();
    const { outputs } = await run(input(DEMAND.answer));
    expect(outputs[0]?.ok).toBe(true);
  });

  test('[Q5] a batch behind the one that broke it is marked as not begun', async () => {
    const first = hang(DEMAND.spin);
    const second = run(input(DEMAND.answer));
    await expect(first).rejects.toMatchObject({ begun: true });
    await expect(second).rejects.toMatchObject({ begun: false });
    await untilAvailable();
  });

  test('[P7] one that hangs inside the graph is replaced at once and ends by itself later', async () => {
    const channel = new BroadcastChannel(ENDED_CHANNEL);
    const ended = new Promise((resolve) => channel.addEventListener('message', resolve));
    await expect(hang(DEMAND.stick)).rejects.toMatchObject({ how: 'hung' });
    await untilAvailable();
    // The successor works while the old thread is still inside.
    const { outputs } = await run(input(DEMAND.answer));
    expect(outputs[0]?.ok).toBe(true);
    await ended;
    channel.close();
  });

  test('[Q5] one that hangs while it loads is replaced too', async () => {
    process.env[HANGING_LOAD] = '1';
    await expect(run(input(DEMAND.exit))).rejects.toMatchObject({ how: 'crashed' });
    const tried = backend.stats().crashed;
    // The change that says that the hanging one was given up, not the one that says that its predecessor was lost.
    await new Promise<void>((resolve) => (changed = resolve));
    expect(backend.available(0)).toBe(false);
    delete process.env[HANGING_LOAD];
    await untilAvailable();
    expect((await run(input(DEMAND.answer))).outputs[0]?.ok).toBe(true);
    expect(backend.stats().crashed).toBe(tried);
  });

  test('[Q5] when the graph refuses a batch, each input runs alone and only the culprit fails', async () => {
    const { outputs } = await run(input(DEMAND.answer, 1), input(DEMAND.refuse), input(DEMAND.answer, 2));
    expect(outputs.map((output) => (output.ok ? output.actions[0] : output.code))).toEqual([1, 'model_error', 2]);
  });

  test('[Q5] an action that is not finite fails its own input', async () => {
    const { outputs } = await run(input(DEMAND.notFinite), input(DEMAND.answer, 2));
    expect(outputs.map((output) => (output.ok ? output.actions[0] : output.code))).toEqual(['model_error', 2]);
    expect(outputs[0]).toMatchObject({ rule: 'action.not_finite' });
  });
});

test('[P4] an action beyond ±1.1 fails its own input where the bundle declares its output normalised, and nowhere else', async () => {
  const plain = nullBundle();
  const seven = <T>(value: T): T[] => Array.from({ length: 7 }, () => value);
  const outputsOf = async (action: Normalization) => {
    const bundle = {
      ...plain,
      manifest: { ...plain.manifest, normalization: { ...plain.manifest.normalization, action } },
    };
    const backend = createOnnxBackend({ bundle, threads: 1, maxBatch: 4, worker, leastReloadMs: DEADLINE_MS });
    await backend.start();
    const input = (value: number): PolicyInput =>
      inputFor(bundle.manifest, { state: Float64Array.of(DEMAND.answer, value, 0, 0, 0, 0, 0) });
    const { outputs } = await backend.run(0, [input(1), input(1.2), input(-1)], PATIENCE_MS);
    await backend.close();
    return outputs.map((output) => (output.ok ? output.actions[0] : output.rule));
  };
  const quantiles = { kind: 'q01_q99', q01: seven(-0.5), q99: seven(0.5) } as const;
  expect(await outputsOf(quantiles)).toEqual([0.5, 'action.not_normalised', -0.5]);
  expect((await outputsOf({ ...quantiles, mask: seven(false) }))[1]).toBeCloseTo(1.2);
  expect((await outputsOf({ kind: 'mean_std', mean: seven(0), std: seven(1) }))[1]).toBeCloseTo(1.2);
  expect((await outputsOf('graph'))[1]).toBeCloseTo(1.2);
});
