import { rm } from 'node:fs/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { BatchLostError, type PolicyBackend, type PolicyInput } from '../backend/policy-backend.js';
import type { Bundle } from '../bundle/bundle.js';
import { loadBundle } from '../bundle/load-bundle.js';
import { createRemoteBackend, type RemoteBackendOptions } from '../remote/remote-backend.js';
import { backendContract, watch } from '../testing/backend-contract.js';
import { inputFor } from '../testing/inputs.js';
import { floats, json, KserveFake, type KserveFakeOptions } from '../testing/kserve-fake.js';
import { kserveBundle } from '../testing/remote-bundle.js';
import { inProcess, inThread } from '../testing/remotes.js';
import { HttpConnections } from './http-connections.js';

const DEADLINE_MS = 20_000;

async function bundleFor(remote: Record<string, unknown> = {}, change?: Parameters<typeof kserveBundle>[1]) {
  const dir = await kserveBundle(remote, change);
  const bundle = await loadBundle(dir);
  await rm(dir, { recursive: true });
  return bundle;
}

const open: { close(): unknown; kill?: undefined }[] = [];
const fakes: KserveFake[] = [];
afterEach(async () => {
  for (const backend of open.splice(0)) await backend.close();
  for (const fake of fakes.splice(0)) await fake.kill();
});

async function fakeOf(options: KserveFakeOptions): Promise<KserveFake> {
  const fake = await new KserveFake(options).listen();
  fakes.push(fake);
  return fake;
}

async function served(
  options: Partial<KserveFakeOptions> = {},
  more: Partial<Omit<RemoteBackendOptions, 'bundle'>> & { bundle?: Record<string, unknown>; servers?: number } = {},
): Promise<{ bundle: Bundle; backend: PolicyBackend; servers: KserveFake[]; input: (x?: number) => PolicyInput }> {
  const { bundle: fields = {}, servers: count = 1, ...given } = more;
  const bundle = await bundleFor({ connections: 1, ...fields }, (manifest) =>
    Object.assign(manifest, { batch: { max: 4 } }),
  );
  const servers: KserveFake[] = [];
  for (let i = 0; i < count; i++) servers.push(await fakeOf({ manifest: bundle.manifest, ...options }));
  const backend = createRemoteBackend({ remote: inProcess, bundle, urls: servers.map(({ url }) => url), ...given });
  open.push(backend);
  const input = (x = 0) => inputFor(bundle.manifest, { state: Float64Array.of(x, 0, 0, 0, 0, 0, 0) });
  return { bundle, backend, servers, input };
}

const contract = (extensions: string[], count: number) => async () => {
  const bundle = await bundleFor({ connections: 2 }, (manifest) => Object.assign(manifest, { batch: { max: 4 } }));
  const servers = await Promise.all(
    Array.from({ length: count }, () => new KserveFake({ manifest: bundle.manifest, extensions }).listen()),
  );
  const backend = createRemoteBackend({ remote: inThread, bundle, urls: servers.map(({ url }) => url) });
  const outage = {
    begin: async () => void (await Promise.all(servers.map((server) => server.kill()))),
    end: async () => void (await Promise.all(servers.map((server) => server.listen()))),
  };
  return { bundle, backend, outage };
};
backendContract('kserve', contract(['binary_tensor_data', 'schedule_policy'], 1), { decodes: true });
backendContract('kserve without binary tensors', contract([], 1), { decodes: true });
backendContract('kserve on two servers', contract(['binary_tensor_data'], 2), { decodes: true });

describe('what is sent', () => {
  test('[P13] tensors go as little-endian bytes in one request, over one connection', async () => {
    const { backend, input, servers } = await served();
    await backend.start();
    const fake = servers[0]!;
    const before = fake.received.length;
    const { outputs } = await backend.run(0, [input(0.25), input(0.5)], DEADLINE_MS);
    expect(outputs.map((output) => output.ok && output.actions[0])).toEqual([0.25, 0.5]);
    expect(fake.received).toHaveLength(before + 1);
    const { tensors } = fake.received.at(-1)!;
    expect(tensors.image).toMatchObject({ datatype: 'UINT8', shape: [2, 96, 96, 3] });
    expect(tensors.image!.bytes.every((byte) => byte === 100)).toBe(true);
    expect([...floats(tensors.state!.bytes)].filter((_, i) => i % 7 === 0)).toEqual([0.25, 0.5]);
    expect(tensors.tokens).toMatchObject({ datatype: 'INT32', shape: [2, 16] });
    expect(fake.connections).toBe(1);
  });

  test('[P13] a server without the binary extension gets the same numbers as JSON, and a warning says so', async () => {
    const { backend, input, servers } = await served({ extensions: [] });
    await backend.start();
    const { outputs } = await backend.run(0, [input(0.25)], DEADLINE_MS);
    expect(outputs[0]).toMatchObject({ ok: true });
    expect(floats(servers[0]!.received.at(-1)!.tensors.state!.bytes)[0]).toBe(0.25);
    expect(backend.stats().warnings[0]).toContain('binary_tensor_data');
  });

  test('[P14] the time for which an answer is worth waiting becomes the `timeout`, in µs, where the server knows it', async () => {
    const { backend, input, servers } = await served({}, { now: () => 1_000 });
    await backend.start();
    const sent = () => servers[0]!.received.at(-1)!.timeoutUs;
    await backend.run(
      0,
      [
        { ...input(), staleAtMs: 1_300 },
        { ...input(), staleAtMs: 1_100 },
      ],
      DEADLINE_MS,
    );
    expect(sent()).toBeGreaterThan(100_000);
    expect(sent()).toBeLessThanOrEqual(300_000);
    await backend.run(0, [{ ...input(), staleAtMs: 1_300 }], 200);
    expect(sent()).toBeLessThanOrEqual(200_000);
    await backend.run(0, [input()], 2_000);
    expect(sent()).toBeGreaterThan(1_000_000);
    const plain = await served({ extensions: ['binary_tensor_data'] });
    await plain.backend.start();
    await plain.backend.run(0, [plain.input()], 2_000);
    expect(plain.servers[0]!.received.at(-1)!.timeoutUs).toBeUndefined();
  });

  test('[P17] the token goes to the server, and nowhere else', async () => {
    const { backend, input, servers } = await served({}, { token: 'sesame-7d1' });
    await backend.start();
    await backend.run(0, [input()], DEADLINE_MS);
    expect(servers[0]!.received.every(({ authorization }) => authorization === 'Bearer sesame-7d1')).toBe(true);
    await servers[0]!.kill();
    const error = await backend.run(0, [input()], DEADLINE_MS).catch((caught: unknown) => caught as Error);
    expect(JSON.stringify(backend.stats()) + String((error as Error).stack)).not.toContain('sesame');
  });

  test('[P4] tables of the bundle are applied on this side', async () => {
    const table = { kind: 'q01_q99', q01: Array(7).fill(-2), q99: Array(7).fill(2) };
    const bundle = await bundleFor({ connections: 1 }, (manifest) =>
      Object.assign(manifest, { batch: { max: 1 }, normalization: { state: table, action: table } }),
    );
    const fake = await fakeOf({ manifest: bundle.manifest });
    const backend = createRemoteBackend({ remote: inProcess, bundle, urls: [fake.url] });
    open.push(backend);
    await backend.start();
    const run = async (x: number) =>
      (await backend.run(0, [inputFor(bundle.manifest, { state: Float64Array.of(x, 0, 0, 0, 0, 0, 0) })], DEADLINE_MS))
        .outputs[0];
    const output = await run(1);
    // The server's half of the range is one again.
    expect(output?.ok && output.actions[0]).toBeCloseTo(1, 6);
    expect(floats(fake.received.at(-1)!.tensors.state!.bytes)[0]).toBeCloseTo(0.5, 6);
    expect(await run(3)).toMatchObject({ ok: false, rule: 'action.not_normalised' });
  });
});

describe('what is answered', () => {
  const answering = async (reply: (rows: number) => Record<string, unknown>) => {
    let on = false;
    const world = await served({
      intercept: (request, response) => {
        if (!on || !String(request.url).endsWith('/infer')) return false;
        json(response, 200, reply(1));
        return true;
      },
    });
    await world.backend.start();
    on = true;
    return (await world.backend.run(0, [world.input()], DEADLINE_MS)).outputs[0];
  };
  const chunk = { name: 'actions', datatype: 'FP32', shape: [1, 8, 7], data: Array(56).fill(0) };

  test.each<[string, Record<string, unknown>, RegExp]>([
    ['another tensor', { ...chunk, name: 'values' }, /no actions/],
    ['another type', { ...chunk, datatype: 'FP64' }, /FP64/],
    ['another shape', { ...chunk, shape: [1, 8, 6], data: Array(48).fill(0) }, /\[1, 8, 6\]/],
    ['fewer numbers', { ...chunk, data: [1, 2] }, /2 numbers/],
    ['no numbers', { ...chunk, data: Array(56).fill(null) }, /not finite/],
    ['numbers that are too large', { ...chunk, data: Array(56).fill(1e39) }, /not finite/],
  ])('[P13] %s fails the input', async (_what, tensor, reason) => {
    expect(await answering(() => ({ outputs: [tensor] }))).toMatchObject({
      ok: false,
      code: 'model_error',
      reason: expect.stringMatching(reason) as string,
    });
  });

  test('[P13] nested arrays are read as flat ones are', async () => {
    const nested = [Array.from({ length: 8 }, (_, row) => Array(7).fill(row / 100))];
    const output = await answering(() => ({ outputs: [{ ...chunk, data: nested }] }));
    expect(output?.ok && [output.actions[0], output.actions[7]]).toEqual([0, Math.fround(0.01)]);
  });

  test('[P13] an answer without end is not read to its end', async () => {
    let on = false;
    const { backend, input } = await served({
      intercept: (request, response) => {
        if (!on || !String(request.url).endsWith('/infer')) return false;
        response.writeHead(200);
        const more = (): void => {
          while (!response.destroyed && response.write(Buffer.alloc(65_536)));
          if (!response.destroyed) response.once('drain', more);
        };
        more();
        return true;
      },
    });
    await backend.start();
    on = true;
    await expect(backend.run(0, [input()], DEADLINE_MS)).rejects.toThrow(/longer than/);
  });
});

describe('the model is compared with the manifest', () => {
  const tensors = (change: (inputs: { name: string; datatype: string; shape: number[] }[]) => void) => ({
    metadata: (metadata: { inputs: { name: string; datatype: string; shape: number[] }[] }) => {
      change(metadata.inputs);
      return metadata;
    },
  });
  test.each<[string, Partial<KserveFakeOptions>]>([
    ['inputs.cameras.0.width', tensors((inputs) => (inputs[0]!.shape = [-1, 96, 64, 3]))],
    ['inputs.cameras.0.dtype', tensors((inputs) => (inputs[0]!.datatype = 'FP32'))],
    ['inputs.state.tensor', tensors((inputs) => (inputs[1]!.name = 'proprio'))],
    ['inputs.text.dtype', tensors((inputs) => (inputs[2]!.datatype = 'BYTES'))],
    ['inputs', tensors((inputs) => inputs.push({ name: 'noise', datatype: 'FP32', shape: [-1, 8] }))],
    ['batch.max', tensors((inputs) => (inputs[0]!.shape = [1, 96, 96, 3]))],
    ['output.tensor', { metadata: (metadata) => ({ ...metadata, outputs: [] }) }],
  ])('[P12] another %s is refused at start, by that name', async (field, options) => {
    const { backend } = await served(options);
    await expect(backend.start()).rejects.toMatchObject({ name: 'BundleError', field });
    expect(backend.stats()).toMatchObject({ state: 'failed', available: [false] });
  });

  test('[P12] a wrong model that becomes right is served, unless the backend was closed', async () => {
    let wrong = true;
    const { backend } = await served({ metadata: (plain) => (wrong ? { inputs: [], outputs: [] } : plain) });
    await expect(backend.start()).rejects.toMatchObject({ name: 'BundleError' });
    const changes = watch(backend);
    wrong = false;
    while (!backend.available(0)) await changes.next();
    expect(backend.stats().state).toBe('ready');
  });

  test('[P11] no server at all, and one that it cannot speak to, are refused', async () => {
    const bundle = await bundleFor();
    const refusal = expect.objectContaining({ name: 'BundleError', field: 'remote.urls' }) as Error;
    expect(() => createRemoteBackend({ remote: inProcess, bundle })).toThrow(refusal);
    expect(() => createRemoteBackend({ remote: inProcess, bundle, urls: ['ws://a:1'] })).toThrow(refusal);
    expect(() => createRemoteBackend({ remote: inProcess, bundle, urls: ['http://u:hunter2@a:1'] })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hunter2') as string }) as Error,
    );
  });

  test('[P12] one server of two with another model is left out, and said', async () => {
    const { backend, bundle, input, servers } = await served({}, { servers: 1 });
    const wrong = await fakeOf({ manifest: bundle.manifest, metadata: () => ({ inputs: [], outputs: [] }) });
    const two = createRemoteBackend({ remote: inProcess, bundle, urls: [wrong.url, servers[0]!.url] });
    open.push(two);
    await two.start();
    expect(two.available(0)).toBe(false);
    expect(two.available(1)).toBe(true);
    expect((await two.run(1, [input()], DEADLINE_MS)).outputs[0]?.ok).toBe(true);
    expect(two.stats().servers?.[0]).toMatchObject({
      state: 'failed',
      lastFault: expect.stringContaining('inputs') as string,
    });
    await backend.close();
  });

  test('[P12] [Q6] every batch size was run before it is ready', async () => {
    const { backend, servers } = await served();
    await backend.start();
    expect(servers[0]!.received.map(({ rows }) => rows)).toEqual([1, 1, 2, 2, 4, 4]);
    expect(backend.warmUp().map(({ batch }) => batch)).toEqual([1, 2, 4]);
  });
});

describe('a server that fails', () => {
  /** The server's answer to inferences, as long as it is set. */
  const failing = async (count = 1) => {
    const fault: { answer: ((respond: (status: number, value: unknown) => void) => void) | null } = { answer: null };
    const world = await served(
      {
        intercept: (request, response) => {
          if (fault.answer === null || !String(request.url).endsWith('/infer')) return false;
          fault.answer((status, value) => json(response, status, value));
          return true;
        },
      },
      { servers: count },
    );
    await world.backend.start();
    return { ...world, fault };
  };

  test('[P15] one that does not answer in time loses the batch at its deadline, and is taken out', async () => {
    const { backend, fault, input } = await failing();
    fault.answer = () => {};
    const lost = await backend.run(0, [input()], 50).catch((error: unknown) => error);
    expect(lost).toMatchObject({ name: 'BatchLostError', how: 'hung', begun: true });
    expect(backend.available(0)).toBe(false);
    expect(backend.stats()).toMatchObject({ state: 'failed', hung: 1 });
    const changes = watch(backend);
    fault.answer = null;
    while (!backend.available(0)) await changes.next();
    expect((await backend.run(0, [input(0.5)], DEADLINE_MS)).outputs[0]?.ok).toBe(true);
  });

  test('[P15] one that dies loses the batch; the other server goes on', async () => {
    const { backend, input, servers } = await failing(2);
    await servers[0]!.kill();
    const lost = await backend.run(0, [input()], DEADLINE_MS).catch((error: unknown) => error);
    expect(lost).toMatchObject({ name: 'BatchLostError', how: 'crashed' });
    expect(backend.stats()).toMatchObject({ state: 'ready', available: [false, true] });
    expect((await backend.run(1, [input(0.5)], DEADLINE_MS)).outputs[0]?.ok).toBe(true);
  });

  test('[P15] one that does not listen has not begun anything', async () => {
    const fake = await fakeOf({ manifest: (await bundleFor()).manifest });
    await fake.kill();
    const http = new HttpConnections(fake.url, 1, null);
    const request = { method: 'POST', path: 'v2', maxReplyBytes: 1, signal: new AbortController().signal } as const;
    await expect(http.send(request)).rejects.toMatchObject({ name: 'ServerLostError', begun: false });
    http.disconnect();
  });

  test('[P15] a connection that the server closed while it was idle costs nothing', async () => {
    const { backend, input, servers } = await failing();
    // Node's own: it waits until the client has seen it, or not, as networks do.
    servers[0]!.breakIdle();
    expect((await backend.run(0, [input()], DEADLINE_MS)).outputs[0]?.ok).toBe(true);
  });

  test('[P15] [Q5] a batch that it refuses is run one input at a time, so that only the culprit fails', async () => {
    const world = await served({
      answer: ({ rows, tensors }) => {
        const state = floats(tensors.state!.bytes);
        for (let row = 0; row < rows; row++)
          if (state[row * 7] === 13) throw new Error('index out of bounds\nat line 3');
        return new Float32Array(rows * 56).fill(0.5);
      },
    });
    await world.backend.start();
    const { outputs } = await world.backend.run(0, [world.input(1), world.input(13), world.input(2)], DEADLINE_MS);
    expect(outputs.map(({ ok }) => ok)).toEqual([true, false, true]);
    expect(outputs[1]).toMatchObject({
      code: 'model_error',
      reason: expect.stringMatching(/index out of bounds$/) as string,
    });
    expect(world.backend.available(0)).toBe(true);
  });

  test('[P15] one that is too busy is not asked again for the same batch', async () => {
    const { backend, fault, input, servers } = await failing();
    let asked = 0;
    fault.answer = (respond) => {
      asked++;
      respond(503, { error: 'request timeout expired' });
    };
    const before = servers[0]!.received.length;
    const { outputs } = await backend.run(0, [input(), input()], DEADLINE_MS);
    expect(outputs.map((output) => !output.ok && output.code)).toEqual(['model_error', 'model_error']);
    expect([asked, servers[0]!.received.length - before]).toEqual([1, 0]);
    expect(backend.available(0)).toBe(true);
  });

  test('[P15] one that does not serve the model any more is taken out, and its batch is lost', async () => {
    const { backend, fault, input, servers } = await failing();
    fault.answer = (respond) => respond(400, { error: 'unknown model' });
    servers[0]!.ready = false;
    await expect(backend.run(0, [input()], DEADLINE_MS)).rejects.toBeInstanceOf(BatchLostError);
    expect(backend.stats().servers?.[0]).toMatchObject({
      state: 'failed',
      lastFault: expect.stringContaining('unknown model') as string,
    });
  });

  test('[P15] [Q5] the thread that talks to the servers ends: its batches are lost, and a new one asks them anew', async () => {
    let thread: ReturnType<typeof inThread> | null = null;
    const { backend, input } = await served(
      {},
      {
        remote: (setup, events) => {
          thread = inThread(setup, events);
          return thread;
        },
      },
    );
    await backend.start();
    const running = backend.run(0, [input()], DEADLINE_MS).catch((error: unknown) => error);
    (thread as ReturnType<typeof inThread> | null)?.replace('it was told to');
    expect(await running).toMatchObject({ name: 'BatchLostError', how: 'crashed', begun: true });
    expect(backend.stats()).toMatchObject({ state: 'failed', available: [false], crashed: 1 });
    const changes = watch(backend);
    while (!backend.available(0)) await changes.next();
    expect((await backend.run(0, [input()], DEADLINE_MS)).outputs[0]?.ok).toBe(true);
  });

  test('[P15] none at the start: it is loading, and ready as soon as one is there', async () => {
    const bundle = await bundleFor({ connections: 1 }, (manifest) => Object.assign(manifest, { batch: { max: 1 } }));
    const fake = await fakeOf({ manifest: bundle.manifest });
    await fake.kill();
    const backend = createRemoteBackend({ remote: inProcess, bundle, urls: [fake.url] });
    open.push(backend);
    const changes = watch(backend);
    const started = backend.start();
    await changes.next();
    expect(backend.stats()).toMatchObject({ state: 'loading', servers: [{ state: 'failed', failures: 1 }] });
    await fake.listen();
    await started;
    expect(backend.stats().state).toBe('ready');
  });
});
