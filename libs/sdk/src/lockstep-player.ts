import type { Action, Chunk, Hold } from '@sinew/protocol';
import type { Player } from './player.js';
import type { PlayerContext } from './player-context.js';
import { localHold, type RobotAction } from './robot-action.js';

/**
 * `lockstep` (S4): every observation is answered by one chunk, whose actions come in order; ticks count executed actions. An
 * observation ends the chunk before it: what was not executed by then never is.
 */
export class LockstepPlayer implements Player {
  readonly #context: PlayerContext;
  #applied: number | null = null;
  #latched = false;
  #floorSeq = 0;

  constructor(context: PlayerContext) {
    this.#context = context;
  }

  get appliedSeq(): number | null {
    return this.#applied;
  }

  observed(): void {
    this.#context.stream.discard();
  }

  heard(): void {}

  receive(message: Action | Hold | Chunk): void {
    if (message.type === 'action') return;
    if (message.type === 'hold') {
      this.#context.push({ ...localHold(message.values, message.seq, message.reason), local: false });
      return;
    }
    if (message.observation_seq < this.#floorSeq) return;
    if (this.#latched) {
      this.#hold(message.first_tick);
      return;
    }
    const { first_tick: first, shape, values, observation_seq: observationSeq, log_id: logId, safety } = message;
    const [length, dim] = shape;
    this.#context.stream.discard(({ seq }) => seq >= first);
    for (let i = 0; i < length; i++) {
      this.#context.push({
        kind: 'action',
        values: Float64Array.from(values.subarray(i * dim, (i + 1) * dim)),
        seq: first + i,
        reason: null,
        ageMs: 0,
        observationSeq,
        logId,
        clamped: safety.clamped,
        local: false,
        remaining: length - 1 - i,
      });
    }
  }

  taken(action: RobotAction): RobotAction {
    // a hold moves nothing: the ticks of lockstep count executed actions
    if (action.kind === 'action') this.#applied = action.seq;
    return action;
  }

  linkLost(): void {}
  linkRestored(): void {}

  reset(): void {
    this.#floorSeq = this.#context.nextObservationSeq();
    this.#applied = null;
    this.#context.stream.discard();
  }

  estop(): void {
    this.#latched = true;
    this.#floorSeq = this.#context.nextObservationSeq();
    this.#context.stream.discard();
    this.#hold((this.#applied ?? -1) + 1);
  }

  release(): void {
    this.#latched = false;
    // chunks that the server sent before it heard of the e-stop are still on their way
    this.#floorSeq = this.#context.nextObservationSeq();
  }

  stop(): void {}

  #hold(seq: number): void {
    const values = this.#context.rest();
    if (values !== null) this.#context.push(localHold(values, seq, 'estop'));
  }
}
