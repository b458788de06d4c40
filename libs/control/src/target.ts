import { Quat } from './rotation.js';
import { Vec3 } from './vec3.js';

/** How rotations add up: Euler angles a component at a time, or rotation vectors composed from the left. */
export type RotationKind = 'euler_xyz' | 'rotvec';

/**
 * A pose of the tool centre point. With `euler_xyz` the rotation is `euler` (roll, pitch, yaw, unwrapped: beyond ±π where
 * motion led there); with `rotvec` it is `quat`. The other field is not kept.
 */
export class Pose {
  readonly position = new Vec3();
  readonly euler = new Vec3();
  readonly quat = new Quat();

  copy(from: Pose): this {
    this.position.copy(from.position);
    this.euler.copy(from.euler);
    this.quat.copy(from.quat);
    return this;
  }
}
