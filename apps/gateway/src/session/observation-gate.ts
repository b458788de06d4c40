import { checkInstruction, instructionRule } from '@sinew/contracts';
import { type ControlSpec, StateCheck } from '@sinew/control';
import {
  ClockEstimator,
  checkObservation,
  type ModelDescription,
  type Observation,
  type WireFault,
} from '@sinew/protocol';

/** Decides which observations count, and when they were made: W5, U2 and W7 for one session. */
export class ObservationGate {
  readonly clock = new ClockEstimator();
  readonly #model: ModelDescription;
  readonly #units: StateCheck;
  /** Rises over the whole session, resumes included. */
  #lastSeq = -1;
  /** The last state that counted. */
  readonly #state: Float64Array;
  /** Clients repeat their instruction with every observation: what has passed is not read again. */
  #passed: string | undefined;

  constructor(model: ModelDescription, spec: ControlSpec) {
    this.#model = model;
    this.#units = new StateCheck(spec);
    this.#state = new Float64Array(model.inputs.state.dim);
  }

  /** The first rule that the observation breaks, or null; then it counts. `nextTick`: the first tick not sent yet. */
  check(observation: Observation, arrivedMs: number, nextTick: number): WireFault | null {
    const fault = checkObservation(observation, this.#model, this.#lastSeq);
    if (fault !== null) return fault;
    const { applied_seq, captured_at_ms, instruction, seq, state } = observation;
    const unit = this.#units.fault(state, this.#lastSeq < 0 ? null : this.#state);
    if (unit !== null) return refusal(seq, 'state', unit, 'state.wrong_unit');
    if (this.clock.isFromTheFuture(captured_at_ms, arrivedMs)) {
      return refusal(seq, 'captured_at_ms', 'captured over 1 s in the future', 'captured_at_ms.in_the_future');
    }
    if (applied_seq !== undefined && applied_seq >= nextTick) {
      const reason = `tick ${applied_seq} was not sent yet; the last one was ${nextTick - 1}`;
      return refusal(seq, 'applied_seq', reason, 'applied_seq.not_sent');
    }
    if (instruction !== undefined && instruction !== this.#passed) {
      const broken = checkInstruction(instruction);
      if (broken !== null) return refusal(seq, 'instruction', broken.reason, instructionRule(broken));
      this.#passed = instruction;
    }
    this.#lastSeq = seq;
    this.#state.set(state);
    return null;
  }

  /** When an observation that counts was made, on the server's clock, ms. */
  capturedMs({ captured_at_ms }: Observation, arrivedMs: number): number {
    this.clock.onObservation(captured_at_ms, arrivedMs);
    return arrivedMs - this.clock.ageMs(captured_at_ms, arrivedMs, arrivedMs);
  }
}

function refusal(seq: number, field: string, reason: string, rule: string): WireFault {
  return {
    code: 'validation_failed',
    message: `${field}: ${reason}`,
    fatal: false,
    field,
    reason,
    observation_seq: seq,
    rule,
  };
}
