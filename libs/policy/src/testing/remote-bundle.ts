import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MANIFEST_FILE } from '../bundle/load-bundle.js';
import { copyBundle } from './copy-bundle.js';

type Json = Record<string, unknown>;

/** The built-in policy's bundle, run by KServe servers instead of here. `change` edits the manifest in place. */
export async function kserveBundle(remote: Json, change: (manifest: Json) => void = () => {}): Promise<string> {
  return await copyBundle((manifest) => {
    delete manifest.graph;
    const { 'policy.onnx': _, ...sha256 } = manifest.sha256 as Json;
    Object.assign(manifest, { backend: 'kserve', sha256, remote: { model: 'tabletop', ...remote } });
    change(manifest);
  });
}

/** A bundle of a policy with one camera and a state of seven behind the openpi wire. */
export async function openpiBundle(remote: Json, change: (manifest: Json) => void = () => {}): Promise<string> {
  const manifest = {
    backend: 'openpi',
    id: 'remote-pi',
    version: '1',
    license: 'MIT',
    action_space: 'ee_delta',
    action_dim: 7,
    chunk_size: 8,
    control_hz: 10,
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
    embodiments: ['franka_panda'],
    remote: {
      keys: { cameras: { main: 'observation/image' }, state: 'observation/state' },
      ...remote,
    },
  };
  change(manifest);
  const dir = await mkdtemp(join(tmpdir(), 'sinew-openpi-'));
  await writeFile(join(dir, MANIFEST_FILE), JSON.stringify(manifest));
  return dir;
}
