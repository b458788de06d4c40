import type { LimitsInForce } from '@sinew/control';
import type { RuleBook } from './rules.js';

/** How fast something moved with its last tick, and how fast that changed; null: nobody knows. */
interface Motion {
  readonly velocity: readonly number[] | null;
  readonly acceleration: readonly number[] | null;
}

export interface MotionState {
  readonly translation: Motion;
  readonly rotation: Motion;
}

const ZERO = [0, 0, 0];
const STILL: Motion = { velocity: ZERO, acceleration: ZERO };
export const AT_REST: MotionState = { translation: STILL, rotation: STILL };
/** It moves somehow: only what needs no past is looked at. */
export const UNKNOWN: MotionState = {
  translation: { velocity: null, acceleration: null },
  rotation: { velocity: null, acceleration: null },
};

const DIM = 7;

/**
 * K1 and K3 by finite differences of what was sent, with nothing of the governor's own. It says where a state leads, so that who
 * replaces a plan in the middle can go on from there.
 */
export class MotionCheck {
  readonly #book: RuleBook;
  readonly #limits: LimitsInForce;
  readonly #slack: number;

  /** `slack`: relative; what float32 costs where the wire has it. */
  constructor(book: RuleBook, limits: LimitsInForce, slack: number) {
    this.#book = book;
    this.#limits = limits;
    this.#slack = slack;
  }

  /** One tick after `before`: `values[at … at + 7)`. */
  step(before: MotionState, values: ArrayLike<number>, at: number, where: () => string): MotionState {
    const all = Array.from({ length: DIM }, (_, d) => values[at + d] ?? Number.NaN);
    this.#book.check('K1', all.every(Number.isFinite), () => `${where()}: ${all.join(' ')}`);
    const gripper = all[6] ?? Number.NaN;
    this.#book.check('K1', gripper >= 0 && gripper <= 1, () => `${where()}: gripper ${gripper}`);
    const { a, ddw, dw, j, v, w } = this.#limits.cartesian;
    return {
      translation: this.#part(before.translation, all.slice(0, 3), [v.value, a.value, j.value], where, 'translation'),
      rotation: this.#part(before.rotation, all.slice(3, 6), [w.value, dw.value, ddw.value], where, 'rotation'),
    };
  }

  #part(before: Motion, step: number[], limits: [number, number, number], where: () => string, what: string): Motion {
    const hz = this.#limits.control_hz;
    const velocity = step.map((x) => x * hz);
    this.#within(velocity, limits[0], () => `${where()}: ${what} speed`);
    const { velocity: v0, acceleration: a0 } = before;
    if (v0 === null) return { velocity, acceleration: null };
    const acceleration = velocity.map((x, d) => (x - (v0[d] ?? 0)) * hz);
    this.#within(acceleration, limits[1], () => `${where()}: ${what} acceleration`);
    if (a0 !== null) {
      const jerk = acceleration.map((x, d) => (x - (a0[d] ?? 0)) * hz);
      this.#within(jerk, limits[2], () => `${where()}: ${what} jerk`);
    }
    return { velocity, acceleration };
  }

  #within(vector: readonly number[], limit: number, what: () => string): void {
    const share = Math.hypot(...vector) / limit;
    this.#book.check('K3', share <= 1 + this.#slack, () => `${what()} is ${share} of its limit`);
  }

  /** Ticks within which any motion has come to rest. */
  get brakingTicks(): number {
    const { a, ddw, dw, j, v, w } = this.#limits.cartesian;
    const seconds = Math.max(
      v.value / a.value + (2 * a.value) / j.value,
      w.value / dw.value + (2 * dw.value) / ddw.value,
    );
    return Math.ceil(seconds * this.#limits.control_hz) + 2;
  }
}

export const isStill = (values: ArrayLike<number>): boolean => {
  for (let d = 0; d < 6; d++) if (Math.abs(values[d] ?? 1) > 1e-9) return false;
  return true;
};
