import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BUILT_IN_BUNDLES, MANIFEST_FILE } from '@sinew/policy';
import { onnxModel } from './onnx-model.js';
import { FULL_SIZE, WIDE, type WideSize, wideGraph } from './wide-graph.js';

const OPSET = 13;
const SEED = 20_261_121;
/** Of the generator: another one makes another folder. */
const REVISION = 1;

/**
 * The bundle `wide`, written where `folder` does not hold it already: a graph made up here, and the vocabulary of
 * `tabletop-v1`. @returns the bundle's folder.
 */
export async function wideBundle(folder: string, size: WideSize = FULL_SIZE): Promise<string> {
  const target = join(folder, `wide-${REVISION}-${size.width}x${size.layers}`);
  const written = await readFile(join(target, MANIFEST_FILE)).then(
    () => true,
    () => false,
  );
  if (written) return target;
  await mkdir(dirname(target), { recursive: true });
  const draft = await mkdtemp(`${target}-`);
  try {
    await write(draft, size);
    // Whole or not at all: a bench that is stopped meanwhile leaves no half of it.
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
  }
  return target;
}

async function write(dir: string, size: WideSize): Promise<void> {
  const model = onnxModel(wideGraph(size, SEED), OPSET);
  const hash = createHash('sha256');
  const file = await open(join(dir, 'policy.onnx'), 'w');
  try {
    for (const piece of model.pieces) {
      hash.update(piece);
      await file.writeFile(piece);
    }
  } finally {
    await file.close();
  }
  const vocabulary = await readFile(join(BUILT_IN_BUNDLES, 'tabletop-v1', 'vocab.json'));
  await writeFile(join(dir, 'vocab.json'), vocabulary);
  const manifest = {
    id: 'wide',
    version: String(REVISION),
    license: 'MIT',
    description: 'A memory-bound graph without any learning, made by the bench.',
    action_space: 'ee_delta',
    action_dim: WIDE.actions.dim,
    chunk_size: WIDE.actions.chunk,
    control_hz: 10,
    execute: 4,
    smoothing: 'none',
    action: {
      frame: 'base',
      rotation: 'euler_xyz',
      gripper: 'absolute_0_closed_1_open',
      pose: { position: [0, 1, 2], rotation: [3, 4, 5], gripper: 6 },
    },
    graph: 'policy.onnx',
    inputs: {
      cameras: [{ name: 'main', tensor: WIDE.image.name, width: WIDE.image.width, height: WIDE.image.height }],
      state: {
        tensor: WIDE.state.name,
        dim: WIDE.state.dim,
        names: ['x', 'y', 'z', 'roll', 'pitch', 'yaw', 'gripper'],
      },
      text: { tensor: WIDE.tokens.name, tokenizer: 'words', vocabulary: 'vocab.json', length: WIDE.tokens.length },
    },
    output: { tensor: WIDE.actions.name },
    batch: { max: 32 },
    embodiments: ['franka_panda'],
    sha256: {
      'policy.onnx': hash.digest('hex'),
      'vocab.json': createHash('sha256').update(vocabulary).digest('hex'),
    },
  };
  await writeFile(join(dir, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`);
}
