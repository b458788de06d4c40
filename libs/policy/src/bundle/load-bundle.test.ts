import { appendFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { copyBundle, replaceFile } from '../testing/copy-bundle.js';
import { kserveBundle } from '../testing/remote-bundle.js';
import { BUILT_IN_BUNDLES, loadBundle } from './load-bundle.js';

const made: string[] = [];
async function bundle(change?: Parameters<typeof copyBundle>[0]): Promise<string> {
  const dir = await copyBundle(change);
  made.push(dir);
  return dir;
}
afterEach(async () => {
  for (const dir of made.splice(0)) await rm(dir, { recursive: true });
});

const refused = (field: string, reason: RegExp | string = '') =>
  expect.objectContaining({ name: 'BundleError', field, reason: expect.stringMatching(reason) as string });

test('[P1] the built-in bundle loads and describes itself', async () => {
  const tabletop = await loadBundle(join(BUILT_IN_BUNDLES, 'tabletop-v1'));
  expect(tabletop.execute).toBe(4);
  expect(tabletop.describe()).toMatchObject({
    id: 'tabletop-v1',
    action_space: 'ee_delta',
    action_dim: 7,
    chunk_size: 8,
    inputs: {
      cameras: [{ name: 'main', width: 96, height: 96 }],
      state: { dim: 7, names: ['x', 'y', 'z', 'roll', 'pitch', 'yaw', 'gripper'] },
      text: { max_words: 16 },
    },
    action: { frame: 'base', rotation: 'euler_xyz', pose: { position: [0, 1, 2], rotation: [3, 4, 5], gripper: 6 } },
  });
  expect([...tabletop.tokenize('Pick up the red block.').subarray(0, 5)].every((id) => id > 1)).toBe(true);
});

test('[P1] the horizon is half a chunk where the manifest names none', async () => {
  expect((await loadBundle(await bundle((m) => delete m.execute))).execute).toBe(4);
  const one = await loadBundle(await bundle((m) => Object.assign(m, { execute: undefined, chunk_size: 1 })));
  expect(one.execute).toBe(1);
});

describe('[P1] a manifest with a fault is refused by its field', () => {
  const cases: [string, (manifest: Record<string, unknown>) => void][] = [
    ['action_space', (m) => Object.assign(m, { action_space: 'teleport' })],
    ['action_dim', (m) => Object.assign(m, { action_dim: 6 })],
    ['execute', (m) => Object.assign(m, { execute: 9 })],
    ['blend', (m) => Object.assign(m, { blend: 'rtc' })],
    ['control_hz', (m) => Object.assign(m, { control_hz: 0 })],
    ['action.gripper', (m) => Object.assign(m.action as object, { gripper: 'open_is_zero' })],
    [
      'action.pose',
      (m) => Object.assign(m.action as object, { pose: { position: [0, 1, 2], rotation: [3, 4, 5], gripper: 7 } }),
    ],
    [
      'action.pose',
      (m) => Object.assign(m.action as object, { pose: { position: [0, 1, 1], rotation: [3, 4, 5], gripper: 6 } }),
    ],
    ['inputs.state.names', (m) => Object.assign((m.inputs as { state: object }).state, { names: ['x'] })],
    [
      'inputs.cameras.0.tensor',
      (m) => Object.assign((m.inputs as { cameras: object[] }).cameras[0]!, { tensor: 'state' }),
    ],
    [
      'inputs.cameras.0.resize',
      (m) => Object.assign((m.inputs as { cameras: object[] }).cameras[0]!, { resize: 'guess' }),
    ],
    ['batch.sizes', (m) => Object.assign(m, { batch: { max: 4, sizes: [8] } })],
    ['embodiments.0', (m) => Object.assign(m, { embodiments: ['toaster'] })],
    ['embodiments.1', (m) => Object.assign(m, { embodiments: ['*', 'panda'] })],
    [
      'normalization.action.q01',
      (m) => Object.assign(m, { normalization: { state: 'graph', action: { kind: 'q01_q99', q01: [0], q99: [1] } } }),
    ],
    [
      'normalization.state.std',
      (m) =>
        Object.assign(m, {
          normalization: { state: { kind: 'mean_std', mean: Array(7).fill(0), std: [1] }, action: 'graph' },
        }),
    ],
    [
      'inputs.prefix.weights',
      (m) => Object.assign(m.inputs as object, { prefix: { actions: 'prefix', weights: 'state' } }),
    ],
    [
      'normalization.action',
      (m) =>
        Object.assign(m, {
          inputs: { ...(m.inputs as object), prefix: { actions: 'a', weights: 'w' } },
          normalization: {
            state: 'graph',
            action: { kind: 'mean_std', mean: Array(7).fill(0), std: Array(7).fill(1) },
          },
        }),
    ],
    ['sha256.vocab.json', (m) => delete (m.sha256 as Record<string, string>)['vocab.json']],
    ['policy.json', (m) => Object.assign(m, { surprise: true })],
  ];
  test.each(cases)('%s', async (field, change) => {
    await expect(loadBundle(await bundle(change))).rejects.toEqual(refused(field));
  });

  test('joint spaces must have the joints of the robot, with or without its gripper', async () => {
    const joints = (action_dim: number) => (m: Record<string, unknown>) =>
      Object.assign(m, { action_space: 'joint_delta', action_dim });
    await expect(loadBundle(await bundle(joints(7)))).resolves.toBeDefined();
    await expect(loadBundle(await bundle(joints(6)))).rejects.toEqual(refused('embodiments.0', /7 joints/));
    // A gripper that is commanded is measured too: a hold must know it.
    await expect(loadBundle(await bundle(joints(8)))).rejects.toEqual(refused('inputs.state.dim', /8 values/));
    const named = (entries: number[]) => (m: Record<string, unknown>) => {
      joints(8)(m);
      Object.assign((m.inputs as { state: object }).state, { dim: 9, names: [...'abcdefghi'] });
      Object.assign(m.action as object, { joints: entries, pose: null });
    };
    await expect(loadBundle(await bundle(named([1, 2, 3, 4, 5, 6, 7, 8])))).resolves.toBeDefined();
    await expect(loadBundle(await bundle(named([1, 2, 3, 4, 5, 6, 7, 9])))).rejects.toEqual(refused('action.joints'));
    await expect(loadBundle(await bundle(named([1, 2, 3, 4, 5, 6, 7, 7])))).rejects.toEqual(refused('action.joints'));
    await expect(loadBundle(await bundle(named([1, 2, 3])))).rejects.toEqual(refused('action.joints', /7 joints/));
  });

  test('a manifest that is no JSON, and a folder that is not there', async () => {
    const dir = await bundle();
    await writeFile(join(dir, 'policy.json'), '{');
    await expect(loadBundle(dir)).rejects.toEqual(refused('policy.json'));
    await expect(loadBundle(join(dir, 'nothing'))).rejects.toEqual(refused('policy.json', 'does not exist'));
  });
});

describe('files', () => {
  test('[P2] a file with another hash is refused', async () => {
    const dir = await bundle();
    await appendFile(join(dir, 'policy.onnx'), 'x');
    await expect(loadBundle(dir)).rejects.toEqual(refused('sha256.policy.onnx', 'another hash'));
  });

  test('[P2] a listed file that is missing is refused', async () => {
    const dir = await bundle((m) => Object.assign(m.sha256 as object, { 'extra.bin': '0'.repeat(64) }));
    await expect(loadBundle(dir)).rejects.toEqual(refused('sha256.extra.bin', 'does not exist'));
  });

  test.each(['../policy.onnx', '/etc/passwd', 'a/../../b', '.hidden', 'a\\b', ''])(
    '[P2] a path that could leave the folder is refused: %j',
    async (path) => {
      await expect(loadBundle(await bundle((m) => Object.assign(m, { graph: path })))).rejects.toEqual(
        refused('graph'),
      );
    },
  );

  test('[P2] a link out of the folder is refused', async () => {
    const [dir, other] = [await bundle(), await bundle()];
    await rm(join(dir, 'policy.onnx'));
    await symlink(join(other, 'policy.onnx'), join(dir, 'policy.onnx'));
    await expect(loadBundle(dir)).rejects.toEqual(refused('sha256.policy.onnx', 'outside'));
  });

  test.each([['{"a":1}'], ['["cube"]'], ['["<pad>", "<unk>", 3]'], ['[']])(
    '[P1] a vocabulary that is no word list with its special words is refused: %s',
    async (content) => {
      const dir = await bundle();
      await replaceFile(dir, 'vocab.json', content);
      await expect(loadBundle(dir)).rejects.toEqual(refused('inputs.text.vocabulary'));
    },
  );
});

describe('a policy that others run', () => {
  const remote = async (fields: Record<string, unknown>, change?: Parameters<typeof copyBundle>[0]) => {
    const dir = await kserveBundle(fields, change);
    made.push(dir);
    return dir;
  };

  test('[P11] is described as if it ran here, and says where it runs', async () => {
    const bundle = await loadBundle(await remote({ urls: ['http://a:8000', 'https://b/pool'], version: '2' }));
    expect(bundle.remote).toEqual({
      backend: 'kserve',
      urls: ['http://a:8000', 'https://b/pool'],
      connections: 2,
      model: 'tabletop',
      version: '2',
    });
    expect(bundle.describe()).toEqual((await loadBundle(join(BUILT_IN_BUNDLES, 'tabletop-v1'))).describe());
    expect(bundle.tokenize('pick')[0]).toBeGreaterThan(1);
  });

  test.each<[string, Record<string, unknown>, RegExp]>([
    ['remote.urls.0', { urls: ['ws://a:8000'] }, /http/],
    ['remote.urls.0', { urls: ['http://user:pw@a:8000'] }, /password/],
    ['remote.urls.0', { urls: ['http://a:8000/?key=1'] }, /path/],
    ['remote.urls.0', { urls: ['a b'] }, /URL/],
    ['remote.urls', { urls: ['http://a', 'http://a'] }, /twice/],
    ['remote.model', { model: '../other' }, /path/],
    ['remote.connections', { connections: 0 }, /./],
    ['remote', { modle: 'x' }, /modle/],
  ])('[P11] %s is refused where it is wrong: %j', async (field, fields, reason) => {
    await expect(loadBundle(await remote(fields))).rejects.toEqual(refused(field, reason));
  });

  test('[P11] what it cannot have is refused: a graph, another backend', async () => {
    const graph = await remote({}, (m) => Object.assign(m, { graph: 'policy.onnx' }));
    await expect(loadBundle(graph)).rejects.toEqual(refused('policy.json', /graph/));
    const other = await remote({}, (m) => Object.assign(m, { backend: 'grpc' }));
    await expect(loadBundle(other)).rejects.toEqual(refused('backend', /kserve/));
  });
});
