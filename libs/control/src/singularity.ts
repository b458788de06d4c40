import { at } from './chunk.js';
import type { Kinematics } from './kinematics/kinematics.js';
import type { Vec3 } from './vec3.js';

/** MoveIt Servo's thresholds of σ₁/σₙ: slower from here on; from there on not nearer; and led away, slower up to here. */
const SLOW_FROM = 17;
const STOP_AT = 30;
const LEAVE_UNTIL = SLOW_FROM + 2 * (STOP_AT - SLOW_FROM);
/** However near, there must be a way out. */
const LEAST_SHARE = 0.1;
/** Damping of the inverse, and how far (rad) is looked ahead. */
const DAMPING = 1e-3;
const AHEAD = 1e-3;
/** More turned than this (rad) no joint was measured in radians. */
const MOST_TURNED = 100 * Math.PI;

/**
 * How fast the tool may be led where the arm is: near a singularity a slow tool means fast joints, at one there is no way on. The
 * joints are those of the last observation; where a step leads them is read from the damped inverse of the Jacobian. Steps are in
 * the frame of the robot's geometry. Allocates nothing after construction.
 */
export class SingularityGuard {
  readonly #kinematics: Kinematics;
  readonly #entries: readonly number[];
  readonly #q: Float64Array;
  readonly #ahead: Float64Array;
  readonly #jacobian: Float64Array;
  readonly #normal = new Float64Array(36);
  readonly #x = new Float64Array(6);
  #conditioning = 0;

  /** `entries`: which of the state are the joints, in the record's order. */
  constructor(kinematics: Kinematics, entries: readonly number[]) {
    this.#kinematics = kinematics;
    this.#entries = entries;
    this.#q = new Float64Array(kinematics.dof);
    this.#ahead = new Float64Array(kinematics.dof);
    this.#jacobian = new Float64Array(6 * kinematics.dof);
  }

  /** Joints that are not finite are not taken. */
  observe(state: Float64Array): void {
    for (let i = 0; i < this.#q.length; i++) {
      if (!(Math.abs(state[this.#entries[i] as number] ?? Number.NaN) <= MOST_TURNED)) return;
    }
    for (let i = 0; i < this.#q.length; i++) this.#q[i] = at(state, this.#entries[i] as number);
    this.#conditioning = this.#kinematics.conditioning(this.#q);
  }

  forget(): void {
    this.#conditioning = 0;
  }

  /** The share of full speed with which the tool may go this way: m and rad of one step, the rotation as a vector. */
  share(translation: Vec3, rotation: Vec3): number {
    const here = this.#conditioning;
    if (!(here > SLOW_FROM)) return 1;
    if (translation.isZero() && rotation.isZero()) return 1;
    if (this.#leaves(translation, rotation, here)) {
      return Math.max(LEAST_SHARE, 1 - (here - SLOW_FROM) / (LEAVE_UNTIL - SLOW_FROM));
    }
    return Math.max(0, 1 - (here - SLOW_FROM) / (STOP_AT - SLOW_FROM));
  }

  #leaves(translation: Vec3, rotation: Vec3, here: number): boolean {
    const n = this.#q.length;
    const jacobian = this.#kinematics.jacobian(this.#q, this.#jacobian);
    const x = this.#x;
    x[0] = translation.x;
    x[1] = translation.y;
    x[2] = translation.z;
    x[3] = rotation.x;
    x[4] = rotation.y;
    x[5] = rotation.z;
    const a = this.#normal;
    for (let r = 0; r < 6; r++) {
      for (let c = 0; c <= r; c++) {
        let sum = r === c ? DAMPING * DAMPING : 0;
        for (let i = 0; i < n; i++) sum += at(jacobian, r * n + i) * at(jacobian, c * n + i);
        a[6 * r + c] = sum;
      }
    }
    solve(a, x);
    let square = 0;
    for (let i = 0; i < n; i++) {
      let turn = 0;
      for (let r = 0; r < 6; r++) turn += at(jacobian, r * n + i) * at(x, r);
      this.#ahead[i] = turn;
      square += turn * turn;
    }
    const scale = AHEAD / Math.sqrt(square);
    if (!Number.isFinite(scale)) return false;
    for (let i = 0; i < n; i++) this.#ahead[i] = at(this.#q, i) + scale * at(this.#ahead, i);
    return this.#kinematics.conditioning(this.#ahead) < here;
  }
}

/** x := A⁻¹x for the lower half of a symmetric positive definite 6 × 6 matrix, which is overwritten (Cholesky). */
function solve(a: Float64Array, x: Float64Array): void {
  for (let r = 0; r < 6; r++) {
    for (let c = 0; c <= r; c++) {
      let sum = at(a, 6 * r + c);
      for (let k = 0; k < c; k++) sum -= at(a, 6 * r + k) * at(a, 6 * c + k);
      a[6 * r + c] = r === c ? Math.sqrt(Math.max(sum, 1e-30)) : sum / at(a, 7 * c);
    }
  }
  for (let r = 0; r < 6; r++) {
    let sum = at(x, r);
    for (let k = 0; k < r; k++) sum -= at(a, 6 * r + k) * at(x, k);
    x[r] = sum / at(a, 7 * r);
  }
  for (let r = 5; r >= 0; r--) {
    let sum = at(x, r);
    for (let k = r + 1; k < 6; k++) sum -= at(a, 6 * k + r) * at(x, k);
    x[r] = sum / at(a, 7 * r);
  }
}
