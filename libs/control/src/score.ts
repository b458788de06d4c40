import { FLAG } from './flags.js';
import type { LimitsInForce } from './limits.js';
import { distance, norm, Vec3 } from './vec3.js';
import { TcpEnvelope } from './volumes.js';

export const WORKSPACE_WEIGHT = 0.4;
export const DYNAMICS_WEIGHT = 0.25;
export const COLLISION_WEIGHT = 1;
/** The fourth, `instruction`, is judged on the text at `open` or `instruction`: what runs has passed it. */
const CHECKS = 4;
/** Rounding of actions that come as float32, m; and relative. */
const GRAZE = 1e-9;

/** How far one step of the policy breaks each check: 0 within the limit, 1 twice the limit or beyond. */
export interface StepScore {
  score: number;
  /** How many of workspace, dynamics, collision, instruction hold. */
  checksPassed: number;
  /** FLAG.policy_* of the checks broken. */
  flags: number;
  /** Dynamics alone never rejects: slowing down is what the governor is for. */
  onlyDynamics: boolean;
  /** Leads into a keep-out: never sent, whatever the least score. */
  forbidden: boolean;
}

/**
 * Judges the steps of a chunk as the policy asks for them, before way-points, blend and smoothing (control.md "Safety governor"). Excess
 * is relative to the limit, at most 1: of speeds and accelerations over theirs; of a target's distance outside the box over the
 * box's half width on that axis; of its distance beyond the reach over the reach; 1 for whatever touches a keep-out. A robot
 * found outside may be led back: only what is further out, or deeper in, than it was found counts.
 */
export class StepJudge {
  readonly #limits: LimitsInForce;
  readonly #envelope: TcpEnvelope;
  readonly #origin = new Vec3();
  readonly #at = new Vec3();
  readonly #translation = new Vec3();
  readonly #rotation = new Vec3();
  #posed = false;
  #first = true;
  readonly #out: StepScore = { score: 1, checksPassed: CHECKS, flags: 0, onlyDynamics: true, forbidden: false };

  constructor(limits: LimitsInForce) {
    this.#limits = limits;
    this.#envelope = new TcpEnvelope(null, limits.keep_out);
  }

  /** A chunk made at `origin`; null where the state holds no pose: space cannot be judged, and does not count as passed. */
  begin(origin: Vec3 | null): void {
    this.#posed = origin !== null;
    this.#first = true;
    if (origin === null) return;
    this.#origin.copy(origin);
    this.#at.copy(origin);
  }

  /** The next step (m, rad a tick), which leads to `target`. Reused result. */
  step(translation: Vec3, rotation: Vec3, target: Vec3): StepScore {
    const dynamics = this.#dynamics(translation, rotation);
    const workspace = this.#posed ? this.#workspace(target) : 0;
    const forbidden = this.#posed && this.#envelope.forbids(this.#origin, this.#at, target, GRAZE);
    const collision = forbidden ? 1 : this.#posed ? this.#reach(target) : 0;
    const out = this.#out;
    out.score =
      (1 - WORKSPACE_WEIGHT * workspace) * (1 - DYNAMICS_WEIGHT * dynamics) * (1 - COLLISION_WEIGHT * collision);
    out.flags =
      (workspace > 0 ? FLAG.policy_workspace : 0) |
      (dynamics > 0 ? FLAG.policy_dynamics : 0) |
      (collision > 0 ? FLAG.policy_collision : 0);
    out.checksPassed =
      CHECKS - (!this.#posed || workspace > 0 ? 1 : 0) - (dynamics > 0 ? 1 : 0) - (collision > 0 ? 1 : 0);
    out.onlyDynamics = workspace === 0 && collision === 0;
    out.forbidden = forbidden;
    this.#first = false;
    this.#translation.copy(translation);
    this.#rotation.copy(rotation);
    this.#at.copy(target);
    return out;
  }

  /** Accelerations between the steps of one chunk: what was sent before the first is another's. */
  #dynamics(translation: Vec3, rotation: Vec3): number {
    const { v, a, w, dw } = this.#limits.cartesian;
    const hz = this.#limits.control_hz;
    const speed = Math.max(excess(norm(translation) * hz, v.value), excess(norm(rotation) * hz, w.value));
    if (this.#first) return speed;
    const change = distance(translation, this.#translation) * hz * hz;
    const turn = distance(rotation, this.#rotation) * hz * hz;
    return Math.max(speed, excess(change, a.value), excess(turn, dw.value));
  }

  #workspace(target: Vec3): number {
    const { workspace } = this.#limits;
    if (workspace === null) return 0;
    const { min, max } = workspace;
    const origin = this.#origin;
    const x = axisExcess(target.x, origin.x, min[0], max[0]);
    const y = axisExcess(target.y, origin.y, min[1], max[1]);
    const z = axisExcess(target.z, origin.z, min[2], max[2]);
    return Math.max(x, y, z);
  }

  #reach(target: Vec3): number {
    const { value: reach, checked } = this.#limits.reach;
    if (!checked || reach === null) return 0;
    const far = norm(target);
    return far > norm(this.#origin) ? excess(far, reach) : 0;
  }
}

/** Beyond the limit, relative to it, at most 1; rounding is no violation. */
function excess(value: number, limit: number): number {
  const over = value / limit - 1;
  return over > GRAZE ? Math.min(1, over) : 0;
}

function axisExcess(value: number, origin: number, lo: number, hi: number): number {
  const outside = Math.max(lo - value, value - hi);
  const half = (hi - lo) / 2;
  return outside > GRAZE * half && outside > Math.max(lo - origin, origin - hi) ? Math.min(1, outside / half) : 0;
}
