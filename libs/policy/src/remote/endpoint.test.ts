import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Endpoint } from './endpoint.js';
import type { RemoteBatch, RemoteServer } from './remote-server.js';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const BATCH: RemoteBatch = { slab: new ArrayBuffer(0), rows: 1, prompts: [''], remainingMs: 1 };

/** A server whose batches end when told, and which is silent to everything else. */
async function silent() {
  let checks = 0;
  let answer = () => {};
  const server: RemoteServer = {
    prepare: async () => ({ warmUp: [], warnings: [] }),
    check: async () => {
      checks++;
      throw new Error('no answer');
    },
    run: () => new Promise((resolve) => (answer = () => resolve([]))),
    disconnect: () => {},
  };
  const endpoint = new Endpoint('ws://server', server, { changed: () => {}, refused: () => {} });
  endpoint.start();
  await vi.advanceTimersByTimeAsync(0);
  expect(endpoint.available).toBe(true);
  return { endpoint, checks: () => checks, answer: () => answer() };
}

test('[P15] a server that computes for long is not asked whether it lives; one that is idle is', async () => {
  const { answer, checks, endpoint } = await silent();
  const batch = endpoint.run(0, BATCH, new AbortController().signal);
  await vi.advanceTimersByTimeAsync(30_000);
  expect([checks(), endpoint.stats().failures]).toEqual([0, 0]);
  answer();
  await batch;
  await vi.advanceTimersByTimeAsync(4_000);
  expect([checks(), endpoint.stats().failures]).toEqual([1, 1]);
  endpoint.close();
});
