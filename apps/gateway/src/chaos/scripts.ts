import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Steps a chunk; long enough that a robot is still moving when a fault begins. */
const CHUNK = 16;
const ENTRIES = 64;
const BULK = 800;
const SCRIPT_HZ = 50;

const PHASES = 40;

/**
 * Two policies. `wild` moves all the time and asks for more than any robot may do: wide strokes whose ends lie outside the box,
 * with jumps that only the governor turns into motion. So what reaches a robot shows whether everything went through it.
 * `bulky` answers with chunks so long that a journal fills quickly.
 */
export async function writeScripts(parent: string): Promise<string[]> {
  return [await script(parent, 'wild', CHUNK, ENTRIES), await script(parent, 'bulky', BULK, 2)];
}

async function script(parent: string, id: string, chunk: number, count: number): Promise<string> {
  const dir = join(parent, id);
  await mkdir(dir, { recursive: true });
  const entries = Array.from({ length: count }, (_, entry) =>
    Array.from({ length: chunk }, (_, k) => {
      const phase = (entry * chunk + k) / PHASES;
      const jump = (entry + k) % 11 === 0 ? 0.02 : 0;
      return [
        0.006 * Math.sin(phase) + jump,
        0.005 * Math.cos(phase * 0.7) - jump,
        0.004 * Math.sin(phase * 1.3),
        0.03 * Math.sin(phase * 0.5),
        0.02 * Math.cos(phase),
        0.03 * Math.sin(phase * 0.9),
        (entry >> 2) % 2,
      ];
    }),
  );
  const content = entries.map((entry) => JSON.stringify(entry)).join('\n');
  const manifest = {
    backend: 'script',
    id,
    version: '1',
    license: 'MIT',
    action_space: 'ee_delta',
    action_dim: 7,
    chunk_size: chunk,
    control_hz: SCRIPT_HZ,
    execute: 4,
    smoothing: 'none',
    action: {
      frame: 'base',
      rotation: 'euler_xyz',
      gripper: 'absolute_0_closed_1_open',
      pose: { position: [0, 1, 2], rotation: [3, 4, 5], gripper: 6 },
    },
    inputs: { cameras: [], state: { dim: 7, names: ['x', 'y', 'z', 'roll', 'pitch', 'yaw', 'gripper'] } },
    script: { actions: 'actions.jsonl' },
    embodiments: ['*'],
    sha256: { 'actions.jsonl': createHash('sha256').update(content).digest('hex') },
  };
  await writeFile(join(dir, 'actions.jsonl'), content);
  await writeFile(join(dir, 'policy.json'), JSON.stringify(manifest));
  return dir;
}
