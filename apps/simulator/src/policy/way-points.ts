import { GRIPPER } from '../table/world.js';

/** Actions in a chunk of the bundle. */
export const CHUNK = 8;
export const CHUNK_VALUES = CHUNK * 7;

/** Deltas [8 × 7] from `pose` become poses: what a late chunk wanted stays what it wanted. */
export function wayPoints(chunk: ArrayLike<number>, pose: ArrayLike<number>): Float64Array {
  const points = new Float64Array(CHUNK_VALUES);
  for (let k = 0; k < CHUNK; k++) {
    for (let i = 0; i < 6; i++) {
      const from = k === 0 ? (pose[i] ?? 0) : (points[(k - 1) * 7 + i] ?? 0);
      points[k * 7 + i] = from + (chunk[k * 7 + i] ?? 0);
    }
    points[k * 7 + GRIPPER] = chunk[k * 7 + GRIPPER] ?? 0;
  }
  return points;
}

/** The action that reaches way-point `k` from `pose`, into `action`. */
export function follow(points: Float64Array, k: number, pose: ArrayLike<number>, action: Float64Array): void {
  for (let i = 0; i < 6; i++) action[i] = (points[k * 7 + i] ?? 0) - (pose[i] ?? 0);
  action[GRIPPER] = (points[k * 7 + GRIPPER] ?? 0) > 0.5 ? 1 : 0;
}
