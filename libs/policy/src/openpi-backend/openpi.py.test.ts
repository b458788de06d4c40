import { spawnSync } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { PolicyBackend, PolicyInput } from '../backend/policy-backend.js';
import { loadBundle } from '../bundle/load-bundle.js';
import { createRemoteBackend } from '../remote/remote-backend.js';
import { backendContract, watch } from '../testing/backend-contract.js';
import { inputFor } from '../testing/inputs.js';
import { PythonServer } from '../testing/python-server.js';
import { openpiBundle } from '../testing/remote-bundle.js';
import { inThread } from '../testing/remotes.js';

// A Python server with the `websockets` library and openpi-client's own codec: what policies of that wire are served with.
// `.ci/services` installs openpi-client where the package index has it for this Python.

const SERVER = fileURLToPath(new URL('../../src/testing/python/openpi_server.py', import.meta.url));
const DEADLINE_MS = 20_000;
const python = process.env.SINEW_TEST_PYTHON ?? 'python3';
const found = spawnSync(python, ['-c', 'import websockets.asyncio.server, openpi_client.msgpack_numpy']);

vi.setConfig({ testTimeout: 60_000 });

async function backendOf(server: PythonServer, connections: number) {
  const dir = await openpiBundle({ connections }, (manifest) => Object.assign(manifest, { batch: { max: 3 } }));
  const bundle = await loadBundle(dir);
  await rm(dir, { recursive: true });
  return {
    bundle,
    backend: createRemoteBackend({ remote: inThread, bundle, urls: [`ws://127.0.0.1:${server.port}`] }),
  };
}

if (found.status !== 0) {
  test.skip(`NOT RUN, a Python server of the openpi wire: no openpi-client for ${python}`, () => expect.unreachable());
} else {
  const servers: PythonServer[] = [];
  const started = async (): Promise<PythonServer> => {
    const server = await PythonServer.start(python, (port) => [SERVER, String(port)]);
    servers.push(server);
    return server;
  };
  afterAll(() => Promise.all(servers.map((server) => server.kill())));

  backendContract(
    'openpi on Python',
    async () => {
      const server = await started();
      const outage = { begin: () => server.kill(), end: () => server.listen() };
      return { ...(await backendOf(server, 2)), outage };
    },
    { decodes: true },
  );

  describe('a Python server', () => {
    let backend: PolicyBackend;
    let input: (first: number, over?: Partial<PolicyInput>) => PolicyInput;
    beforeAll(async () => {
      const made = await backendOf(await started(), 1);
      backend = made.backend;
      input = (first, over = {}) =>
        inputFor(made.bundle.manifest, { state: Float64Array.of(first, 0, 0, 0, 0, 0, 0), ...over });
      await backend.start();
    });
    afterAll(() => backend.close());

    test('[P16] reads image, state and words, and its float64 actions are read', async () => {
      const { outputs } = await backend.run(0, [input(0.25), input(0.5, { instruction: 'pick' })], DEADLINE_MS);
      const [first, second] = outputs.map((output) => (output.ok ? [...output.actions.subarray(0, 3)] : output));
      expect(first).toEqual([0.25, 0.1, 0.021].map(Math.fround));
      expect(second).toEqual([0.5, 0.1, 0.004].map(Math.fround));
    });

    test('[P16] [Q5] its traceback fails the input, by its last line; the next is answered', async () => {
      const { outputs } = await backend.run(0, [input(13), input(0.5)], DEADLINE_MS);
      expect(outputs[0]).toMatchObject({ ok: false, reason: 'the policy server failed: ValueError: bad luck' });
      expect(outputs[1]?.ok).toBe(true);
      expect((await backend.run(0, [input(0.25), input(0.5)], DEADLINE_MS)).outputs.every(({ ok }) => ok)).toBe(true);
    });

    test('[P15] a policy that takes too long loses the batch; its late answer is nobody’s', async () => {
      const lost = await backend.run(0, [input(14)], 100).catch((error: unknown) => error);
      expect(lost).toMatchObject({ name: 'BatchLostError', how: 'hung' });
      const changes = watch(backend);
      while (!backend.available(0)) await changes.next();
      const { outputs } = await backend.run(0, [input(0.5)], DEADLINE_MS);
      expect(outputs[0]?.ok && outputs[0].actions[0]).toBe(0.5);
    });
  });
}
