import type { ActionConvention } from '@sinew/protocol';
import { at } from './chunk.js';
import type { LimitsInForce } from './limits.js';
import type { Point } from './volumes.js';

/**
 * U2: a step this many times longer than the fastest one is no hasty policy but another unit. A step in millimetres is 1000 times too
 * long, one in degrees 57 times, a normalised one (±1 for a few centimetres) about 40 times.
 */
export const IMPLAUSIBLE_FACTOR = 4;
/**
 * What the reduced mode or a session takes off the speed says nothing about its policy: it is judged by no less than these (m/s,
 * rad/s), five times those of the reduced mode. So a policy scaled up tenfold by mistake passes, and the governor slows it down.
 */
const JUDGED_V = 1.25;
const JUDGED_W = 12.5;
/** No tool of a robot is as far from its base (m), and none has turned so often (rad, four turns). */
const FARTHEST = 20;
const MOST_TURNED = 8 * Math.PI;

/**
 * What `ee_delta` actions [H, D] look like if not steps in metres and radians a tick, else null. More than half a turn a tick, and
 * more than the workspace is long, are no steps at any rate.
 */
export function implausibleSteps(limits: LimitsInForce, actions: Float32Array, dim: number): string | null {
  const { cartesian, control_hz: hz, workspace } = limits;
  const diagonal = workspace === null ? Infinity : distanceOf(workspace.min, workspace.max);
  const translation = Math.min(diagonal, (IMPLAUSIBLE_FACTOR * Math.max(cartesian.v.value, JUDGED_V)) / hz);
  const rotation = Math.min(Math.PI, (IMPLAUSIBLE_FACTOR * Math.max(cartesian.w.value, JUDGED_W)) / hz);
  for (let i = 0; i + dim <= actions.length; i += dim) {
    const moved = length(actions, i);
    if (!(moved <= translation)) {
      const what = moved / 1000 <= translation && moved > 2 ? 'millimetres' : moved <= 2 ? 'normalised' : 'not metres';
      return `a translation of ${moved.toPrecision(3)} a tick looks ${what}; at most ${translation.toPrecision(3)} m can be meant`;
    }
    const turned = length(actions, i + 3);
    if (!(turned <= rotation)) {
      const what = (turned * Math.PI) / 180 <= rotation ? 'like degrees' : 'not like radians';
      return `a rotation of ${turned.toPrecision(3)} a tick looks ${what}; at most ${rotation.toPrecision(3)} rad can be meant`;
    }
  }
  return null;
}

/**
 * Why the pose in a state vector cannot be one in metres and radians, or null; null too where the policy's state holds none. `before`: the
 * state measured before this one. A sensor that counts turns without end got there half a turn at a time at most.
 */
export function implausibleState(
  action: ActionConvention,
  state: Float64Array,
  before: Float64Array | null = null,
): string | null {
  if (action.pose === null) return null;
  const { position, rotation } = action.pose;
  for (let i = 0; i < 3; i++) {
    const place = at(state, position[i] as number);
    const angle = at(state, rotation[i] as number);
    if (!Number.isFinite(place) || !Number.isFinite(angle)) return 'not finite';
    if (Math.abs(place) > FARTHEST) {
      return `a position of ${place.toPrecision(3)} looks like millimetres; metres are meant`;
    }
    if (Math.abs(angle) <= MOST_TURNED) continue;
    if (before !== null && Math.abs(angle - at(before, rotation[i] as number)) <= Math.PI) continue;
    return `a rotation of ${angle.toPrecision(3)} looks like degrees; radians are meant`;
  }
  return null;
}

function distanceOf(a: Point, b: Point): number {
  return Math.sqrt((b[0] - a[0]) ** 2 + (b[1] - a[1]) ** 2 + (b[2] - a[2]) ** 2);
}

function length(actions: Float32Array, i: number): number {
  return Math.sqrt(at(actions, i) ** 2 + at(actions, i + 1) ** 2 + at(actions, i + 2) ** 2);
}
