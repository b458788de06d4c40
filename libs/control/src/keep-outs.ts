import type { KeepOut } from '@sinew/protocol';
import { LimitsRefusal } from './limits-refusal.js';
import type { BoxVolume, Point, Volume } from './volumes.js';

/** A workspace thinner than this (m) is none. */
const THINNEST = 1e-6;

/**
 * The keep-outs of `open` as they are enforced: every number finite, sizes above zero, normals of length 1. What leaves nothing of the
 * workspace is a contradiction, refused with the entry that takes the last of it. Throws LimitsRefusal, field `keep_out.<i>`.
 */
export function keepOutsInForce(given: readonly KeepOut[], workspace: BoxVolume): readonly Volume[] {
  const left = { lo: [...workspace.min], hi: [...workspace.max] };
  return given.map((entry, i) => {
    const volume = volumeOf(entry, `keep_out.${i}`);
    shrink(left, volume);
    if (left.lo.some((lo, axis) => !((left.hi[axis] as number) - lo >= THINNEST))) {
      throw new LimitsRefusal(`keep_out.${i}`, 'leaves nothing of the workspace');
    }
    return volume;
  });
}

function volumeOf(entry: KeepOut, field: string): Volume {
  if (typeof entry !== 'object' || entry === null)
    throw new LimitsRefusal(field, 'must be a box, a ball or a half-space');
  if ('center' in entry) {
    const center = finitePoint(`${field}.center`, entry.center);
    const { radius } = entry;
    if (!(radius > 0 && Number.isFinite(radius)))
      throw new LimitsRefusal(`${field}.radius`, 'must be a positive number (metres)');
    return { center, radius };
  }
  if ('normal' in entry) {
    const [x, y, z] = finitePoint(`${field}.normal`, entry.normal);
    const size = Math.hypot(x, y, z);
    if (!(size > 0 && Number.isFinite(size))) throw new LimitsRefusal(`${field}.normal`, 'must not be zero');
    const offset = entry.offset / size + 0;
    if (!Number.isFinite(offset)) throw new LimitsRefusal(`${field}.offset`, 'must be a finite number (metres)');
    return { normal: [x / size, y / size, z / size], offset };
  }
  const min = finitePoint(`${field}.min`, entry.min);
  const max = finitePoint(`${field}.max`, entry.max);
  if (min.some((low, axis) => !(low < (max[axis] as number)))) throw new LimitsRefusal(field, 'min must lie below max');
  return { min, max };
}

/** Three finite numbers, or a refusal that names the field. */
export function finitePoint(field: string, values: readonly number[]): Point {
  const [x, y, z] = Array.isArray(values) ? values : [];
  if (values?.length !== 3 || !Number.isFinite(x) || !Number.isFinite(y) || !Number.isFinite(z)) {
    throw new LimitsRefusal(field, 'must be three finite numbers (metres)');
  }
  // −0 becomes 0: limits are recorded as msgpack, which has no −0, and a replay must build the very same ones.
  return [x + 0, y + 0, z + 0];
}

/** The smallest box round what `volume` leaves of the box `left`, as far as one volume by itself tells. */
function shrink(left: { lo: number[]; hi: number[] }, volume: Volume): void {
  const { lo, hi } = left as { lo: [number, number, number]; hi: [number, number, number] };
  if ('radius' in volume) {
    const furthest = volume.center.map((c, i) => Math.max(c - (lo[i] as number), (hi[i] as number) - c));
    if (Math.hypot(...furthest) <= volume.radius) hi[0] = lo[0];
  } else if ('normal' in volume) {
    const { normal, offset } = volume;
    const most = normal.map((n, i) => Math.max(n * (lo[i] as number), n * (hi[i] as number)));
    const sum = most.reduce((a, b) => a + b, 0);
    for (const axis of [0, 1, 2] as const) {
      // What this axis must bring when the two others bring the most that they can.
      const needed = offset - (sum - (most[axis] as number));
      if (normal[axis] > 0) lo[axis] = Math.max(lo[axis], needed / normal[axis]);
      else if (normal[axis] < 0) hi[axis] = Math.min(hi[axis], needed / normal[axis]);
      else if (needed > 0) hi[axis] = lo[axis];
    }
  } else {
    const spans = ([0, 1, 2] as const).map((axis) => volume.min[axis] <= lo[axis] && volume.max[axis] >= hi[axis]);
    for (const axis of [0, 1, 2] as const) {
      if (spans.some((spanned, other) => other !== axis && !spanned)) continue;
      if (volume.min[axis] <= lo[axis]) lo[axis] = Math.max(lo[axis], volume.max[axis]);
      else if (volume.max[axis] >= hi[axis]) hi[axis] = Math.min(hi[axis], volume.min[axis]);
    }
  }
}
