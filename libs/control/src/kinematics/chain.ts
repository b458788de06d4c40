import type { Placement, RobotGeometry } from '@sinew/robots';

/** Numbers of one rigid placement: its rotation row by row, then its translation. */
export const PLACEMENT = 12;

/**
 * Any of the registry's conventions as one: P₀·Rz(q₀)·P₁·Rz(q₁) … Rz(qₙ₋₁)·Pₙ, with P fixed. What stands before a joint's
 * turn is folded into its P, what stands behind it into the next.
 * Returns (dof + 1) × 12 numbers.
 */
export function compileChain(geometry: RobotGeometry): Float64Array {
  const dof = geometry.rows.length;
  const out = new Float64Array((dof + 1) * PLACEMENT);
  let pending = placed(geometry.base);
  const joint = (i: number, before: Matrix, after: Matrix): void => {
    write(out, i, product(pending, before));
    pending = after;
  };
  switch (geometry.convention) {
    case 'dh':
      for (const [i, row] of geometry.rows.entries()) {
        joint(i, rotation(Z, row.theta_offset), product(translation(row.a, 0, row.d), rotation(X, row.alpha)));
      }
      break;
    case 'mdh':
      for (const [i, row] of geometry.rows.entries()) {
        // Tx and Rx are on one axis, Tz and Rz on another: each pair commutes.
        const link = product(rotation(X, row.alpha), translation(row.a, 0, row.d));
        joint(i, product(link, rotation(Z, row.theta_offset)), IDENTITY);
      }
      break;
    case 'origins':
      for (const [i, row] of geometry.rows.entries()) {
        // A turn about any axis is one about z, seen from a frame whose z is that axis.
        const aligned = zOnto(row.axis);
        joint(i, product(placed(row), aligned), transposed(aligned));
      }
      break;
  }
  const tip = product(placed(geometry.flange), geometry.tool === null ? IDENTITY : placed(geometry.tool));
  write(out, dof, product(pending, tip));
  return out;
}

type Vector = readonly [number, number, number];
/** Three rows of the rotation, then the translation. */
type Matrix = readonly [Vector, Vector, Vector, Vector];

const X: Vector = [1, 0, 0];
const Y: Vector = [0, 1, 0];
const Z: Vector = [0, 0, 1];
const ZERO: Vector = [0, 0, 0];
const IDENTITY: Matrix = [X, Y, Z, ZERO];

function placed({ xyz, rpy: [roll, pitch, yaw] }: Placement): Matrix {
  const turned = product(product(rotation(Z, yaw), rotation(Y, pitch)), rotation(X, roll));
  return [turned[0], turned[1], turned[2], xyz];
}

function translation(x: number, y: number, z: number): Matrix {
  return [X, Y, Z, [x, y, z]];
}

/** About a unit axis, by Rodrigues' formula. */
function rotation([x, y, z]: Vector, angle: number): Matrix {
  const c = Math.cos(angle);
  const s = Math.sin(angle);
  const k = 1 - c;
  return [
    [c + k * x * x, k * x * y - s * z, k * x * z + s * y],
    [k * x * y + s * z, c + k * y * y, k * y * z - s * x],
    [k * x * z - s * y, k * y * z + s * x, c + k * z * z],
    ZERO,
  ];
}

/** A rotation that takes z onto `axis` the shorter way. */
function zOnto(axis: Vector): Matrix {
  const [x, y, z] = axis;
  const across = Math.hypot(x, y);
  if (across === 0) return z > 0 ? IDENTITY : rotation(X, Math.PI);
  return rotation([-y / across, x / across, 0], Math.atan2(across, z));
}

function transposed([a, b, c]: Matrix): Matrix {
  return [[a[0], b[0], c[0]], [a[1], b[1], c[1]], [a[2], b[2], c[2]], ZERO];
}

function product(a: Matrix, b: Matrix): Matrix {
  const row = (r: Vector): Vector => [
    r[0] * b[0][0] + r[1] * b[1][0] + r[2] * b[2][0],
    r[0] * b[0][1] + r[1] * b[1][1] + r[2] * b[2][1],
    r[0] * b[0][2] + r[1] * b[1][2] + r[2] * b[2][2],
  ];
  const moved = (r: Vector, t: number): number => r[0] * b[3][0] + r[1] * b[3][1] + r[2] * b[3][2] + t;
  return [row(a[0]), row(a[1]), row(a[2]), [moved(a[0], a[3][0]), moved(a[1], a[3][1]), moved(a[2], a[3][2])]];
}

function write(out: Float64Array, index: number, matrix: Matrix): void {
  out.set(matrix.flat(), index * PLACEMENT);
}
