import { at } from '../chunk.js';
import type { LimitsInForce } from '../limits.js';
import { ExecutedJoints } from './executed-joints.js';
import { ExecutedSteps } from './executed-steps.js';

/** How one action space is executed: what was, and what may follow it. */
export interface Executed {
  readonly resting: boolean;
  /** These values are executed, whoever saw to their limits. */
  pass(values: Float64Array): void;
  /** As near to `values` as the limits allow; true where that is `values` bit for bit. `before`: the server's values a tick ago. */
  follow(values: Float64Array, before: Float64Array | null, out: Float64Array): boolean;
  /** The next of the stop. */
  brake(out: Float64Array): void;
  rest(): void;
  /** Where the robot is known to stand, by a command or by a measured state; nothing to know where steps are sent. */
  standAt(values: Float64Array): void;
  found(state: Float64Array): void;
}

/** So many commands in turn pass unchanged before speed and acceleration are the server's own again. */
const AGREED = 2;

/**
 * For who executes a server's ticks and cannot have them all: frames come late, are dropped, or not at all. A command presupposes
 * that the one before it was executed; where it was not, the change from what *was* executed is no longer within limits, although
 * each side kept them. So this side keeps count of what it executes. Ticks in turn pass bit for bit: the server saw to their limits,
 * and to places, which may outrank them. After a missing tick, or a stop of this side's own, commands are followed within the limits of speed,
 * acceleration and jerk that are in force, and holds braked, until what the server sends is what is executed.
 * A command is one control period long. Nothing is allocated by a tick.
 */
export class ExecutedMotion {
  readonly #space: Executed;
  readonly #dim: number;
  /** Where the values end that move; behind them the gripper, if any, which is nothing to ramp. */
  readonly #moving: number;
  readonly #before: Float64Array;
  #seq: number | null = null;
  #agreed = 0;

  /** `dim`: numbers of a command. `joints`: where a state says them; default: its first entries. */
  constructor(limits: LimitsInForce, dim: number, joints?: readonly number[]) {
    const ee = limits.action_space === 'ee_delta';
    this.#space = ee ? new ExecutedSteps(limits) : new ExecutedJoints(limits, joints);
    this.#moving = Math.min(dim, ee ? 6 : (limits.joints?.length ?? 0));
    this.#dim = dim;
    this.#before = new Float64Array(dim);
  }

  get resting(): boolean {
    return this.#space.resting;
  }

  /** The server's command of tick `seq`; `out` [dim] is what to execute. @returns whether that is the command as it came. */
  serve(seq: number, hold: boolean, values: Float64Array, out: Float64Array): boolean {
    const inTurn = this.#seq !== null && seq === this.#seq + 1;
    if (!inTurn) this.#agreed = 0;
    this.#seq = seq;
    for (let i = this.#moving; i < this.#dim; i++) out[i] = at(values, i);
    const same = this.#next(inTurn, hold, values, out);
    this.#agreed = same ? Math.min(AGREED, this.#agreed + 1) : 0;
    this.#before.set(values);
    return same;
  }

  #next(inTurn: boolean, hold: boolean, values: Float64Array, out: Float64Array): boolean {
    let finite = values.length === this.#dim;
    for (let i = 0; finite && i < this.#moving; i++) finite = Number.isFinite(at(values, i));
    if (finite && this.#agreed === AGREED) {
      this.#space.pass(values);
      out.set(values);
      return true;
    }
    if (finite && !hold) return this.#space.follow(values, inTurn ? this.#before : null, out);
    this.#space.brake(out);
    for (let i = 0; i < this.#moving; i++) if (at(out, i) !== at(values, i)) return false;
    return finite;
  }

  /** A tick of this side's own: the next of the stop into `out`, whose gripper stays. */
  brake(out: Float64Array): void {
    this.#agreed = 0;
    this.#space.brake(out);
  }

  /** The robot stands, whatever it did before. */
  stand(): void {
    this.#agreed = 0;
    this.#space.rest();
  }

  /** It stands there: `values` are a command that moves nothing. */
  standAt(values: Float64Array): void {
    this.stand();
    this.#space.standAt(values);
  }

  /** It stands, and this state was measured then: positions go on from there if it is not where it was left. */
  found(state: Float64Array): void {
    this.stand();
    this.#space.found(state);
  }
}
