import { at } from '../chunk.js';

/**
 * Which joint positions the robot was told to be in, a row a tick, and where they were measured: commanded after tick n = anchor +
 * the steps up to n. `Odometer` says more; this is its twin for joints, which need no rotations.
 * Where positions themselves are sent (`absolute`), what was sent is what was commanded, whatever is measured: there a
 * measurement moves history only through `move`, while the robot stands.
 */
export class JointOdometer {
  readonly #rows: Float64Array;
  readonly #capacity: number;
  readonly #dof: number;
  readonly #absolute: boolean;
  readonly #sum: Float64Array;
  readonly #anchor: Float64Array;
  readonly #past: Float64Array;
  /** Ticks first … last have rows; the very first row is what stood before the first step. */
  #started = false;
  #full = false;
  #first = 0;
  #last = 0;
  #anchored = false;
  #anchorTick = -1;

  constructor(capacity: number, dof: number, absolute: boolean) {
    this.#capacity = capacity;
    this.#dof = dof;
    this.#absolute = absolute;
    this.#rows = new Float64Array(capacity * dof);
    this.#sum = new Float64Array(dof);
    this.#anchor = new Float64Array(dof);
    this.#past = new Float64Array(dof);
  }

  /** Forgets history and anchor. Positions that were sent stay: the robot still stands there. */
  reset(): void {
    this.#started = false;
    this.#full = false;
    this.#anchored = false;
    this.#anchorTick = -1;
    if (this.#absolute) return;
    // Where it is told to be stays known, for what moves still to brake by.
    for (let i = 0; i < this.#dof; i++) this.#anchor[i] = at(this.#anchor, i) + at(this.#sum, i);
    this.#sum.fill(0);
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

  /** The step sent at `tick`, or with `absolute` the position; ticks between the last and this one had no motion. */
  add(tick: number, values: Float64Array): void {
    if (!this.#started) {
      this.#started = true;
      this.#first = tick - 1;
      this.#last = tick - 2;
    }
    for (let t = Math.max(this.#last + 1, tick - this.#capacity + 1); t < tick; t++) this.#write(t);
    for (let i = 0; i < this.#dof; i++) this.#sum[i] = (this.#absolute ? 0 : at(this.#sum, i)) + at(values, i);
    this.#write(tick);
    this.#last = tick;
    if (tick - this.#capacity + 1 > this.#first) {
      this.#first = tick - this.#capacity + 1;
      this.#full = true;
    }
  }

  /**
   * Joints measured just before `tick` ran. `gap` := commanded then − measured (zeros where nothing fixes steps to places yet). False where
   * it is older than the last one or than history, and ignored.
   */
  measure(tick: number, measured: Float64Array, gap: Float64Array): boolean {
    if (tick < this.#anchorTick || !this.#sumBefore(tick, this.#past)) return false;
    for (let i = 0; i < this.#dof; i++) {
      const told = at(this.#past, i) + at(this.#anchor, i);
      gap[i] = this.#absolute || this.#anchored ? told - at(measured, i) : 0;
    }
    this.#anchorTick = tick;
    if (this.#absolute) return true;
    for (let i = 0; i < this.#dof; i++) this.#anchor[i] = at(measured, i) - at(this.#past, i);
    this.#anchored = true;
    return true;
  }

  /** With `absolute`: the robot stood at `measured` just before `tick` ran, so every position commanded is off by the difference. */
  move(tick: number, measured: Float64Array): void {
    if (!this.#sumBefore(tick, this.#past)) return;
    for (let i = 0; i < this.#dof; i++) {
      const by = at(measured, i) - at(this.#past, i);
      // Where it stood still since, the sum is exactly what was measured.
      this.#sum[i] = at(this.#sum, i) === at(this.#past, i) ? at(measured, i) : at(this.#sum, i) + by;
      if (!this.#started) continue;
      for (let row = 0; row < this.#capacity; row++) {
        const k = row * this.#dof + i;
        this.#rows[k] = at(this.#rows, k) + by;
      }
    }
    if (this.#started) this.#write(this.#last);
    this.#anchored = true;
  }

  /** The commanded positions now. */
  commanded(out: Float64Array): Float64Array {
    for (let i = 0; i < this.#dof; i++) out[i] = at(this.#sum, i) + at(this.#anchor, i);
    return out;
  }

  /** The commanded positions just before `tick` ran; now, where history does not hold that tick. */
  commandedBefore(tick: number, out: Float64Array): Float64Array {
    if (!this.#sumBefore(tick, this.#past)) return this.commanded(out);
    for (let i = 0; i < this.#dof; i++) out[i] = at(this.#past, i) + at(this.#anchor, i);
    return out;
  }

  #sumBefore(tick: number, out: Float64Array): boolean {
    if (!this.#started || tick > this.#last) out.set(this.#sum);
    else if (tick > this.#first || !this.#full) this.#read(Math.max(tick - 1, this.#first), out);
    else return false;
    return true;
  }

  #write(tick: number): void {
    this.#rows.set(this.#sum, ((tick + 1) % this.#capacity) * this.#dof);
  }

  #read(tick: number, out: Float64Array): void {
    const row = ((tick + 1) % this.#capacity) * this.#dof;
    for (let i = 0; i < this.#dof; i++) out[i] = at(this.#rows, row + i);
  }
}
