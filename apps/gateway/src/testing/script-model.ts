import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, createMetrics } from '@sinew/telemetry';
import { monotonicClock } from '../clock.js';
import { ModelCatalogue } from '../models.js';

type Json = Readonly<Record<string, unknown>>;

/** A gateway's catalogue of one script bundle, loaded from a folder as `--policies ./my-script` is. `entries`: its actions file. */
export async function scriptModel(entries: readonly unknown[], over: Json = {}): Promise<ModelCatalogue> {
  const dir = await mkdtemp(join(tmpdir(), 'sinew-script-'));
  const content = entries.map((entry) => JSON.stringify(entry)).join('\n');
  const manifest = {
    backend: 'script',
    id: 'script',
    version: '1',
    license: 'MIT',
    action_space: 'ee_delta',
    action_dim: 7,
    chunk_size: 4,
    control_hz: 50,
    execute: 4,
    smoothing: 'none',
    action: {
      frame: 'base',
      rotation: 'euler_xyz',
      gripper: 'absolute_0_closed_1_open',
      pose: { position: [0, 1, 2], rotation: [3, 4, 5], gripper: 6 },
    },
    inputs: {
      cameras: [],
      state: { dim: 7, names: ['x', 'y', 'z', 'roll', 'pitch', 'yaw', 'gripper'] },
    },
    script: { actions: 'actions.jsonl' },
    embodiments: ['*'],
    sha256: { 'actions.jsonl': createHash('sha256').update(content).digest('hex') },
    ...over,
  };
  await writeFile(join(dir, 'actions.jsonl'), content);
  await writeFile(join(dir, 'policy.json'), JSON.stringify(manifest));
  const settings = { policy_threads: 1, policy_intra_op: 1, batch_max: 0, batch_window_ms: 0, admission: 0.85 };
  const log = createLogger('gateway', 'silent');
  const models = await ModelCatalogue.load({ ...settings, policies: [dir] }, monotonicClock, createMetrics(), log);
  await rm(dir, { recursive: true });
  return models;
}
