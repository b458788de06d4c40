import { rm } from 'node:fs/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { loadBundle } from '../bundle/load-bundle.js';
import { backendContract } from '../testing/backend-contract.js';
import { inputFor } from '../testing/inputs.js';
import { scriptBundle } from '../testing/script-bundle.js';
import { readScript } from './script.js';
import { createScriptBackend } from './script-backend.js';

const ROW = [0.001, 0, 0, 0, 0, 0, 1];
const still = (rows = 4): number[][] => Array.from({ length: rows }, () => ROW);
const lines = (...entries: unknown[]): string => entries.map((entry) => JSON.stringify(entry)).join('\n');
const made: string[] = [];
afterAll(() => Promise.all(made.map((dir) => rm(dir, { recursive: true }))));
const load = async (content: string, over: Record<string, unknown> = {}, file = 'actions.jsonl') => {
  const dir = await scriptBundle(file, content, over);
  made.push(dir);
  return loadBundle(dir);
};
const shape = { chunkSize: 2, dim: 3 };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const actionsOf = (file: string, content: Uint8Array): (number[] | string)[] =>
  readScript(file, content, shape).map((entry) => (entry.kind === 'chunk' ? [...entry.actions] : entry.reason));

backendContract('script', async () => {
  const bundle = await load(lines(still()));
  return { bundle, backend: createScriptBackend({ bundle }) };
});

describe('the actions file', () => {
  test('[P8] rows are cut into chunks; chunks and errors stand for themselves, in order', () => {
    const expected = [[1, 2, 3, 4, 5, 6], 'boom', [7, 8, 9]];
    expect(actionsOf('a.jsonl', bytes('[1,2,3]\n\n[4,5,6]\n{"error":"boom"}\n[[7,8,9]]\n'))).toEqual(expected);
    expect(actionsOf('a.json', bytes('[[1,2,3],[4,5,6],{"error":"boom"},[[7,8,9]]]'))).toEqual(expected);
  });

  test('[P8] garbage can be written down: NaN, infinities, beyond float32, rows and chunks of any length', () => {
    const garbage = bytes('[["NaN","Infinity","-Infinity"],[1e39,-1e400]]\n[]\n[[]]\n[1]\n[1,2,3,4]');
    expect(actionsOf('a.jsonl', garbage)).toEqual([
      [Number.NaN, Infinity, -Infinity, Infinity, -Infinity],
      [],
      [],
      [1, 1, 2, 3, 4],
    ]);
  });

  test('[P8] .f32 is raw little-endian chunks, whatever their bits', () => {
    const floats = Float32Array.of(1, 2, 3, Number.NaN, Infinity, -0, 7, 8, 9, 10, 11, 12);
    expect(actionsOf('a.f32', new Uint8Array(floats.buffer))).toEqual([
      [1, 2, 3, Number.NaN, Infinity, -0],
      [7, 8, 9, 10, 11, 12],
    ]);
  });

  test.each([
    ['a.jsonl', '[1,2,3]', /1 rows stand before it/],
    ['a.jsonl', '[1,2,3]\n{"error":"x"}', /entry 2: 1 rows stand before it/],
    ['a.jsonl', '[[1,2,3],4]', /entry 1: a chunk is an array of rows/],
    ['a.jsonl', '[1,2,"nan"]\n[1,2,3]', /entry 1: "nan" is no number/],
    ['a.jsonl', '[1,2,null]\n[1,2,3]', /entry 1: null is no number/],
    ['a.jsonl', '[1,2,3]\n[1,2', /entry 2: /],
    ['a.jsonl', '{"error":1}', /entry 1: must be a row/],
    ['a.jsonl', '', /no actions/],
    ['a.json', '{}', /must be a JSON array/],
    ['a.f32', '12345', /5 bytes are no whole number of chunks of 2×3/],
    ['a.csv', '1,2,3', /must end in/],
  ])('[P8] what cannot be played is refused, saying where: %s %j', (file, content, reason) => {
    expect(() => actionsOf(file, bytes(content))).toThrow(reason);
  });
});

describe('the bundle', () => {
  test('[P8] needs no tensors, tokenizer or cameras, and serves any robot', async () => {
    const bundle = await load(lines(still()), {
      inputs: { state: { dim: 2, names: ['a', 'b'] } },
      action: { frame: 'base', rotation: 'euler_xyz', gripper: 'absolute_0_closed_1_open', pose: null },
    });
    expect(bundle.describe()).toMatchObject({ id: 'my-script', inputs: { cameras: [], state: { dim: 2 } } });
    expect(bundle.manifest.embodiments).toEqual(['*']);
  });

  test('[P2] its actions file is hashed and stays inside the folder, as every file of a bundle', async () => {
    const content = lines(still());
    await expect(load(content, { sha256: {} })).rejects.toMatchObject({ field: 'sha256.actions.jsonl' });
    await expect(load(content, { sha256: { 'actions.jsonl': '0'.repeat(64) } })).rejects.toMatchObject({
      field: 'sha256.actions.jsonl',
      reason: 'the file has another hash',
    });
    await expect(load(content, { script: { actions: '../actions.jsonl' } })).rejects.toMatchObject({
      field: 'script.actions',
    });
  });

  test.each([
    ['script.latency_ms', { script: { actions: 'actions.jsonl', latency_ms: -1 } }],
    ['action_dim', { action_dim: 6 }],
    ['execute', { execute: 9 }],
    ['embodiments.0', { embodiments: ['no_such_robot'] }],
  ])('[P1] %s is checked as in any manifest', async (field, over) => {
    await expect(load(lines(still()), over)).rejects.toMatchObject({ field });
  });

  test('[P1] a file that cannot be played is a fault of script.actions', async () => {
    await expect(load('[["x"]]')).rejects.toMatchObject({ field: 'script.actions' });
  });
});

describe('playing', () => {
  const play = async (content: string, over: Record<string, unknown> = {}) => {
    const bundle = await load(content, over);
    const slept: number[] = [];
    const backend = createScriptBackend({
      bundle,
      sleep: async (ms) => {
        slept.push(ms);
      },
    });
    await backend.start();
    const next = async (session?: object, deadlineMs = 20_000): Promise<number | string> => {
      const input = inputFor(bundle.manifest, session === undefined ? {} : { session });
      const [output] = (await backend.run(0, [input], deadlineMs)).outputs;
      if (output === undefined) throw new Error('no output');
      return output.ok ? (output.actions[0] ?? Number.NaN) : output.reason;
    };
    return { backend, bundle, next, slept };
  };
  const three = lines([[1]], { error: 'boom' }, [[3]]);

  test('[P9] every session plays the file from its beginning, by itself, and again after its end', async () => {
    const { next } = await play(three);
    const [a, b] = [{}, {}];
    expect([await next(a), await next(a), await next(b), await next(a), await next(a), await next(b)]).toEqual([
      1,
      'boom',
      1,
      3,
      1,
      'boom',
    ]);
  });

  test('[P9] without loop it fails after its end', async () => {
    const { next } = await play(three, { script: { actions: 'actions.jsonl', loop: false } });
    const a = {};
    for (let i = 0; i < 3; i++) await next(a);
    expect(await next(a)).toMatch(/the script is over after 3 answers/);
    expect(await next(a)).toMatch(/the script is over/);
  });

  test('[P9] requests without a session share one place in the file', async () => {
    const { next } = await play(three);
    expect([await next(), await next(), await next()]).toEqual([1, 'boom', 3]);
  });

  test('[P9] a refused input plays nothing', async () => {
    const { backend, bundle, next } = await play(three);
    const session = {};
    await backend.run(0, [inputFor(bundle.manifest, { session, state: new Float64Array(1) })], 1_000);
    expect(await next(session)).toBe(1);
  });

  test('[P9] latency_ms is the time of every answer, in many slots at once; beyond the deadline the batch is lost', async () => {
    const { backend, next, slept } = await play(three, { script: { actions: 'actions.jsonl', latency_ms: 300 } });
    expect(backend.slots).toBeGreaterThan(1);
    await next({});
    expect(slept).toEqual([300]);
    await expect(next({}, 100)).rejects.toMatchObject({ how: 'hung' });
  });

  test('[P9] a batch that waits when the backend closes is lost, not left', async () => {
    const bundle = await load(three, { script: { actions: 'actions.jsonl', latency_ms: 10_000 } });
    const backend = createScriptBackend({ bundle });
    await backend.start();
    const waiting = backend.run(0, [inputFor(bundle.manifest)], 20_000);
    await backend.close();
    await expect(waiting).rejects.toMatchObject({ how: 'closed' });
  });
});
