import type { RobotGeometry, RobotRecord } from '@sinew/robots';
import type { Pose } from '../target.js';
import type { Vec3 } from '../vec3.js';
import { compileChain, PLACEMENT } from './chain.js';
import { setRotation } from './rotation-matrix.js';
import { conditionNumber } from './singular-values.js';

/**
 * Forward kinematics of one robot type: where its tool centre point (the geometry's `tcp`) is in the geometry's base frame.
 * Joints in rad in the record's order; only the first `dof` numbers of `q` are read. Every instance has its own scratch numbers
 * and allocates nothing after construction. What is not finite goes in and comes out: callers check.
 */
export class Kinematics {
  readonly dof: number;
  readonly #chain: Float64Array;
  /** Rotation row by row and position of the frame that the forward walk has come to. */
  readonly #frame = new Float64Array(PLACEMENT);
  /** Axis and origin of each joint, three numbers each, as the forward walk left them. */
  readonly #axes: Float64Array;
  readonly #origins: Float64Array;
  readonly #jacobian: Float64Array;
  readonly #columns: Float64Array;

  constructor(geometry: RobotGeometry) {
    this.dof = geometry.rows.length;
    this.#chain = compileChain(geometry);
    this.#axes = new Float64Array(3 * this.dof);
    this.#origins = new Float64Array(3 * this.dof);
    this.#jacobian = new Float64Array(6 * this.dof);
    this.#columns = new Float64Array(6 * this.dof);
  }

  /** The position alone, m: one point carried from the tip to the base, several times cheaper than `pose`. */
  position(q: Float64Array, out: Vec3): Vec3 {
    const chain = this.#chain;
    let k = this.dof * PLACEMENT;
    let x = chain[k + 9] ?? 0;
    let y = chain[k + 10] ?? 0;
    let z = chain[k + 11] ?? 0;
    for (let i = this.dof - 1; i >= 0; i--) {
      const angle = q[i] ?? NaN;
      const c = Math.cos(angle);
      const s = Math.sin(angle);
      const u = c * x - s * y;
      const v = s * x + c * y;
      k -= PLACEMENT;
      x = (chain[k] ?? 0) * u + (chain[k + 1] ?? 0) * v + (chain[k + 2] ?? 0) * z + (chain[k + 9] ?? 0);
      y = (chain[k + 3] ?? 0) * u + (chain[k + 4] ?? 0) * v + (chain[k + 5] ?? 0) * z + (chain[k + 10] ?? 0);
      z = (chain[k + 6] ?? 0) * u + (chain[k + 7] ?? 0) * v + (chain[k + 8] ?? 0) * z + (chain[k + 11] ?? 0);
    }
    return out.set(x, y, z);
  }

  /** Position (m) and orientation as `out.quat` and `out.euler`, the angles within ±π. */
  pose(q: Float64Array, out: Pose): Pose {
    this.#walk(q);
    const frame = this.#frame;
    out.position.set(frame[9] ?? 0, frame[10] ?? 0, frame[11] ?? 0);
    setRotation(frame, out);
    return out;
  }

  /**
   * The geometric Jacobian at the tool centre point in base axes, 6 × dof, row by row: three rows m/s and three rows rad/s
   * for each rad/s of a joint.
   */
  jacobian(q: Float64Array, out: Float64Array): Float64Array {
    this.#walk(q);
    const n = this.dof;
    const frame = this.#frame;
    const px = frame[9] ?? 0;
    const py = frame[10] ?? 0;
    const pz = frame[11] ?? 0;
    for (let i = 0; i < n; i++) {
      const ax = this.#axes[3 * i] ?? 0;
      const ay = this.#axes[3 * i + 1] ?? 0;
      const az = this.#axes[3 * i + 2] ?? 0;
      const rx = px - (this.#origins[3 * i] ?? 0);
      const ry = py - (this.#origins[3 * i + 1] ?? 0);
      const rz = pz - (this.#origins[3 * i + 2] ?? 0);
      out[i] = ay * rz - az * ry;
      out[n + i] = az * rx - ax * rz;
      out[2 * n + i] = ax * ry - ay * rx;
      out[3 * n + i] = ax;
      out[4 * n + i] = ay;
      out[5 * n + i] = az;
    }
    return out;
  }

  /**
   * σ₁/σₙ of the Jacobian (metres and radians as they are, like MoveIt Servo, whose thresholds 17 and 30 are read against it):
   * how much faster joints must turn for the worst direction than for the best. Of the 6 directions, or of `dof` where an arm
   * has fewer. At a singularity large, up to Infinity.
   */
  conditioning(q: Float64Array): number {
    const n = this.dof;
    const jacobian = this.jacobian(q, this.#jacobian);
    if (n >= 6) return conditionNumber(jacobian, 6, n);
    // Fewer joints than directions: the joints' columns are what can be independent.
    for (let i = 0; i < n; i++) {
      for (let row = 0; row < 6; row++) this.#columns[6 * i + row] = jacobian[row * n + i] ?? 0;
    }
    return conditionNumber(this.#columns, n, 6);
  }

  /** From the base to the tip: the tip's frame, and every joint's axis and origin on the way. */
  #walk(q: Float64Array): void {
    const chain = this.#chain;
    const n = this.dof;
    let r00 = 1;
    let r01 = 0;
    let r02 = 0;
    let r10 = 0;
    let r11 = 1;
    let r12 = 0;
    let r20 = 0;
    let r21 = 0;
    let r22 = 1;
    let x = 0;
    let y = 0;
    let z = 0;
    for (let i = 0; i <= n; i++) {
      const k = i * PLACEMENT;
      const tx = chain[k + 9] ?? 0;
      const ty = chain[k + 10] ?? 0;
      const tz = chain[k + 11] ?? 0;
      x += r00 * tx + r01 * ty + r02 * tz;
      y += r10 * tx + r11 * ty + r12 * tz;
      z += r20 * tx + r21 * ty + r22 * tz;
      const a = chain[k] ?? 0;
      const b = chain[k + 1] ?? 0;
      const c = chain[k + 2] ?? 0;
      const d = chain[k + 3] ?? 0;
      const e = chain[k + 4] ?? 0;
      const f = chain[k + 5] ?? 0;
      const g = chain[k + 6] ?? 0;
      const h = chain[k + 7] ?? 0;
      const l = chain[k + 8] ?? 0;
      let u0 = r00 * a + r01 * d + r02 * g;
      let u1 = r10 * a + r11 * d + r12 * g;
      let u2 = r20 * a + r21 * d + r22 * g;
      let v0 = r00 * b + r01 * e + r02 * h;
      let v1 = r10 * b + r11 * e + r12 * h;
      let v2 = r20 * b + r21 * e + r22 * h;
      const w0 = r00 * c + r01 * f + r02 * l;
      const w1 = r10 * c + r11 * f + r12 * l;
      const w2 = r20 * c + r21 * f + r22 * l;
      if (i < n) {
        this.#axes[3 * i] = w0;
        this.#axes[3 * i + 1] = w1;
        this.#axes[3 * i + 2] = w2;
        this.#origins[3 * i] = x;
        this.#origins[3 * i + 1] = y;
        this.#origins[3 * i + 2] = z;
        const angle = q[i] ?? NaN;
        const cos = Math.cos(angle);
        const sin = Math.sin(angle);
        const t0 = cos * u0 + sin * v0;
        const t1 = cos * u1 + sin * v1;
        const t2 = cos * u2 + sin * v2;
        v0 = cos * v0 - sin * u0;
        v1 = cos * v1 - sin * u1;
        v2 = cos * v2 - sin * u2;
        u0 = t0;
        u1 = t1;
        u2 = t2;
      }
      r00 = u0;
      r10 = u1;
      r20 = u2;
      r01 = v0;
      r11 = v1;
      r21 = v2;
      r02 = w0;
      r12 = w1;
      r22 = w2;
    }
    const frame = this.#frame;
    frame[0] = r00;
    frame[1] = r01;
    frame[2] = r02;
    frame[3] = r10;
    frame[4] = r11;
    frame[5] = r12;
    frame[6] = r20;
    frame[7] = r21;
    frame[8] = r22;
    frame[9] = x;
    frame[10] = y;
    frame[11] = z;
  }
}

/** The kinematics of a record, an instance of its own each time; null where the registry has no geometry. */
export function kinematicsOf(robot: RobotRecord): Kinematics | null {
  return robot.geometry === null ? null : new Kinematics(robot.geometry);
}
