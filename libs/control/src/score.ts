import { FLAG } from './flags.js';
import type { LimitsInForce } from './limits.js';
import { distance, norm, type Vec3 } from './vec3.js';

export const WORKSPACE_WEIGHT = 0.4;
export const DYNAMICS_WEIGHT = 0.25;
export const COLLISION_WEIGHT = 1;
/** The fourth, `instruction`, is judged on the text at `open` or `instruction`: what runs has passed it. */
const CHECKS = 4;

/** How far one step of the policy breaks each check: 0 within the limit, 1 twice the limit or beyond. */
export interface StepScore {
  score: number;
  /** How many of workspace, dynamics, collision, instruction hold. */
  checksPassed: number;
  /** FLAG.policy_* of the checks broken. */
  flags: number;
  /** Dynamics alone never rejects: slowing down is what the governor is for. */
  onlyDynamics: boolean;
}

/**
 * Judges the policy's own step (control.md "Safety governor"): its translation and rotation (m, rad a tick), the step before it
 * in the same chunk (`null` for the first: what was sent before it is another chunk's), and the way-point it leads to
 * (`null` where the state holds no pose: workspace and reach cannot be judged, and do not count as passed).
 * Excess of the workspace is the distance outside relative to the box's half width on that axis.
 */
export function scoreStep(
  limits: LimitsInForce,
  translation: Vec3,
  rotation: Vec3,
  before: { readonly translation: Vec3; readonly rotation: Vec3 } | null,
  target: Vec3 | null,
  out: StepScore,
): StepScore {
  const { v, a, w, dw } = limits.cartesian;
  const hz = limits.control_hz;
  let dynamics = Math.max(excess(norm(translation) * hz, v.value), excess(norm(rotation) * hz, w.value));
  if (before !== null) {
    const change = distance(translation, before.translation) * hz * hz;
    const turn = distance(rotation, before.rotation) * hz * hz;
    dynamics = Math.max(dynamics, excess(change, a.value), excess(turn, dw.value));
  }
  const workspace = target === null ? 0 : boxExcess(limits, target);
  const { value: reach, checked } = limits.reach;
  const collision = target !== null && checked && reach !== null ? excess(norm(target), reach) : 0;
  out.score =
    (1 - WORKSPACE_WEIGHT * workspace) * (1 - DYNAMICS_WEIGHT * dynamics) * (1 - COLLISION_WEIGHT * collision);
  out.flags =
    (workspace > 0 ? FLAG.policy_workspace : 0) |
    (dynamics > 0 ? FLAG.policy_dynamics : 0) |
    (collision > 0 ? FLAG.policy_collision : 0);
  out.checksPassed =
    CHECKS - (target === null || workspace > 0 ? 1 : 0) - (dynamics > 0 ? 1 : 0) - (collision > 0 ? 1 : 0);
  out.onlyDynamics = workspace === 0 && collision === 0;
  return out;
}

/** Beyond the limit, relative to it, at most 1; rounding is no violation. */
function excess(value: number, limit: number): number {
  const over = value / limit - 1;
  return over > 1e-9 ? Math.min(1, over) : 0;
}

function boxExcess({ workspace: { min, max } }: LimitsInForce, target: Vec3): number {
  const x = axisExcess(target.x, min[0], max[0]);
  const y = axisExcess(target.y, min[1], max[1]);
  const z = axisExcess(target.z, min[2], max[2]);
  return Math.max(x, y, z);
}

function axisExcess(value: number, lo: number, hi: number): number {
  const outside = Math.max(lo - value, value - hi);
  const half = (hi - lo) / 2;
  return outside > 1e-9 * half ? Math.min(1, outside / half) : 0;
}
