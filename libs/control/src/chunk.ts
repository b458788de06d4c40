import type { Target } from './target.js';

/** Way-point: x y z, then roll pitch yaw or quaternion w x y z, then gripper. */
export const WAY = 8;
/** Own step: dx dy dz rx ry rz. */
export const STEP = 6;

/** One chunk made absolute: entry k is for tick baseTick + k. Reused for chunk after chunk. */
export class Chunk {
  ref = -1;
  baseTick = 0;
  /** First tick it is used for: its entries before were already emitted by another when it came (L1). */
  from = 0;
  end = 0;
  readonly way: Float64Array;
  readonly step: Float64Array;
  readonly score: Float64Array;
  readonly checks: Uint8Array;
  readonly flags: Int32Array;
  readonly rejected: Uint8Array;

  constructor(size: number) {
    this.way = new Float64Array(size * WAY);
    this.step = new Float64Array(size * STEP);
    this.score = new Float64Array(size);
    this.checks = new Uint8Array(size);
    this.flags = new Int32Array(size);
    this.rejected = new Uint8Array(size);
  }

  covers(tick: number): boolean {
    return tick >= this.from && tick < this.end;
  }

  /** Everything of the entry for `tick` but the pose, which blends. */
  describe(tick: number, out: Target): void {
    const k = tick - this.baseTick;
    const s = k * STEP;
    out.translation.set(at(this.step, s), at(this.step, s + 1), at(this.step, s + 2));
    out.rotation.set(at(this.step, s + 3), at(this.step, s + 4), at(this.step, s + 5));
    out.gripper = at(this.way, k * WAY + 7);
    out.ref = this.ref;
    out.baseTick = this.baseTick;
    out.score = at(this.score, k);
    out.checksPassed = at(this.checks, k);
    out.flags = at(this.flags, k);
    out.rejected = at(this.rejected, k) === 1;
  }
}

/** An index known to be in range. */
export function at(array: Float64Array | Float32Array | Uint8Array | Int32Array, index: number): number {
  return array[index] as number;
}
