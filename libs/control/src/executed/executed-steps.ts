import { at } from '../chunk.js';
import type { LimitsInForce } from '../limits.js';
import { MotionLimiter } from '../motion-limiter.js';
import { Vec3 } from '../vec3.js';
import type { Executed } from './executed-motion.js';

const HERE = new Vec3();
/** Any flag will do: only whether there is one is asked. */
const BITS = { velocity: 1, acceleration: 1, jerk: 1 };

/** `ee_delta`: translation and rotation, each slowed down as a whole. Places are the server's: it hears of every pose. */
export class ExecutedSteps implements Executed {
  readonly #perSecond: number;
  readonly #translation: MotionLimiter;
  readonly #rotation: MotionLimiter;
  readonly #step = new Vec3();
  readonly #out = new Vec3();

  constructor({ cartesian: { v, a, j, w, dw, ddw }, control_hz: hz }: LimitsInForce) {
    const h = 1 / hz;
    this.#perSecond = 1 / h;
    this.#translation = new MotionLimiter({ v: v.value, a: a.value, j: j.value }, h, null, BITS);
    this.#rotation = new MotionLimiter({ v: w.value, a: dw.value, j: ddw.value }, h, null, BITS);
  }

  get resting(): boolean {
    return this.#translation.resting && this.#rotation.resting;
  }

  pass(values: Float64Array): void {
    this.#translation.took(this.#out.scaled(this.#read(values, 0), this.#perSecond));
    this.#rotation.took(this.#out.scaled(this.#read(values, 3), this.#perSecond));
  }

  follow(values: Float64Array, _before: Float64Array | null, out: Float64Array): boolean {
    // What is followed moves by itself, as fast as it is followed: there is no place to arrive at.
    let flags = this.#translation.follow(HERE, this.#read(values, 0), Number.POSITIVE_INFINITY, this.#out);
    this.#write(out, 0);
    flags |= this.#rotation.follow(HERE, this.#read(values, 3), Number.POSITIVE_INFINITY, this.#out);
    this.#write(out, 3);
    return flags === 0;
  }

  brake(out: Float64Array): void {
    this.#translation.brake(HERE, this.#out);
    this.#write(out, 0);
    this.#rotation.brake(HERE, this.#out);
    this.#write(out, 3);
  }

  rest(): void {
    this.#translation.rest();
    this.#rotation.rest();
  }

  standAt(): void {}

  found(): void {}

  #read(values: Float64Array, from: number): Vec3 {
    return this.#step.set(at(values, from), at(values, from + 1), at(values, from + 2));
  }

  #write(out: Float64Array, from: number): void {
    out[from] = this.#out.x;
    out[from + 1] = this.#out.y;
    out[from + 2] = this.#out.z;
  }
}
