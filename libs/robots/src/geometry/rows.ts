import type { DhRow, OriginRow, Placement } from '../geometry-schema.js';

/** No displacement. */
export const NONE: Placement = { xyz: [0, 0, 0], rpy: [0, 0, 0] };

type Triple = readonly [number, number, number];

export function at(xyz: Triple, rpy: Triple = [0, 0, 0]): Placement {
  return { xyz, rpy };
}

export function dh(a: number, d: number, alpha: number, theta_offset = 0): DhRow {
  return { a, d, alpha, theta_offset };
}

/** A URDF joint; most turn about z. */
export function joint(xyz: Triple, rpy: Triple = [0, 0, 0], axis: Triple = [0, 0, 1]): OriginRow {
  return { xyz, rpy, axis };
}
