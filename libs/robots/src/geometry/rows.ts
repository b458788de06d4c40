import type { DhRow, OriginRow, Placement } from '../geometry-schema.js';

/** As shares of a whole turn. Right angles that a source prints rounded (1.5708, 1.571) are exact here. */
export const HALF = Math.PI;
export const QUARTER = Math.PI / 2;
export const EIGHTH = Math.PI / 4;
export const SIXTH = Math.PI / 3;

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
