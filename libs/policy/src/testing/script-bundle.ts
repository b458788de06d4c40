import { createHash } from 'node:crypto';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MANIFEST_FILE } from '../bundle/load-bundle.js';

type Json = Record<string, unknown>;

/** The manifest of a script for one 7-DoF arm and one camera; what is in `over` stands instead. */
export function scriptManifest(file: string, content: string | Uint8Array, over: Json = {}): Json {
  return {
    backend: 'script',
    id: 'my-script',
    version: '1',
    license: 'MIT',
    action_space: 'ee_delta',
    action_dim: 7,
    chunk_size: 4,
    control_hz: 20,
    execute: 4,
    smoothing: 'none',
    action: {
      frame: 'base',
      rotation: 'euler_xyz',
      gripper: 'absolute_0_closed_1_open',
      pose: { position: [0, 1, 2], rotation: [3, 4, 5], gripper: 6 },
    },
    inputs: {
      cameras: [{ name: 'main', width: 96, height: 96 }],
      state: { dim: 7, names: ['x', 'y', 'z', 'roll', 'pitch', 'yaw', 'gripper'] },
    },
    script: { actions: file },
    embodiments: ['*'],
    sha256: { [file]: createHash('sha256').update(content).digest('hex') },
    ...over,
  };
}

/** A script bundle in a folder of its own. */
export async function scriptBundle(file: string, content: string | Uint8Array, over: Json = {}): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'sinew-script-'));
  await writeFile(join(dir, file), content);
  await writeFile(join(dir, MANIFEST_FILE), JSON.stringify(scriptManifest(file, content, over)));
  return dir;
}
