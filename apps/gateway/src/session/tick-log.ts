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

/** Numbers that are lent until the next ones: in lockstep a record comes with every chunk, and buffers of its own cost as much as the rest. */
class Room {
  #numbers = new Float64Array(0);

  of(count: number): Float64Array {
    if (count > this.#numbers.length) this.#numbers = new Float64Array(2 * count);
    return this.#numbers.subarray(0, count);
  }
}

const PROPOSED = new Room();
const SENT = new Room();
const STATES = new Room();

interface Identity {
  readonly session_id: string;
  readonly customer_id: string;
  readonly t_ms: number;
  readonly episode: number;
}

/** Numbers of a tick beside its two actions, and of an input beside its state; `HAS_STATE`: whether one belongs to it. */
const TICK = { seq: 0, logId: 1, flags: 2, score: 3, kind: 4, cause: 5, actions: 6 } as const;
const INPUT = { at: 0, before: 1, call: 2, baseTick: 3, hasState: 4, state: 5 } as const;
/** Inputs that a buffer first has room for, beyond one a tick. */
const SPARE_INPUTS = 12;

/**
 * Up to a second of ticks, and of what entered the control loop between them: together with the chunks they replay every tick
 * bit for bit. Kept in two buffers, a row each: arrays that grow for a second and are dropped then outlive the young
 * generation, a second of every session at a time.
 */
export class TickLog {
  readonly #dim: number;
  readonly #stateDim: number;
  readonly #capacity: number;
  readonly #dtMs: number;
  readonly #tickWidth: number;
  readonly #inputWidth: number;
  #ticks: Float64Array | null = null;
  #inputs: Float64Array | null = null;
  #tickCount = 0;
  #inputCount = 0;
  #stateCount = 0;
  #lastSeq = Number.NEGATIVE_INFINITY;
  #part = 0;

  constructor(dim: number, stateDim: number, hz: number) {
    this.#dim = dim;
    this.#stateDim = stateDim;
    this.#capacity = Math.max(1, Math.floor(hz));
    this.#dtMs = 1_000 / hz;
    this.#tickWidth = TICK.actions + 2 * dim;
    this.#inputWidth = INPUT.state + stateDim;
  }

  /** Whether `seq` goes on from what is noted: a record's ticks rise. */
  accepts(seq: number): boolean {
    return seq > this.#lastSeq;
  }

  /** Notes one emitted tick and the hold that the loop was asked for; true when a second is full and must be taken. */
  push(seq: number, result: TickResult, cause: HoldReason | null): boolean {
    this.#ticks ??= new Float64Array(this.#capacity * this.#tickWidth);
    const rows = this.#ticks;
    const row = this.#tickCount * this.#tickWidth;
    rows[row + TICK.seq] = seq;
    rows[row + TICK.logId] = Math.max(0, result.ref);
    rows[row + TICK.flags] = result.flags;
    rows[row + TICK.score] = result.score;
    rows[row + TICK.kind] = kindOf(result);
    rows[row + TICK.cause] = KIND_OF_HOLD.get(cause) ?? 0;
    const proposed = row + TICK.actions;
    const sent = proposed + this.#dim;
    for (let d = 0; d < this.#dim; d++) {
      rows[proposed + d] = result.proposed[d] as number;
      rows[sent + d] = result.values[d] as number;
    }
    this.#lastSeq = seq;
    return ++this.#tickCount >= this.#capacity;
  }

  /**
   * Notes what was called on the loop beside its ticks: an observation, an adopted chunk, or another LOOP_CALL (without
   * state); true when there are so many that they must be taken.
   */
  input(call: number, before: number, baseTick: number, state: Float64Array | null): boolean {
    const rows = this.#roomForInput();
    const row = this.#inputCount * this.#inputWidth;
    rows[row + INPUT.at] = this.#tickCount;
    rows[row + INPUT.before] = before;
    rows[row + INPUT.call] = call;
    rows[row + INPUT.baseTick] = baseTick;
    rows[row + INPUT.hasState] = state === null ? 0 : 1;
    if (state !== null) {
      for (let i = 0; i < this.#stateDim; i++) rows[row + INPUT.state + i] = state[i] ?? 0;
      this.#stateCount++;
    }
    return ++this.#inputCount >= MOST_INPUTS;
  }

  /** Takes what there is, or null. What is binary in it is lent: encode it before a next one is taken, of whichever log. */
  take({ session_id, customer_id, t_ms, episode }: Identity): TicksRecord | null {
    if (this.#tickCount === 0 && this.#inputCount === 0) return null;
    const tick = (field: number): number[] => column(this.#ticks, this.#tickCount, this.#tickWidth, field);
    const input = (field: number): number[] => column(this.#inputs, this.#inputCount, this.#inputWidth, field);
    const record: TicksRecord = {
      v: 1,
      kind: 'ticks',
      log_id: null,
      session_id,
      customer_id,
      t_ms,
      episode,
      part: this.#part++,
      dt_ms: this.#dtMs,
      dim: this.#dim,
      seq: tick(TICK.seq),
      log_ids: tick(TICK.logId),
      flags: tick(TICK.flags),
      score: tick(TICK.score),
      kinds: tick(TICK.kind),
      causes: tick(TICK.cause),
      proposed: bytesOf(this.#actions(TICK.actions, PROPOSED)),
      sent: bytesOf(this.#actions(TICK.actions + this.#dim, SENT)),
      inputs: {
        at: input(INPUT.at),
        before: input(INPUT.before),
        log_ids: input(INPUT.call),
        base_tick: input(INPUT.baseTick),
        state_dim: this.#stateDim,
        state: bytesOf(this.#states()),
      },
    };
    this.#tickCount = 0;
    this.#inputCount = 0;
    this.#stateCount = 0;
    this.#lastSeq = Number.NEGATIVE_INFINITY;
    return record;
  }

  #roomForInput(): Float64Array {
    const before = this.#inputs;
    const needed = (this.#inputCount + 1) * this.#inputWidth;
    if (before !== null && needed <= before.length) return before;
    const rows = before === null ? this.#capacity + SPARE_INPUTS : 2 * this.#inputCount;
    const room = new Float64Array(Math.min(rows, MOST_INPUTS) * this.#inputWidth);
    if (before !== null) room.set(before);
    this.#inputs = room;
    return room;
  }

  /** [N, D] */
  #actions(from: number, room: Room): Float64Array {
    const rows = this.#ticks;
    const out = room.of(this.#tickCount * this.#dim);
    if (rows === null) return out;
    for (let n = 0, at = 0; n < this.#tickCount; n++) {
      const row = n * this.#tickWidth + from;
      for (let d = 0; d < this.#dim; d++) out[at++] = rows[row + d] as number;
    }
    return out;
  }

  /** Of the inputs that have one, in their order. */
  #states(): Float64Array {
    const rows = this.#inputs;
    const out = STATES.of(this.#stateCount * this.#stateDim);
    if (rows === null) return out;
    for (let n = 0, at = 0; n < this.#inputCount; n++) {
      const row = n * this.#inputWidth;
      if (rows[row + INPUT.hasState] === 0) continue;
      for (let i = 0; i < this.#stateDim; i++) out[at++] = rows[row + INPUT.state + i] as number;
    }
    return out;
  }
}

function column(rows: Float64Array | null, count: number, width: number, field: number): number[] {
  const out = new Array<number>(count);
  if (rows !== null) for (let n = 0; n < count; n++) out[n] = rows[n * width + field] as number;
  return out;
}
