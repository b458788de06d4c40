import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PolicyBackend, PolicyInput } from '../backend/policy-backend.js';
import type { Bundle } from '../bundle/bundle.js';
import { inputFor, rgbImage } from './inputs.js';

const DEADLINE_MS = 20_000;

/** What every backend does, whatever computes behind it. `make` gives a backend that has not been started. */
export function backendContract(name: string, make: () => Promise<{ bundle: Bundle; backend: PolicyBackend }>): void {
  describe(`backend contract: ${name}`, () => {
    let bundle: Bundle;
    let backend: PolicyBackend;
    const input = (over: Partial<PolicyInput> = {}) => inputFor(bundle.manifest, over);
    const run = async (...inputs: PolicyInput[]) => (await backend.run(0, inputs, DEADLINE_MS)).outputs;

    beforeAll(async () => {
      ({ bundle, backend } = await make());
    });
    afterAll(() => backend.close());

    test('[Q6] is loading and takes nothing until start has resolved, then is ready and warm', async () => {
      expect(backend.stats().state).toBe('loading');
      expect(backend.available(0)).toBe(false);
      expect(backend.warmUp()).toEqual([]);
      await backend.start();
      expect(backend.stats().state).toBe('ready');
      expect(backend.available(0)).toBe(true);
      expect(backend.warmUp().at(-1)?.batch).toBe(backend.maxBatch);
    });

    test('answers every input of a batch, in their order, with a chunk of H·D finite numbers', async () => {
      const { chunk_size, action_dim } = bundle.manifest;
      for (const size of [1, 2, backend.maxBatch]) {
        const outputs = await run(...Array.from({ length: size }, () => input()));
        expect(outputs).toHaveLength(size);
        for (const output of outputs) {
          if (!output.ok) throw new Error(output.reason);
          expect(output.actions).toHaveLength(chunk_size * action_dim);
          expect(output.actions.every(Number.isFinite)).toBe(true);
        }
      }
    });

    test('gives each output its own memory', async () => {
      const [first, second] = await run(input(), input());
      if (!first?.ok || !second?.ok) throw new Error('refused');
      const before = [...second.actions];
      first.actions.fill(9);
      const [third] = await run(input());
      expect([...second.actions]).toEqual(before);
      expect(third?.ok && third.actions[0]).not.toBe(9);
    });

    const state = (dim: number, value = 0) => new Float64Array(dim).fill(value);
    test.each<[string, string, (camera: string, dim: number) => Partial<PolicyInput>]>([
      ['a missing camera', 'images', () => ({ images: {} })],
      ['a short state', 'state', (_, dim) => ({ state: state(dim - 1) })],
      ['a state that is not finite', 'state', (_, dim) => ({ state: state(dim, Number.NaN) })],
      [
        'rgb8 bytes that are not width × height × 3',
        'images',
        (camera) => ({ images: { [camera]: { kind: 'rgb8', width: 96, height: 96, data: new Uint8Array(5) } } }),
      ],
      [
        'a camera that only the prototype has',
        'images',
        (camera) => ({ images: Object.create({ [camera]: rgbImage() }) as PolicyInput['images'] }),
      ],
    ])('[Q5] %s fails its own input with the field, and the others run', async (_what, field, over) => {
      const camera = bundle.manifest.inputs.cameras[0]?.name ?? '';
      const bad = input(over(camera, bundle.manifest.inputs.state.dim));
      const [first, second, third] = await run(input(), bad, input());
      expect([first?.ok, third?.ok]).toEqual([true, true]);
      expect(second).toMatchObject({
        ok: false,
        code: 'validation_failed',
        field: field === 'images' ? `images.${camera}` : field,
      });
    });

    test('leaves the inputs as they were, so that they can be run again', async () => {
      const once = input();
      const image = Object.values(once.images)[0];
      const bytes = Uint8Array.from(image?.data ?? []);
      const [a] = await run(once);
      const [b] = await run(once);
      expect(image?.data).toEqual(bytes);
      expect(a).toEqual(b);
    });

    test('counts what it ran', async () => {
      const before = backend.stats();
      await run(input(), input());
      const after = backend.stats();
      expect(after.batches - before.batches).toBe(1);
      expect(after.inferences - before.inferences).toBe(2);
    });

    test('takes nothing after close', async () => {
      await backend.close();
      expect(backend.stats().state).toBe('closed');
      expect(backend.available(0)).toBe(false);
    });
  });
}
