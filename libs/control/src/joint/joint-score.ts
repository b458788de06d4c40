import { at } from '../chunk.js';
import { FLAG } from '../flags.js';
import type { LimitsInForce } from '../limits.js';
import { COLLISION_WEIGHT, DYNAMICS_WEIGHT, type StepScore, WORKSPACE_WEIGHT } from '../score.js';
import { distance, Vec3 } from '../vec3.js';
import { TcpEnvelope } from '../volumes.js';
import type { TcpPosition } from './tcp-guard.js';

const CHECKS = 4;
/** Rounding of actions that come as float32, relative. */
const GRAZE = 1e-6;

/**
 * Judges the steps of a chunk as the policy asks for them, as StepJudge does for poses: workspace is the joints' ranges (distance
 * outside over half the range) and, where the kinematics are known, the tool's box; dynamics are the joints' speeds and
 * accelerations, and the tool's speed; collision is a keep-out that the tool would touch. Without kinematics nobody can tell
 * whether something is hit: collision then does not count as passed. What leads back from outside does not count against it.
 */
export class JointJudge {
  readonly #limits: LimitsInForce;
  readonly #kinematics: TcpPosition | null;
  readonly #keepOut: TcpEnvelope;
  readonly #origin: Float64Array;
  readonly #before: Float64Array;
  #first = true;
  readonly #originTcp = new Vec3();
  readonly #tcp = new Vec3();
  readonly #target = new Vec3();
  readonly #out: StepScore = { score: 1, checksPassed: CHECKS, flags: 0, onlyDynamics: true, forbidden: false };

  constructor(limits: LimitsInForce, kinematics: TcpPosition | null) {
    this.#limits = limits;
    this.#kinematics = kinematics;
    this.#keepOut = new TcpEnvelope(null, limits.keep_out);
    const dof = limits.joints?.length ?? 0;
    this.#origin = new Float64Array(dof);
    this.#before = new Float64Array(dof);
  }

  /** A chunk made where the joints were at `origin`. */
  begin(origin: Float64Array): void {
    this.#origin.set(origin);
    this.#first = true;
    if (this.#kinematics === null) return;
    this.#kinematics.position(origin, this.#originTcp);
    this.#tcp.copy(this.#originTcp);
  }

  /** The next step (rad a tick), which leads to `target`. Reused result. */
  step(step: Float64Array, target: Float64Array): StepScore {
    let workspace = 0;
    let dynamics = 0;
    const joints = this.#limits.joints ?? [];
    const hz = this.#limits.control_hz;
    for (let i = 0; i < joints.length; i++) {
      const joint = joints[i] as (typeof joints)[number];
      dynamics = Math.max(dynamics, excess(Math.abs(at(step, i)) * hz, joint.v.value));
      if (!this.#first) {
        dynamics = Math.max(dynamics, excess(Math.abs(at(step, i) - at(this.#before, i)) * hz * hz, joint.a.value));
      }
      if (!joint.continuous) {
        const { lower, upper } = joint;
        workspace = Math.max(workspace, outside(at(target, i), at(this.#origin, i), lower.value, upper.value));
      }
    }
    let forbidden = false;
    if (this.#kinematics !== null) {
      const p = this.#kinematics.position(target, this.#target);
      dynamics = Math.max(dynamics, excess(distance(p, this.#tcp) * hz, this.#limits.cartesian.v.value));
      workspace = Math.max(workspace, this.#boxExcess(p));
      forbidden = this.#keepOut.forbids(this.#originTcp, this.#tcp, p, GRAZE);
      this.#tcp.copy(p);
    }
    this.#before.set(step);
    this.#first = false;
    return this.#verdict(workspace, dynamics, forbidden);
  }

  #verdict(workspace: number, dynamics: number, forbidden: boolean): StepScore {
    const out = this.#out;
    const collision = forbidden ? 1 : 0;
    out.score =
      (1 - WORKSPACE_WEIGHT * workspace) * (1 - DYNAMICS_WEIGHT * dynamics) * (1 - COLLISION_WEIGHT * collision);
    out.flags =
      (workspace > 0 ? FLAG.policy_workspace : 0) |
      (dynamics > 0 ? FLAG.policy_dynamics : 0) |
      (forbidden ? FLAG.policy_collision : 0);
    out.checksPassed =
      CHECKS - (workspace > 0 ? 1 : 0) - (dynamics > 0 ? 1 : 0) - (this.#kinematics === null || forbidden ? 1 : 0);
    out.onlyDynamics = workspace === 0 && !forbidden;
    out.forbidden = forbidden;
    return out;
  }

  #boxExcess(p: Vec3): number {
    const { workspace } = this.#limits;
    if (workspace === null) return 0;
    const { min, max } = workspace;
    const o = this.#originTcp;
    return Math.max(
      outside(p.x, o.x, min[0], max[0]),
      outside(p.y, o.y, min[1], max[1]),
      outside(p.z, o.z, min[2], max[2]),
    );
  }
}

/** Beyond the limit, relative to it, at most 1; rounding is no violation. */
function excess(value: number, limit: number): number {
  const over = value / limit - 1;
  return over > GRAZE ? Math.min(1, over) : 0;
}

/** How far outside over half the width, if it is further out than where it began. */
function outside(value: number, origin: number, lo: number, hi: number): number {
  const out = Math.max(lo - value, value - hi);
  const half = (hi - lo) / 2;
  return out > GRAZE * half && out > Math.max(lo - origin, origin - hi) ? Math.min(1, out / half) : 0;
}
