import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BatchLostError, type PolicyBackend, type PolicyInput } from '../backend/policy-backend.js';
import type { Bundle } from '../bundle/bundle.js';
import { inputFor, rgbImage } from './inputs.js';

const DEADLINE_MS = 20_000;

export interface BackendUnderTest {
  readonly bundle: Bundle;
  /** Not started. */
  readonly backend: PolicyBackend;
  /** What computes can be taken away from it: all of it, at once. */
  readonly outage?: { begin(): Promise<void>; end(): Promise<void> };
}

export interface ContractOptions {
  /** It looks at the pixels. */
  readonly decodes?: boolean;
}

/** What every backend does, whatever computes behind it. */
export function backendContract(
  name: string,
  make: () => Promise<BackendUnderTest>,
  { decodes = false }: ContractOptions = {},
): void {
  describe(`backend contract: ${name}`, () => {
    let bundle: Bundle;
    let backend: PolicyBackend;
    let outage: BackendUnderTest['outage'];
    const input = (over: Partial<PolicyInput> = {}) => inputFor(bundle.manifest, over);
    const run = async (...inputs: PolicyInput[]) => (await backend.run(0, inputs, DEADLINE_MS)).outputs;

    beforeAll(async () => {
      ({ bundle, backend, outage } = await make());
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

    test.runIf(decodes)(
      '[Q5] [P5] an image that cannot be decoded fails its own input, and the others run',
      async () => {
        const camera = bundle.manifest.inputs.cameras[0];
        if (camera === undefined) throw new Error('no camera');
        const { width, height } = camera;
        const gradient = Uint8Array.from({ length: width * height * 3 }, (_, i) => i % 251);
        const jpeg = await sharp(gradient, { raw: { width, height, channels: 3 } })
          .jpeg()
          .toBuffer();
        const image = (data: Uint8Array): Partial<PolicyInput> => ({
          images: { ...input().images, [camera.name]: { kind: 'encoded', data } },
        });
        const cut = jpeg.subarray(0, jpeg.length / 2);
        const [first, second, third] = await run(input(image(jpeg)), input(image(cut)), input(image(jpeg)));
        expect([first?.ok, third?.ok]).toEqual([true, true]);
        expect(second).toMatchObject({ ok: false, code: 'validation_failed', field: `images.${camera.name}` });
        expect(first).toEqual(third);
      },
    );

    test('runs one batch a slot at the same time, each with its own answers', async () => {
      expect(backend.stats().available).toHaveLength(backend.slots);
      const states = Array.from({ length: backend.slots }, (_, slot) => input().state.fill(slot / 100));
      const alone: Awaited<ReturnType<typeof run>>[] = [];
      for (const state of states) alone.push(await run(input({ state })));
      const together = await Promise.all(
        states.map(async (state, slot) => (await backend.run(slot, [input({ state })], DEADLINE_MS)).outputs),
      );
      expect(together.flat().every(({ ok }) => ok)).toBe(true);
      expect(together).toEqual(alone);
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

    test('[Q5] what computes is taken away: nothing is available, batches are lost unharmed; it comes back by itself', async (context) => {
      if (outage === undefined) return context.skip();
      const changes = watch(backend);
      await outage.begin();
      const lost = backend.run(0, [input()], DEADLINE_MS);
      await expect(lost).rejects.toBeInstanceOf(BatchLostError);
      while (backend.stats().available.some(Boolean)) {
        for (const slot of backend.stats().available.keys())
          await backend.run(slot, [input()], DEADLINE_MS).catch(() => {});
      }
      expect(backend.stats().state).not.toBe('ready');
      await outage.end();
      while (!backend.available(0)) await changes.next();
      expect(backend.stats().state).toBe('ready');
      const [output] = await run(input());
      expect(output?.ok).toBe(true);
    });

    test('takes nothing after close', async () => {
      await backend.close();
      expect(backend.stats().state).toBe('closed');
      expect(backend.available(0)).toBe(false);
    });
  });
}

/** Waits for the backend to say that a slot came or went. */
export function watch(backend: PolicyBackend): { next(): Promise<void> } {
  let told = () => {};
  backend.onAvailability(() => told());
  return {
    next: () =>
      new Promise((resolve) => {
        told = resolve;
      }),
  };
}
