import type { Vec3 } from './vec3.js';

/**
 * A convex region that a point may not enter. `depth` is how far inside: concave within the region, positive inside, at most 0
 * outside; so along a straight line it rises, then falls, and one closed form a shape finds where it rises above a value.
 */
export interface Solid {
  depth(p: Vec3): number;
  /** The first share of the segment at which it is deeper than `ease` (which is at least the depth of `from`); Infinity: never. */
  entry(from: Vec3, to: Vec3, ease: number): number;
  /**
   * Moves `end` straight out to the plane that faces `from` at `margin` before the region; from beyond that plane, no deeper than
   * `from`.
   */
  slide(from: Vec3, end: Vec3, margin: number): void;
}

export class BoxSolid implements Solid {
  constructor(
    readonly lo: Vec3,
    readonly hi: Vec3,
  ) {}

  depth(p: Vec3): number {
    const { lo, hi } = this;
    return Math.min(p.x - lo.x, hi.x - p.x, p.y - lo.y, hi.y - p.y, p.z - lo.z, hi.z - p.z);
  }

  /** The box shrunk by `ease`, cut by the segment an axis at a time. */
  entry(from: Vec3, to: Vec3, ease: number): number {
    const { lo, hi } = this;
    let enter = 0;
    let leave = 1;
    for (let axis = 0; axis < 3; axis++) {
      const at = axis === 0 ? from.x : axis === 1 ? from.y : from.z;
      const step = (axis === 0 ? to.x : axis === 1 ? to.y : to.z) - at;
      const near = (axis === 0 ? lo.x : axis === 1 ? lo.y : lo.z) + ease - at;
      const far = (axis === 0 ? hi.x : axis === 1 ? hi.y : hi.z) - ease - at;
      if (near >= far) return Infinity;
      if (step === 0) {
        if (near >= 0 || far <= 0) return Infinity;
      } else {
        enter = Math.max(enter, (step > 0 ? near : far) / step);
        leave = Math.min(leave, (step > 0 ? far : near) / step);
      }
      if (enter >= leave) return Infinity;
    }
    return enter;
  }

  /** The face with the most distance to `from`, or the nearest from inside: its plane alone keeps the two apart. */
  slide(from: Vec3, end: Vec3, margin: number): void {
    const { lo, hi } = this;
    const x = Math.max(lo.x - from.x, from.x - hi.x);
    const y = Math.max(lo.y - from.y, from.y - hi.y);
    const z = Math.max(lo.z - from.z, from.z - hi.z);
    if (x >= y && x >= z) end.x = beside(from.x, end.x, lo.x - margin, hi.x + margin);
    else if (y >= z) end.y = beside(from.y, end.y, lo.y - margin, hi.y + margin);
    else end.z = beside(from.z, end.z, lo.z - margin, hi.z + margin);
  }
}

/** `end` kept to the side of [lo, hi] that `from` is on or nearest to; from inside, no nearer to the middle than `from`. */
function beside(from: number, end: number, lo: number, hi: number): number {
  return lo - from >= from - hi ? Math.min(end, Math.max(lo, from)) : Math.max(end, Math.min(hi, from));
}

export class BallSolid implements Solid {
  constructor(
    readonly center: Vec3,
    readonly radius: number,
  ) {}

  depth(p: Vec3): number {
    return this.radius - this.#distance(p, p, 0);
  }

  entry(from: Vec3, to: Vec3, ease: number): number {
    const radius = this.radius - ease;
    if (radius <= 0) return Infinity;
    const x = to.x - from.x;
    const y = to.y - from.y;
    const z = to.z - from.z;
    const square = x * x + y * y + z * z;
    if (square === 0) return Infinity;
    const { center } = this;
    const nearest = ((center.x - from.x) * x + (center.y - from.y) * y + (center.z - from.z) * z) / square;
    // Never deeper than at the start: the distance only grows from here.
    if (nearest <= 0) return Infinity;
    if (this.#distance(from, to, Math.min(1, nearest)) >= radius) return Infinity;
    const off = this.#distance(from, to, nearest);
    const enter = nearest - Math.sqrt(Math.max(0, radius * radius - off * off) / square);
    return Math.max(0, enter);
  }

  slide(from: Vec3, end: Vec3, margin: number): void {
    const { center } = this;
    const distance = this.#distance(from, from, 0);
    if (distance === 0) return;
    const x = (from.x - center.x) / distance;
    const y = (from.y - center.y) / distance;
    const z = (from.z - center.z) / distance;
    const out = x * (end.x - center.x) + y * (end.y - center.y) + z * (end.z - center.z);
    const missing = Math.min(this.radius + margin, distance) - out;
    if (missing > 0) end.set(end.x + missing * x, end.y + missing * y, end.z + missing * z);
  }

  /** From the centre to the point a share `t` along the segment. */
  #distance(from: Vec3, to: Vec3, t: number): number {
    const { center } = this;
    const x = from.x + t * (to.x - from.x) - center.x;
    const y = from.y + t * (to.y - from.y) - center.y;
    const z = from.z + t * (to.z - from.z) - center.z;
    return Math.sqrt(x * x + y * y + z * z);
  }
}

/** Everything with normal · p < offset; the normal has length 1. */
export class HalfSpaceSolid implements Solid {
  constructor(
    readonly normal: Vec3,
    readonly offset: number,
  ) {}

  depth(p: Vec3): number {
    const { normal } = this;
    return this.offset - (normal.x * p.x + normal.y * p.y + normal.z * p.z);
  }

  entry(from: Vec3, to: Vec3, ease: number): number {
    const begin = this.depth(from);
    const end = this.depth(to);
    return end <= ease ? Infinity : Math.max(0, (ease - begin) / (end - begin));
  }

  slide(from: Vec3, end: Vec3, margin: number): void {
    const missing = this.depth(end) - Math.max(-margin, this.depth(from));
    if (missing > 0) end.addScaled(end, this.normal, missing);
  }
}
