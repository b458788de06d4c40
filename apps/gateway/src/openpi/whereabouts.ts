import type { ModelDescription } from '@sinew/protocol';

/** As the governor's leash (D1): beyond it a pose is not what came of the commands. Metres; radians. */
const LEASH_M = 0.05;
const LEASH_RAD = 0.3;

/**
 * Where the actions that were played lead. openpi's clients do not say when an episode begins: a robot that is seen somewhere
 * else was carried there, and stands. Null entries of what is not known: a tool frame, a state without a pose.
 */
export class Whereabouts {
  readonly #entries: readonly number[];
  readonly #leash: number;
  readonly #model: ModelDescription;
  readonly #hz: number;
  #expected: Float64Array | null = null;

  constructor(model: ModelDescription, hz: number) {
    const { action, action_dim, action_space } = model;
    this.#model = model;
    this.#hz = hz;
    const isPose = action_space === 'ee_delta';
    this.#leash = isPose ? LEASH_M : LEASH_RAD;
    // The last number of an action in a joint space may be the gripper: its few radians are not looked at.
    const joints = action.joints ?? Array.from({ length: Math.max(0, action_dim - 1) }, (_, i) => i);
    this.#entries = isPose
      ? action.frame === 'base'
        ? (action.pose?.position ?? [])
        : []
      : joints.slice(0, action_dim);
  }

  /** `played` rows of `values` [.., D] follow on `state`. */
  follow(state: Float64Array, values: ArrayLike<number>, played: number): void {
    const { action_dim: dim, action_space: space } = this.#model;
    const scale = space === 'joint_velocity' ? 1 / this.#hz : 1;
    this.#expected = Float64Array.from(this.#entries, (entry, i) => {
      let at = state[entry] ?? Number.NaN;
      for (let row = 0; row < played; row++) {
        const value = values[row * dim + i] ?? 0;
        at = space === 'joint_position' ? value : at + value * scale;
      }
      return at;
    });
  }

  /** Whether a robot in this state was not brought there by what it was told. */
  elsewhere(state: Float64Array): boolean {
    const expected = this.#expected;
    if (expected === null || expected.length === 0) return false;
    const gaps = Array.from(expected, (at, i) => Math.abs((state[this.#entries[i] ?? -1] ?? Number.NaN) - at));
    const gap = this.#model.action_space === 'ee_delta' ? Math.hypot(...gaps) : Math.max(...gaps);
    return !(gap <= this.#leash);
  }
}
