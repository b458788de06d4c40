import { rm } from 'node:fs/promises';
import { encodeOpenpi, float64Array, isNdArray, numbersOf } from '@sinew/protocol/openpi';
import { afterEach, describe, expect, test } from 'vitest';
import type { PolicyBackend } from '../backend/policy-backend.js';
import { loadBundle } from '../bundle/load-bundle.js';
import { BatchLayout } from '../onnx/batch-layout.js';
import { createRemoteBackend, type RemoteBackendOptions } from '../remote/remote-backend.js';
import type { OpenpiModel } from '../remote/remote-model.js';
import { backendContract, watch } from '../testing/backend-contract.js';
import { inputFor } from '../testing/inputs.js';
import { OpenpiFake, type OpenpiFakeOptions } from '../testing/openpi-fake.js';
import { openpiBundle } from '../testing/remote-bundle.js';
import { inProcess, inThread } from '../testing/remotes.js';
import { OpenpiServer } from './openpi-server.js';

const DEADLINE_MS = 20_000;
type Change = Parameters<typeof openpiBundle>[1];

async function bundleFor(remote: Record<string, unknown> = {}, change?: Change) {
  const dir = await openpiBundle(remote, change);
  try {
    return await loadBundle(dir);
  } finally {
    await rm(dir, { recursive: true });
  }
}

const open: PolicyBackend[] = [];
const fakes: OpenpiFake[] = [];
afterEach(async () => {
  for (const backend of open.splice(0)) await backend.close();
  for (const fake of fakes.splice(0)) await fake.kill();
});

async function served(
  options: OpenpiFakeOptions = {},
  more: Partial<Omit<RemoteBackendOptions, 'remote'>> & { remote?: Record<string, unknown>; change?: Change } = {},
) {
  const { change, remote = {}, ...given } = more;
  const bundle = await bundleFor({ connections: 1, ...remote }, change);
  const fake = await new OpenpiFake(options).listen();
  fakes.push(fake);
  const backend = createRemoteBackend({ remote: inProcess, bundle, urls: [fake.url], ...given });
  open.push(backend);
  const input = (x = 0) => inputFor(bundle.manifest, { state: Float64Array.of(x, 1, 2, 3, 4, 5, 6) });
  const run = async (x = 0) => (await backend.run(0, [input(x)], DEADLINE_MS)).outputs[0];
  return { backend, bundle, fake, input, run };
}

const contract = (count: number) => async () => {
  const bundle = await bundleFor({ connections: 2 }, (manifest) => Object.assign(manifest, { batch: { max: 3 } }));
  const servers = await Promise.all(Array.from({ length: count }, () => new OpenpiFake().listen()));
  const outage = {
    begin: async () => void (await Promise.all(servers.map((server) => server.kill()))),
    end: async () => void (await Promise.all(servers.map((server) => server.listen()))),
  };
  return {
    bundle,
    backend: createRemoteBackend({ remote: inThread, bundle, urls: servers.map(({ url }) => url) }),
    outage,
  };
};
backendContract('openpi', contract(1), { decodes: true });
backendContract('openpi on two servers', contract(2), { decodes: true });

describe('the observation map', () => {
  test('[P16] pixels, state and words go under the manifest’s keys, in its layout', async () => {
    const { backend, fake, run } = await served(
      { stateKey: 'state' },
      {
        remote: {
          keys: { cameras: { main: ['images', 'cam_high'] }, state: 'state', prompt: 'task' },
          constants: { endpoint: 'infer' },
        },
        change: (manifest) =>
          Object.assign(manifest.inputs as object, {
            cameras: [{ name: 'main', width: 64, height: 32, layout: 'nchw' }],
          }),
      },
    );
    await backend.start();
    expect(await run(0.5)).toMatchObject({ ok: true });
    const { endpoint, images, state, task } = fake.received.at(-1)!;
    expect([endpoint, task]).toEqual(['infer', 'pick up the red block']);
    expect((images as Record<string, unknown>).cam_high).toMatchObject({ dtype: '|u1', shape: [3, 32, 64] });
    expect(isNdArray(state) && [...numbersOf(state)]).toEqual([0.5, 1, 2, 3, 4, 5, 6]);
  });

  test('[P16] a state may be spread over several keys', async () => {
    const parts = [
      { key: 'observation/joint_position', entries: [0, 1, 2, 3, 4, 5] },
      { key: 'observation/gripper_position', entries: [6] },
    ];
    const { backend, fake, run } = await served(
      { stateKey: 'observation/joint_position' },
      { remote: { keys: { cameras: { main: 'observation/image' }, state: parts } } },
    );
    await backend.start();
    expect(await run(0.5)).toMatchObject({ ok: true });
    const observed = fake.received.at(-1)!;
    expect(observed['observation/joint_position']).toMatchObject({ dtype: '<f4', shape: [6] });
    expect(observed['observation/gripper_position']).toMatchObject({ dtype: '<f4', shape: [1] });
    expect(Object.keys(observed)).toHaveLength(4);
  });

  test('[P16] frames of another size are letterboxed, as openpi does', async () => {
    const { backend, bundle, fake, input } = await served();
    await backend.start();
    const wide = { kind: 'rgb8', width: 192, height: 96, data: new Uint8Array(192 * 96 * 3).fill(200) } as const;
    expect(bundle.manifest.inputs.cameras[0]).toMatchObject({ resize: 'letterbox', layout: 'nhwc' });
    await backend.run(0, [{ ...input(), images: { main: wide } }], DEADLINE_MS);
    const image = fake.received.at(-1)!['observation/image'];
    if (!isNdArray(image)) throw new Error('no image');
    const row = (y: number) => image.data[y * 96 * 3];
    expect([row(0), row(23), row(24), row(71), row(72), row(95)]).toEqual([0, 0, 200, 200, 0, 0]);
  });

  test('[P11] [P16] a DROID policy of openpi can be written down', async () => {
    const joints = ['j1', 'j2', 'j3', 'j4', 'j5', 'j6', 'j7', 'gripper'];
    const remote = {
      urls: ['ws://pi-server:8000'],
      constants: { endpoint: 'infer' },
      keys: {
        cameras: { exterior: 'observation/exterior_image_1_left', wrist: 'observation/wrist_image_left' },
        state: [
          { key: 'observation/joint_position', entries: [0, 1, 2, 3, 4, 5, 6] },
          { key: 'observation/gripper_position', entries: [7] },
        ],
        prompt: 'prompt',
      },
    };
    const bundle = await bundleFor(remote, (manifest) => {
      const cameras = ['exterior', 'wrist'].map((name) => ({ name, width: 224, height: 224 }));
      const action = { frame: 'base', rotation: 'euler_xyz', gripper: 'absolute_0_closed_1_open', pose: null };
      Object.assign(manifest, { action_space: 'joint_velocity', action_dim: 8, chunk_size: 15, execute: 8, action });
      Object.assign(manifest.inputs as object, { cameras, state: { dim: 8, names: joints } });
    });
    expect(bundle.remote).toEqual({ backend: 'openpi', connections: 2, ...remote });
    expect(bundle.describe()).toMatchObject({ chunk_size: 15, inputs: { state: { names: joints } } });
  });

  test.each<[string, Record<string, unknown>]>([
    ['remote.keys.cameras.main', { keys: { cameras: {}, state: 's' } }],
    ['remote.keys.cameras.wrist', { keys: { cameras: { main: 'a', wrist: 'b' }, state: 's' } }],
    ['remote.keys.state', { keys: { cameras: { main: 'a' }, state: [{ key: 's', entries: [7] }] } }],
    ['remote.keys.prompt', { keys: { cameras: { main: 'a' }, state: 's', prompt: 's' } }],
    ['remote.keys.state', { keys: { cameras: { main: ['a', 'b'] }, state: 'a' } }],
    ['remote.keys.constants', { keys: { cameras: { main: 'a' }, state: 's' }, constants: { a: 1 } }],
    ['remote.urls.0', { urls: ['http://a:8000'], keys: { cameras: { main: 'a' }, state: 's' } }],
  ])('[P16] %s is refused where it is wrong: %j', async (field, remote) => {
    await expect(bundleFor(remote)).rejects.toMatchObject({ name: 'BundleError', field });
  });
});

describe('what is answered', () => {
  test('[P16] actions of any float type are read', async () => {
    const world = await served({
      answer: () => ({ actions: float64Array([8, 7], new Float64Array(56).fill(0.25)) }),
    });
    await world.backend.start();
    const output = await world.run();
    expect(output?.ok && output.actions[55]).toBe(0.25);
  });

  test('[P16] an array alone is the actions, as RoboArena’s servers answer', async () => {
    const world = await served({ answer: () => float64Array([8, 7], new Float64Array(56).fill(0.25)) });
    await world.backend.start();
    const output = await world.run();
    expect(output?.ok && output.actions[55]).toBe(0.25);
  });

  test('[P12] [P16] actions of another shape are refused at start, by the field', async () => {
    const rows = await served({ shape: [15, 7] });
    await expect(rows.backend.start()).rejects.toMatchObject({ name: 'BundleError', field: 'chunk_size' });
    const values = await served({ shape: [8, 8] });
    await expect(values.backend.start()).rejects.toMatchObject({ name: 'BundleError', field: 'action_dim' });
  });

  /** Answers as usual until told otherwise. */
  const turning = async (more: Parameters<typeof served>[1] = {}) => {
    let turn: OpenpiFakeOptions['answer'] | null = null;
    const world: Awaited<ReturnType<typeof served>> = await served(
      { answer: (observed, socket) => (turn ?? (() => world.fake.chunk(observed)))(observed, socket) },
      more,
    );
    await world.backend.start();
    return { ...world, set: (answer: typeof turn) => (turn = answer) };
  };

  test('[P16] [Q5] a traceback fails its own input with its last line; the others run, and the connection is replaced', async () => {
    const world = await turning({ change: (manifest) => Object.assign(manifest, { batch: { max: 3 } }) });
    world.set((observed) => {
      const state = observed['observation/state'];
      const first = isNdArray(state) ? numbersOf(state)[0] : 0;
      return first === 13
        ? 'Traceback (most recent call last):\n  File "x.py"\nValueError: bad luck\n'
        : world.fake.chunk(observed);
    });
    const { outputs } = await world.backend.run(0, [world.input(1), world.input(13), world.input(2)], DEADLINE_MS);
    expect(outputs.map(({ ok }) => ok)).toEqual([true, false, true]);
    expect(outputs[1]).toMatchObject({ code: 'model_error', reason: 'the policy server failed: ValueError: bad luck' });
    expect(world.backend.available(0)).toBe(true);
    const upgrades = world.fake.upgrades.length;
    world.set(null);
    const again = await world.backend.run(0, [world.input(1), world.input(13), world.input(2)], DEADLINE_MS);
    expect(again.outputs.every(({ ok }) => ok)).toBe(true);
    expect(world.fake.upgrades.length - upgrades).toBe(1);
  });

  test.each<[string, NonNullable<OpenpiFakeOptions['answer']>, RegExp]>([
    ['no actions', () => ({ action: 1 }), /no `actions`/],
    ['actions that are no array', () => ({ actions: [1, 2] }), /no `actions`/],
    ['an error in a map', () => ({ type: 'error', message: 'stale session' }), /stale session/],
    [
      'numbers that are not finite',
      () => ({ actions: float64Array([8, 7], Array(56).fill(Number.NaN)) }),
      /not finite/,
    ],
    ['another shape', () => ({ actions: float64Array([7, 8], Array(56).fill(0)) }), /\[7, 8\], not \[8, 7\]/],
    ['a very long fault', () => 'x'.repeat(100_000), /^.{0,340}$/],
  ])('[P16] %s fails the input', async (_what, answer, reason) => {
    const world = await turning();
    world.set(answer);
    expect(await world.run()).toMatchObject({
      ok: false,
      code: 'model_error',
      reason: expect.stringMatching(reason) as string,
    });
  });

  test('[P15] [P16] an answer that comes too late is never taken for that of the next question', async () => {
    const world = await turning();
    let late = () => {};
    world.set((_observed, socket) => {
      late = () => socket.send(encodeOpenpi(world.fake.chunk({ 'observation/state': float64Array([1], [9]) })));
      return null;
    });
    const lost = await world.backend.run(0, [world.input()], 50).catch((error: unknown) => error);
    expect(lost).toMatchObject({ name: 'BatchLostError', how: 'hung', begun: true });
    late();
    world.set(null);
    const changes = watch(world.backend);
    while (!world.backend.available(0)) await changes.next();
    const output = await world.run(0.5);
    expect(output?.ok && output.actions[0]).toBe(0.5);
  });

  test('[P15] a server that ends its connections while they are idle is asked anew', async () => {
    const world = await turning();
    await world.fake.kill();
    await world.fake.listen();
    let output: Awaited<ReturnType<typeof world.run>> | null = null;
    const changes = watch(world.backend);
    while (output === null) {
      if (!world.backend.available(0)) await changes.next();
      output = (await world.run(0.5).catch(() => null)) ?? null;
    }
    expect(output).toMatchObject({ ok: true });
  });

  test('[P16] a check and a batch that connect at the same time share one connection', async () => {
    const { bundle, fake } = await served();
    const { manifest } = bundle;
    const layout = new BatchLayout(manifest, 1);
    const model = bundle.remote as OpenpiModel;
    const server = new OpenpiServer({ url: fake.url, manifest, model, layout, token: null });
    const batch = { slab: new ArrayBuffer(layout.byteLength), rows: 1, prompts: ['pick it up'], remainingMs: 1_000 };
    const { signal } = new AbortController();
    await Promise.all([server.check(signal), server.run(0, batch, signal)]);
    await expect.poll(() => fake.connections).toBe(1);
    expect(fake.upgrades).toHaveLength(2);
    server.disconnect();
    await expect.poll(() => fake.connections).toBe(0);
  });

  test('[P17] the token goes as openpi’s own client sends it', async () => {
    const { backend, fake } = await served({}, { token: 'sesame-7d1' });
    await backend.start();
    expect(fake.upgrades[0]!.headers.authorization).toBe('Api-Key sesame-7d1');
    expect(JSON.stringify(backend.stats())).not.toContain('sesame');
  });
});
