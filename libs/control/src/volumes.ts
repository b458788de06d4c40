import { FLAG } from './flags.js';
import { BallSolid, BoxSolid, HalfSpaceSolid, type Solid } from './solids.js';
import { Vec3 } from './vec3.js';

export type Point = readonly [number, number, number];

export interface BoxVolume {
  readonly min: Point;
  readonly max: Point;
}

/** A region to keep out of, metres: a box, a ball, or the half-space normal · x < offset (its normal of length 1). */
export type Volume =
  | BoxVolume
  | { readonly center: Point; readonly radius: number }
  | { readonly normal: Point; readonly offset: number };

/** Rounding (m) with which a depth may grow along a motion that keeps it, at least. */
const GRAIN = 1e-14;
/** How deep (m) a wish may graze a volume and still count as not touching it. */
const GRAZE = 1e-12;
/** Rounds of moving a target out of one volume after another before it is stopped short instead. */
const SLIDES = 3;

/**
 * Where the tool centre point may be: in the workspace box and in none of the keep-outs. Between ticks the robot is taken to move in
 * a straight line, so it is segments that are judged, by closed forms. From outside (the measured pose is what it is) only
 * motion that gets no deeper is allowed: on no axis further from the box, in no keep-out deeper than where it starts (SAFE-B8).
 */
export class TcpEnvelope {
  readonly #lo = new Vec3();
  readonly #hi = new Vec3();
  readonly #solids: readonly Solid[];
  readonly #end = new Vec3();

  /** `box` null: no workspace. */
  constructor(box: BoxVolume | null, keepOuts: readonly Volume[]) {
    if (box === null) {
      this.#lo.set(-Infinity, -Infinity, -Infinity);
      this.#hi.set(Infinity, Infinity, Infinity);
    } else {
      this.#lo.set(...box.min);
      this.#hi.set(...box.max);
    }
    this.#solids = keepOuts.map(solidOf);
  }

  /** The largest margin (m) that leaves room in the box. */
  get mostMargin(): number {
    const lo = this.#lo;
    const hi = this.#hi;
    return Math.min(hi.x - lo.x, hi.y - lo.y, hi.z - lo.z) / 8;
  }

  /** Whether the point is where it may be; `tolerance` metres are forgiven. */
  inside(p: Vec3, tolerance = 0): boolean {
    const lo = this.#lo;
    const hi = this.#hi;
    return (
      p.x >= lo.x - tolerance &&
      p.x <= hi.x + tolerance &&
      p.y >= lo.y - tolerance &&
      p.y <= hi.y + tolerance &&
      p.z >= lo.z - tolerance &&
      p.z <= hi.z + tolerance &&
      this.depth(p) <= tolerance
    );
  }

  /** Metres inside the keep-out that holds the point deepest; at most 0 outside all. */
  depth(p: Vec3): number {
    let deepest = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < this.#solids.length; i++) deepest = Math.max(deepest, (this.#solids[i] as Solid).depth(p));
    return deepest;
  }

  /** Whether the whole straight segment is allowed; bounds may be passed by `tolerance` metres. False for what is not finite. */
  allows(from: Vec3, to: Vec3, tolerance: number): boolean {
    const lo = this.#lo;
    const hi = this.#hi;
    // Outside, along a wall: a way computed from joints keeps its distance only up to rounding.
    const grain = Math.max(GRAIN, tolerance / 1000);
    return (
      to.x >= Math.min(lo.x - tolerance, from.x - grain) &&
      to.x <= Math.max(hi.x + tolerance, from.x + grain) &&
      to.y >= Math.min(lo.y - tolerance, from.y - grain) &&
      to.y <= Math.max(hi.y + tolerance, from.y + grain) &&
      to.z >= Math.min(lo.z - tolerance, from.z - grain) &&
      to.z <= Math.max(hi.z + tolerance, from.z + grain) &&
      this.clears(from, to, tolerance)
    );
  }

  /** `allows` of the keep-outs alone. */
  clears(from: Vec3, to: Vec3, tolerance: number): boolean {
    for (let i = 0; i < this.#solids.length; i++) {
      const solid = this.#solids[i] as Solid;
      if (solid.entry(from, to, ease(solid, from, tolerance)) !== Infinity) return false;
    }
    return true;
  }

  /**
   * Whether the segment from `from` to `to`, of a way that began at `origin`, touches a keep-out deeper than `origin` was in it, by
   * more than `tolerance` metres. Out of where an earlier segment should not have gone is not held against this one.
   */
  forbids(origin: Vec3, from: Vec3, to: Vec3, tolerance: number): boolean {
    for (let i = 0; i < this.#solids.length; i++) {
      const solid = this.#solids[i] as Solid;
      const most = ease(solid, origin, tolerance);
      if (solid.depth(to) > most) return true;
      if (solid.depth(from) <= most && solid.entry(from, to, most) !== Infinity) return true;
    }
    return false;
  }

  /** The share of the segment, 0 … 1, up to which it is allowed. */
  free(from: Vec3, to: Vec3, tolerance: number): number {
    let share = share1(from.x, to.x, this.#lo.x - tolerance, this.#hi.x + tolerance);
    share = Math.min(share, share1(from.y, to.y, this.#lo.y - tolerance, this.#hi.y + tolerance));
    share = Math.min(share, share1(from.z, to.z, this.#lo.z - tolerance, this.#hi.z + tolerance));
    for (let i = 0; i < this.#solids.length; i++) {
      const solid = this.#solids[i] as Solid;
      share = Math.min(share, solid.entry(from, to, ease(solid, from, tolerance)));
    }
    return Number.isNaN(share) ? 0 : Math.max(0, share);
  }

  /**
   * The step nearest to what is asked whose end may be gone to straight: beyond a wall of the box the motion goes on along it, before a
   * keep-out along the plane that touches it there; what is still in the way then is stopped at. `out` equals `step` bit for
   * bit where nothing is. Bounds count as `margin` metres nearer. Returns FLAG.workspace and FLAG.keep_out of what was.
   */
  project(from: Vec3, step: Vec3, out: Vec3, margin = 0): number {
    const tolerance = GRAZE - margin;
    this.#clampStep(from, step, out, margin);
    let flags = out.x === step.x && out.y === step.y && out.z === step.z ? 0 : FLAG.workspace;
    if (this.#solids.length === 0) return flags;
    const end = this.#end.addScaled(from, out, 1);
    if (this.clears(from, end, tolerance)) return flags;
    flags |= FLAG.keep_out;
    for (let round = 0; round < SLIDES; round++) {
      let clear = true;
      for (let i = 0; i < this.#solids.length; i++) {
        const solid = this.#solids[i] as Solid;
        if (solid.entry(from, end, ease(solid, from, tolerance)) === Infinity) continue;
        solid.slide(from, end, margin);
        clear = false;
      }
      if (clear) break;
      this.#clampStep(from, out.addScaled(end, from, -1), out, margin);
      end.addScaled(from, out, 1);
    }
    out.addScaled(end, from, -1);
    const share = this.free(from, end, tolerance);
    if (share < 1) out.scaled(out, share);
    return flags;
  }

  #clampStep(from: Vec3, step: Vec3, out: Vec3, margin: number): void {
    const lo = this.#lo;
    const hi = this.#hi;
    out.x = within(from.x, step.x, lo.x + margin, hi.x - margin);
    out.y = within(from.y, step.y, lo.y + margin, hi.y - margin);
    out.z = within(from.z, step.z, lo.z + margin, hi.z - margin);
  }
}

function solidOf(volume: Volume): Solid {
  if ('radius' in volume) return new BallSolid(new Vec3().set(...volume.center), volume.radius);
  if ('normal' in volume) return new HalfSpaceSolid(new Vec3().set(...volume.normal), volume.offset);
  return new BoxSolid(new Vec3().set(...volume.min), new Vec3().set(...volume.max));
}

/** How deep motion from `from` may get: what rounding is forgiven, or as deep as it is. */
function ease(solid: Solid, from: Vec3, tolerance: number): number {
  return Math.max(tolerance, solid.depth(from) + Math.max(GRAIN, tolerance / 100));
}

function share1(from: number, to: number, lo: number, hi: number): number {
  if (to < from) return to >= Math.min(lo, from) ? 1 : Math.max(0, (lo - from) / (to - from));
  return to <= Math.max(hi, from) ? 1 : Math.max(0, (hi - from) / (to - from));
}

/** `step` itself where from + step is inside, else what is left up to the bound; from outside, nothing outward. */
function within(from: number, step: number, lo: number, hi: number): number {
  const end = from + step;
  if (end > Math.max(hi + GRAZE, from)) return Math.max(0, hi - from);
  if (end < Math.min(lo - GRAZE, from)) return Math.min(0, lo - from);
  return step;
}
