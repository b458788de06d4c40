import type { TickResult } from '@sinew/control';
import type { TicksRecord } from '@sinew/journal';
import { HOLD_PRIORITY, type HoldReason } from '@sinew/protocol';

const KIND_OF_HOLD = new Map<HoldReason | null, number>(HOLD_PRIORITY.map((reason, i) => [reason, i + 1]));

/** How a tick is numbered in `kinds`: 0 an action, else the hold's place in the protocol's priority. */
export const kindOf = ({ kind, reason }: TickResult): number =>
  kind === 'action' ? 0 : (KIND_OF_HOLD.get(reason) ?? 0);

const bytesOf = (values: Float64Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

/** Inputs of one record: what the frame budget lets a second bring in, with room to spare. */
const MOST_INPUTS = 512;

interface Identity {
  readonly session_id: string;
  readonly customer_id: string;
  readonly t_ms: number;
  readonly episode: number;
}

/**
 * Columns of up to a second of ticks, and of what entered the control loop between them: together with the chunks they
 * replay every tick bit for bit. Ticks are copied out of the loop's reused result without an object a tick.
 */
export class TickLog {
  readonly #dim: number;
  readonly #stateDim: number;
  readonly #capacity: number;
  readonly #dtMs: number;
  readonly #seq: number[] = [];
  readonly #logIds: number[] = [];
  readonly #flags: number[] = [];
  readonly #score: number[] = [];
  readonly #kinds: number[] = [];
  readonly #causes: number[] = [];
  readonly #proposed: Float64Array;
  readonly #sent: Float64Array;
  readonly #inputAt: number[] = [];
  readonly #inputBefore: number[] = [];
  readonly #inputLogIds: number[] = [];
  readonly #inputBase: number[] = [];
  readonly #inputState: number[] = [];
  #part = 0;

  constructor(dim: number, stateDim: number, hz: number) {
    this.#dim = dim;
    this.#stateDim = stateDim;
    this.#capacity = Math.max(1, Math.floor(hz));
    this.#dtMs = 1_000 / hz;
    this.#proposed = new Float64Array(dim * this.#capacity);
    this.#sent = new Float64Array(dim * this.#capacity);
  }

  /** Whether `seq` goes on from what is noted: a record's ticks rise. */
  accepts(seq: number): boolean {
    const last = this.#seq.at(-1);
    return last === undefined || seq > last;
  }

  /** Notes one emitted tick and the hold that the loop was asked for; true when a second is full and must be taken. */
  push(seq: number, result: TickResult, cause: HoldReason | null): boolean {
    const row = this.#seq.length;
    this.#proposed.set(result.proposed, row * this.#dim);
    this.#sent.set(result.values, row * this.#dim);
    this.#seq.push(seq);
    this.#logIds.push(Math.max(0, result.ref));
    this.#flags.push(result.flags);
    this.#score.push(result.score);
    this.#causes.push(KIND_OF_HOLD.get(cause) ?? 0);
    this.#kinds.push(kindOf(result));
    return row + 1 >= this.#capacity;
  }

  /**
   * Notes what was called on the loop beside its ticks: an observation, an adopted chunk, or another LOOP_CALL (without
   * state); true when there are so many that they must be taken.
   */
  input(call: number, before: number, baseTick: number, state: Float64Array | null): boolean {
    this.#inputAt.push(this.#seq.length);
    this.#inputBefore.push(before);
    this.#inputLogIds.push(call);
    this.#inputBase.push(baseTick);
    if (state !== null) for (let i = 0; i < this.#stateDim; i++) this.#inputState.push(state[i] ?? 0);
    return this.#inputBefore.length >= MOST_INPUTS;
  }

  /** Takes what there is, or null. The columns are copies: the journal may encode them later. */
  take(identity: Identity): TicksRecord | null {
    const count = this.#seq.length;
    if (count === 0 && this.#inputBefore.length === 0) return null;
    const record: TicksRecord = {
      v: 1,
      kind: 'ticks',
      log_id: null,
      ...identity,
      part: this.#part++,
      dt_ms: this.#dtMs,
      dim: this.#dim,
      seq: this.#seq.slice(),
      log_ids: this.#logIds.slice(),
      flags: this.#flags.slice(),
      score: this.#score.slice(),
      kinds: this.#kinds.slice(),
      causes: this.#causes.slice(),
      proposed: bytesOf(this.#proposed.slice(0, count * this.#dim)),
      sent: bytesOf(this.#sent.slice(0, count * this.#dim)),
      inputs: {
        at: this.#inputAt.slice(),
        before: this.#inputBefore.slice(),
        log_ids: this.#inputLogIds.slice(),
        base_tick: this.#inputBase.slice(),
        state_dim: this.#stateDim,
        state: bytesOf(Float64Array.from(this.#inputState)),
      },
    };
    for (const column of [
      this.#seq,
      this.#logIds,
      this.#flags,
      this.#score,
      this.#kinds,
      this.#causes,
      this.#inputAt,
      this.#inputBefore,
      this.#inputLogIds,
      this.#inputBase,
      this.#inputState,
    ]) {
      column.length = 0;
    }
    return record;
  }
}
