import { type Quat, toEuler } from '../rotation.js';
import type { Pose } from '../target.js';

/** The orientation of a rotation matrix (nine numbers, row by row) as `pose.quat` and `pose.euler`. */
export function setRotation(m: Float64Array, pose: Pose): Pose {
  setQuaternion(m, pose.quat);
  toEuler(pose.quat, pose.euler);
  return pose;
}

/** Shepperd's way: divides by the largest of the four parts, so that no turn near π loses digits. */
function setQuaternion(m: Float64Array, out: Quat): Quat {
  const xx = m[0] ?? 0;
  const yy = m[4] ?? 0;
  const zz = m[8] ?? 0;
  const wx = (m[7] ?? 0) - (m[5] ?? 0);
  const wy = (m[2] ?? 0) - (m[6] ?? 0);
  const wz = (m[3] ?? 0) - (m[1] ?? 0);
  const xy = (m[1] ?? 0) + (m[3] ?? 0);
  const xz = (m[2] ?? 0) + (m[6] ?? 0);
  const yz = (m[5] ?? 0) + (m[7] ?? 0);
  const trace = xx + yy + zz;
  if (trace >= xx && trace >= yy && trace >= zz) out.set(1 + trace, wx, wy, wz);
  else if (xx >= yy && xx >= zz) out.set(wx, 1 + xx - yy - zz, xy, xz);
  else if (yy >= zz) out.set(wy, xy, 1 + yy - xx - zz, yz);
  else out.set(wz, xz, yz, 1 + zz - xx - yy);
  out.normalize();
  return out.w < 0 ? out.set(-out.w, -out.x, -out.y, -out.z) : out;
}
