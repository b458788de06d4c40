import { at } from './chunk.js';
import { Quat, unwrap } from './rotation.js';
import { Pose, type RotationKind } from './target.js';
import { norm, Vec3 } from './vec3.js';

const STRIDE = 7;

/**
 * Where the robot was told to be (L3). The odometer sums every step sent, a row a tick; a measured pose fixes it to the world:
 * commanded pose after tick n = measured before tick b + the steps of ticks b … n. So one anchor re-anchors all of history,
 * also the ticks that are planned but not yet played.
 */
export class Odometer {
  readonly #rotation: RotationKind;
  readonly #rows: Float64Array;
  readonly #capacity: number;
  /** Ticks first … last have rows; the very first row is the zero before the first step. */
  #started = false;
  #full = false;
  #first = 0;
  #last = 0;
  readonly #sum = new Pose();
  readonly #anchor = new Pose();
  #anchored = false;
  #anchorTick = -1;
  readonly #past = new Pose();
  readonly #scratch = new Pose();
  readonly #spin = new Quat();
  readonly #gap = new Vec3();

  constructor(capacity: number, rotation: RotationKind) {
    this.#capacity = capacity;
    this.#rows = new Float64Array(capacity * STRIDE);
    this.#rotation = rotation;
  }

  reset(): void {
    this.#started = false;
    this.#full = false;
    this.#anchored = false;
    this.#anchorTick = -1;
    this.#sum.position.set(0, 0, 0);
    this.#sum.euler.set(0, 0, 0);
    this.#sum.quat.set(1, 0, 0, 0);
  }

  get anchored(): boolean {
    return this.#anchored;
  }

  /** Forgets every tick after `tick`; false where history does not hold it. */
  rewind(tick: number): boolean {
    if (!this.#started || tick > this.#last || (tick < this.#first && this.#full)) return false;
    this.#read(Math.max(tick, this.#first), this.#sum);
    // Before the first step: none is left.
    if (tick < this.#first) this.#started = false;
    this.#last = tick;
    return true;
  }

  /** The step (m, rad) sent at `tick`; ticks between the last and this one had none. */
  add(tick: number, translation: Vec3, rotation: Vec3): void {
    if (!this.#started) {
      this.#started = true;
      this.#first = tick - 1;
      this.#last = tick - 2;
    }
    for (let t = Math.max(this.#last + 1, tick - this.#capacity + 1); t < tick; t++) this.#write(t);
    const sum = this.#sum;
    sum.position.addScaled(sum.position, translation, 1);
    if (this.#rotation === 'euler_xyz') sum.euler.addScaled(sum.euler, rotation, 1);
    // No step is no rounding either: a tick of zeros and a missing one leave the same pose.
    else if (!rotation.isZero())
      sum.quat.product(this.#spin.exp(rotation), this.#scratch.quat.copy(sum.quat)).normalize();
    this.#write(tick);
    this.#last = tick;
    if (tick - this.#capacity + 1 > this.#first) {
      this.#first = tick - this.#capacity + 1;
      this.#full = true;
    }
  }

  /**
   * A pose measured just before `tick` ran. Returns how far it was from where the robot was told to be then, in
   * `distance` (m, rad), zeros for the first; false where it is older than the last one or than history, and ignored.
   */
  anchor(tick: number, measured: Pose, distance: { position: number; rotation: number }): boolean {
    if (tick < this.#anchorTick || !this.#sumBefore(tick, this.#past)) return false;
    distance.position = 0;
    distance.rotation = 0;
    const anchor = this.#anchor;
    const euler = this.#scratch.euler.copy(measured.euler);
    if (this.#anchored) {
      const gap = this.#gap.addScaled(measured.position, this.#past.position, -1);
      distance.position = norm(gap.addScaled(gap, anchor.position, -1));
      const told = gap.addScaled(this.#past.euler, anchor.euler, 1);
      euler.set(unwrap(euler.x, told.x), unwrap(euler.y, told.y), unwrap(euler.z, told.z));
      distance.rotation =
        this.#rotation === 'euler_xyz'
          ? norm(gap.addScaled(euler, told, -1))
          : this.#angleTo(measured.quat, this.#past.quat, anchor.quat);
    }
    anchor.position.addScaled(measured.position, this.#past.position, -1);
    anchor.euler.addScaled(euler, this.#past.euler, -1);
    anchor.quat.product(this.#spin.inverse(this.#past.quat), measured.quat).normalize();
    this.#anchored = true;
    this.#anchorTick = tick;
    return true;
  }

  /** The commanded pose now. Only where anchored. */
  commanded(out: Pose): Pose {
    const sum = this.#sum;
    out.position.addScaled(this.#anchor.position, sum.position, 1);
    out.euler.addScaled(this.#anchor.euler, sum.euler, 1);
    out.quat.product(sum.quat, this.#anchor.quat);
    return out;
  }

  /** The commanded pose just before `tick` ran; now, where history does not hold that tick. Only where anchored. */
  commandedBefore(tick: number, out: Pose): Pose {
    if (!this.#sumBefore(tick, this.#past)) return this.commanded(out);
    out.position.addScaled(this.#anchor.position, this.#past.position, 1);
    out.euler.addScaled(this.#anchor.euler, this.#past.euler, 1);
    out.quat.product(this.#past.quat, this.#anchor.quat);
    return out;
  }

  /** The angle between `measured` and the pose that was commanded: past ⊗ anchor. */
  #angleTo(measured: Quat, past: Quat, anchor: Quat): number {
    const told = this.#spin.product(past, anchor);
    const cosine = told.w * measured.w + told.x * measured.x + told.y * measured.y + told.z * measured.z;
    return 2 * Math.acos(Math.min(1, Math.abs(cosine)));
  }

  #sumBefore(tick: number, out: Pose): boolean {
    if (!this.#started || tick > this.#last) out.copy(this.#sum);
    else if (tick > this.#first || !this.#full) this.#read(Math.max(tick - 1, this.#first), out);
    else return false;
    return true;
  }

  #write(tick: number): void {
    const row = ((tick + 1) % this.#capacity) * STRIDE;
    const { position, euler, quat } = this.#sum;
    this.#rows[row] = position.x;
    this.#rows[row + 1] = position.y;
    this.#rows[row + 2] = position.z;
    const turned = this.#rotation === 'rotvec';
    this.#rows[row + 3] = turned ? quat.w : euler.x;
    this.#rows[row + 4] = turned ? quat.x : euler.y;
    this.#rows[row + 5] = turned ? quat.y : euler.z;
    this.#rows[row + 6] = quat.z;
  }

  #read(tick: number, out: Pose): void {
    const row = ((tick + 1) % this.#capacity) * STRIDE;
    const r = this.#rows;
    out.position.set(at(r, row), at(r, row + 1), at(r, row + 2));
    if (this.#rotation === 'rotvec') out.quat.set(at(r, row + 3), at(r, row + 4), at(r, row + 5), at(r, row + 6));
    else out.euler.set(at(r, row + 3), at(r, row + 4), at(r, row + 5));
  }
}
