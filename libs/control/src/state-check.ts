import type { ControlSpec } from './control-spec.js';
import { implausibleJoints, type JointEntries, jointEntries } from './joint/joint-state.js';
import { implausibleState } from './plausibility.js';

/** U2: whether a control loop of this spec takes a state vector; asked before anything is done with an observation. */
export class StateCheck {
  readonly #spec: ControlSpec;
  /** Null where poses are what is measured. */
  readonly #entries: JointEntries | null;

  constructor(spec: ControlSpec) {
    this.#spec = spec;
    this.#entries = spec.actionSpace === 'ee_delta' ? null : jointEntries(spec);
  }

  /** Why not, or null. `before`: the state measured before this one. */
  fault(state: Float64Array, before: Float64Array | null = null): string | null {
    const { action, limits } = this.#spec;
    if (this.#entries === null) return implausibleState(action, state, before);
    return implausibleJoints(this.#entries, limits.joints ?? [], state);
  }
}
