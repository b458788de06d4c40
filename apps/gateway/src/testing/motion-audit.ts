import type { LimitsInForce } from '@sinew/control';

/** Of a limit: what float64 sums of small steps cost. */
const SLACK = 1e-9;

interface Derivatives {
  step: number[];
  velocity: number[];
  acceleration: number[];
}

/**
 * Checks what a robot is sent against the limits that `opened.robot` stated, with nothing of the governor's own: finite
 * differences of the steps at the control period, the sum of the steps against the box. Throws at the first breach.
 */
export class MotionAudit {
  readonly #limits: LimitsInForce;
  readonly #slack: number;
  readonly #position: number[] | null;
  readonly #translation: Derivatives = atRest();
  readonly #rotation: Derivatives = atRest();
  #last: number | null = null;
  ticks = 0;
  /** The largest share of a limit that was used, by limit. */
  readonly used: Record<string, number> = {};

  /** `position`: where the robot starts; null: nobody knows, and the box is not looked at. `slack`: relative; more where numbers came as float32. */
  constructor(limits: LimitsInForce, position: readonly number[] | null, slack = SLACK) {
    this.#limits = limits;
    this.#position = position?.slice(0, 3) ?? null;
    this.#slack = slack;
  }

  /** Tick `n` moves the robot by `values`; ticks between the last and this one moved it by nothing. */
  tick(n: number, values: ArrayLike<number>): void {
    const at = `tick ${n}`;
    if (values.length !== 7) throw new Error(`${at} has ${values.length} numbers`);
    const all = Array.from(values);
    if (!all.every(Number.isFinite)) throw new Error(`${at} is not finite: ${all.join(' ')}`);
    if (this.#last !== null && n <= this.#last) throw new Error(`${at} follows ${this.#last}`);
    if (this.#last !== null && n > this.#last + 1) this.stood();
    this.#last = n;
    this.ticks++;
    const { a, ddw, dw, j, v, w } = this.#limits.cartesian;
    this.#differences(at, 'translation', this.#translation, all.slice(0, 3), [v.value, a.value, j.value]);
    this.#differences(at, 'rotation', this.#rotation, all.slice(3, 6), [w.value, dw.value, ddw.value]);
    this.#box(at, all);
    const gripper = all[6] ?? -1;
    if (gripper < 0 || gripper > 1) throw new Error(`${at}: gripper ${gripper}`);
  }

  /** Ticks are missing that somebody moved by: the next one begins anew, at its own speed. */
  resync(n: number, values: ArrayLike<number>): void {
    this.#last = n;
    const hz = this.#limits.control_hz;
    for (const [derivatives, from] of [
      [this.#translation, 0],
      [this.#rotation, 3],
    ] as const) {
      const step = Array.from(values).slice(from, from + 3);
      Object.assign(derivatives, { step, velocity: step.map((x) => x * hz), acceleration: [0, 0, 0] });
    }
    if (this.#position !== null)
      for (let d = 0; d < 3; d++) this.#position[d] = (this.#position[d] ?? 0) + (values[d] ?? 0);
  }

  /** The robot has stood still since the last tick, whatever the numbers of the ticks say. */
  stood(): void {
    Object.assign(this.#translation, atRest());
    Object.assign(this.#rotation, atRest());
  }

  #differences(at: string, what: string, before: Derivatives, step: number[], limits: [number, number, number]): void {
    const hz = this.#limits.control_hz;
    const velocity = step.map((x) => x * hz);
    const acceleration = velocity.map((x, i) => (x - (before.velocity[i] ?? 0)) * hz);
    const jerk = acceleration.map((x, i) => (x - (before.acceleration[i] ?? 0)) * hz);
    // First: who goes on after a breach is told of the next one, not of this one again.
    Object.assign(before, { step, velocity, acceleration });
    for (const [order, vector] of [velocity, acceleration, jerk].entries()) {
      const share = Math.hypot(...vector) / (limits[order] ?? Number.NaN);
      const name = `${what} ${['speed', 'acceleration', 'jerk'][order]}`;
      if (!(share <= 1 + this.#slack)) throw new Error(`${at}: ${name} is ${share} of its limit`);
      this.used[name] = Math.max(share, this.used[name] ?? 0);
    }
  }

  #box(at: string, values: readonly number[]): void {
    const position = this.#position;
    const box = this.#limits.workspace;
    if (position === null || box === null) return;
    const { min, max } = box;
    for (let d = 0; d < 3; d++) {
      const before = position[d] ?? 0;
      const x = before + (values[d] ?? 0);
      position[d] = x;
      // Found outside, a robot may be led back in, never further out.
      if (Math.max((min[d] ?? 0) - x, x - (max[d] ?? 0)) <= Math.max((min[d] ?? 0) - before, before - (max[d] ?? 0)))
        continue;
      if (x < (min[d] ?? 0) - 1e-9 || x > (max[d] ?? 0) + 1e-9)
        throw new Error(`${at}: ${'xyz'[d]} = ${x} is outside the box`);
    }
  }
}

const atRest = (): Derivatives => ({ step: [0, 0, 0], velocity: [0, 0, 0], acceleration: [0, 0, 0] });
