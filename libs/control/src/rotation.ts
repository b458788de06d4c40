import type { Vec3 } from './vec3.js';

/** A mutable unit quaternion, w first; rotations compose from the left: q_new = delta ⊗ q (base frame). */
export class Quat {
  w = 1;
  x = 0;
  y = 0;
  z = 0;

  set(w: number, x: number, y: number, z: number): this {
    this.w = w;
    this.x = x;
    this.y = y;
    this.z = z;
    return this;
  }

  copy(from: Quat): this {
    return this.set(from.w, from.x, from.y, from.z);
  }

  /** Back to length 1: products drift by one rounding each. The zero quaternion becomes the identity. */
  normalize(): this {
    const n = Math.sqrt(this.w * this.w + this.x * this.x + this.y * this.y + this.z * this.z);
    return n > 0 ? this.set(this.w / n, this.x / n, this.y / n, this.z / n) : this.set(1, 0, 0, 0);
  }

  /** this := a ⊗ b */
  product(a: Quat, b: Quat): this {
    return this.set(
      a.w * b.w - a.x * b.x - a.y * b.y - a.z * b.z,
      a.w * b.x + a.x * b.w + a.y * b.z - a.z * b.y,
      a.w * b.y - a.x * b.z + a.y * b.w + a.z * b.x,
      a.w * b.z + a.x * b.y - a.y * b.x + a.z * b.w,
    );
  }

  /** this := conjugate(a), its inverse for unit quaternions. */
  inverse(a: Quat): this {
    return this.set(a.w, -a.x, -a.y, -a.z);
  }

  /** this := exp(r), r a rotation vector (rad). */
  exp(r: Vec3): this {
    const angle = Math.sqrt(r.x * r.x + r.y * r.y + r.z * r.z);
    const k = angle < 1e-8 ? 0.5 : Math.sin(angle / 2) / angle;
    return this.set(Math.cos(angle / 2), k * r.x, k * r.y, k * r.z).normalize();
  }

  /** this := Rz(yaw)·Ry(pitch)·Rx(roll). */
  fromEuler(roll: number, pitch: number, yaw: number): this {
    const cr = Math.cos(roll / 2);
    const sr = Math.sin(roll / 2);
    const cp = Math.cos(pitch / 2);
    const sp = Math.sin(pitch / 2);
    const cy = Math.cos(yaw / 2);
    const sy = Math.sin(yaw / 2);
    return this.set(
      cr * cp * cy + sr * sp * sy,
      sr * cp * cy - cr * sp * sy,
      cr * sp * cy + sr * cp * sy,
      cr * cp * sy - sr * sp * cy,
    );
  }
}

/** The rotation vector (rad, at most π long) of q: the shorter way round. */
export function logRotation(q: Quat, out: Vec3): Vec3 {
  const sign = q.w < 0 ? -1 : 1;
  const s = Math.sqrt(q.x * q.x + q.y * q.y + q.z * q.z);
  const k = s < 1e-12 ? 2 * sign : (sign * 2 * Math.atan2(s, Math.abs(q.w))) / s;
  return out.set(k * q.x, k * q.y, k * q.z);
}

/** Roll, pitch, yaw of q, R = Rz·Ry·Rx; at pitch ±π/2 the roll is what is left. */
export function toEuler(q: Quat, out: Vec3): Vec3 {
  const sp = 2 * (q.w * q.y - q.z * q.x);
  return out.set(
    Math.atan2(2 * (q.w * q.x + q.y * q.z), 1 - 2 * (q.x * q.x + q.y * q.y)),
    Math.asin(Math.max(-1, Math.min(1, sp))),
    Math.atan2(2 * (q.w * q.z + q.x * q.y), 1 - 2 * (q.y * q.y + q.z * q.z)),
  );
}

/** `angle` moved by whole turns to within π of `near`: measured Euler angles jump at ±π, commanded ones must not. */
export function unwrap(angle: number, near: number): number {
  const turns = Math.round((near - angle) / (2 * Math.PI));
  return turns === 0 ? angle : angle + turns * 2 * Math.PI;
}

/** The rotation vector that a small increment of roll, pitch, yaw makes at `euler`, R = Rz·Ry·Rx. */
export function rotationOf(increment: Vec3, euler: Vec3, out: Vec3): Vec3 {
  const sp = Math.sin(euler.y);
  const cp = Math.cos(euler.y);
  const sy = Math.sin(euler.z);
  const cy = Math.cos(euler.z);
  const { x: roll, y: pitch, z: yaw } = increment;
  return out.set(cy * cp * roll - sy * pitch, sy * cp * roll + cy * pitch, yaw - sp * roll);
}
