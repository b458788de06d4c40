/** One chunk made absolute: entry k is for tick baseTick + k. Reused for chunk after chunk. */
export class Chunk {
  ref = -1;
  baseTick = 0;
  /** The tick its observation was made before: `baseTick`, less the ticks that the robot was held since (L8). */
  seenBefore = 0;
  /** First tick it is used for: its entries before were already emitted by another when it came (L1). */
  from = 0;
  end = 0;
  /** Way-points, the gripper last, and the policy's own steps; what else is in them is the action space's (`WayPoints`). */
  readonly way: Float64Array;
  readonly step: Float64Array;
  readonly score: Float64Array;
  readonly checks: Uint8Array;
  readonly flags: Int32Array;
  readonly rejected: Uint8Array;
  readonly #wayStride: number;

  constructor(size: number, wayStride: number, stepStride: number) {
    this.#wayStride = wayStride;
    this.way = new Float64Array(size * wayStride);
    this.step = new Float64Array(size * stepStride);
    this.score = new Float64Array(size);
    this.checks = new Uint8Array(size);
    this.flags = new Int32Array(size);
    this.rejected = new Uint8Array(size);
  }

  covers(tick: number): boolean {
    return tick >= this.from && tick < this.end;
  }

  /** Everything of the entry for `tick` that does not blend. */
  describe(tick: number, out: Entry): void {
    const k = tick - this.baseTick;
    out.gripper = at(this.way, k * this.#wayStride + this.#wayStride - 1);
    out.ref = this.ref;
    out.baseTick = this.baseTick;
    out.score = at(this.score, k);
    out.checksPassed = at(this.checks, k);
    out.flags = at(this.flags, k);
    out.rejected = at(this.rejected, k) === 1;
  }
}

/** What the newest chunk says about one tick. */
export class Entry {
  gripper = 0;
  ref = -1;
  baseTick = -1;
  score = 1;
  checksPassed = 4;
  flags = 0;
  /** Scored below the least score: not to be sent. */
  rejected = false;
}

/** An index known to be in range. */
export function at(array: Float64Array | Float32Array | Uint8Array | Int32Array, index: number): number {
  return array[index] as number;
}
