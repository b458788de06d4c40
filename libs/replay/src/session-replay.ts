import { ControlLoop, type ControlSpec, type TickResult } from '@sinew/control';
import { type InferenceRecord, LOOP_CALL, type SessionRecord, type TicksRecord } from '@sinew/journal';
import { float32Column, float64Column, reasonOf } from './columns.js';
import { difference, type ReplayedTick, recordedStages, stagesOf, type TickStages } from './replayed-tick.js';
import { type OtherSettings, ReplayError, specOf } from './settings.js';

/** As many as one record of ticks can name (a second of refused ones, at the most frames a session may send), and what a blend looks back on. */
const KEPT_CHUNKS = 1_024;

interface KeptChunk {
  readonly actions: Float32Array;
  baseTick: number;
}

interface Stages extends TickStages {
  readonly n: number;
  readonly proposed: Float64Array | null;
  readonly blended: Float64Array | null;
}

/**
 * One recorded session through timeline, smoothing and governor again: the gateway's own calls on its control loop, in their
 * order. Give it the session's records as they stand in the journal; a record that stands there twice counts once.
 */
export class SessionReplay {
  readonly spec: ControlSpec;
  readonly #loop: ControlLoop;
  /** A horizon in place of the recorded one decides anew which chunks were asked for. */
  readonly #otherHorizon: boolean;
  readonly #chunks = new Map<number, KeptChunk>();
  /** What a plan computed, until the record tells the same ticks. */
  readonly #planned: Stages[] = [];
  /** What the loop asked for before smoothing, by tick, until the tick is told. */
  readonly #blended = new Map<number, Float64Array>();
  #parts = 0;

  /** Throws a ReplayError where no loop can be built. `open`: the session's first record. */
  constructor(open: SessionRecord, other: OtherSettings = {}) {
    this.spec = specOf(open, other);
    this.#otherHorizon = other.execute !== undefined;
    this.#loop = new ControlLoop(this.spec, (n, step) => this.#blended.set(n, step));
  }

  inference({ log_id, chunk }: InferenceRecord): void {
    // A policy may answer a chunk without a single entry: the loop was asked about that one too.
    if (this.#chunks.has(log_id)) return;
    this.#chunks.set(log_id, { actions: float32Column(chunk), baseTick: 0 });
    if (this.#chunks.size > KEPT_CHUNKS) this.#chunks.delete(this.#chunks.keys().next().value as number);
  }

  /** Runs what the record tells and hands out each of its ticks. Throws a ReplayError where the journal does not hold enough. */
  ticks(record: TicksRecord, onTick: (tick: ReplayedTick) => void): void {
    const { inputs, part } = record;
    if (inputs === undefined || record.causes === undefined || part === undefined) {
      throw new ReplayError('', 'recorded by a version that did not note all that entered its control loop');
    }
    if (part < this.#parts) return;
    if (part > this.#parts)
      throw new ReplayError('', `${part - this.#parts} records of ticks before this one are lost`);
    this.#parts++;
    const proposed = float64Column(record.proposed);
    const sent = float64Column(record.sent);
    let row = 0;
    const ticksUntil = (end: number): void => {
      for (; row < end; row++) {
        onTick(this.#tick(record, row, recordedStages(record, proposed, sent, record.dim, row)));
      }
    };
    const state = float64Column(inputs.state);
    let stateRow = 0;
    for (const [i, at] of inputs.at.entries()) {
      ticksUntil(at);
      const call = inputs.log_ids[i] ?? 0;
      const isState = call >= 0;
      const values = state.subarray(stateRow * inputs.state_dim, (stateRow + 1) * inputs.state_dim);
      if (isState) stateRow++;
      this.#call(call, inputs.before[i] ?? 0, inputs.base_tick[i] ?? 0, values.slice());
    }
    ticksUntil(record.seq.length);
  }

  #call(call: number, before: number, base: number, state: Float64Array): void {
    switch (call) {
      case LOOP_CALL.observe:
        return this.#loop.observe(state, base);
      case LOOP_CALL.restart:
        return this.#loop.restart(before);
      case LOOP_CALL.begin_episode:
        return this.#loop.beginEpisode();
      case LOOP_CALL.reset:
        return this.#loop.reset();
      case LOOP_CALL.prefix:
        this.#loop.prefix(base, before);
        this.#blended.clear();
        return;
      case LOOP_CALL.plan:
        this.#loop.plan(before, base, (n, result) => this.#planned.push(this.#stages(n, result)));
        return;
      default:
        return this.#adopt(call, before, base, state);
    }
  }

  #adopt(ref: number, nextTick: number, baseTick: number, state: Float64Array): void {
    const chunk = this.#chunks.get(ref);
    if (chunk === undefined) throw new ReplayError('', `the chunk of inference ${ref} is not in the journal`);
    chunk.baseTick = baseTick;
    if (this.#otherHorizon && !this.#loop.wantsInference(baseTick)) return;
    this.#loop.adopt({ actions: chunk.actions, state, baseTick, nextTick, ref });
  }

  #tick({ episode, seq, causes }: TicksRecord, row: number, recorded: TickStages): ReplayedTick {
    const n = seq[row] ?? -1;
    const planned = this.#planned.shift();
    const stages = planned ?? this.#run(n, causes?.[row] ?? 0);
    const differs =
      stages.n === n
        ? difference(episode, n, recorded, stages)
        : ({ n, episode, stage: 'tick', index: -1, recorded: n, replayed: stages.n } as const);
    return { ...stages, episode, recorded, difference: differs };
  }

  #run(n: number, cause: number): Stages {
    return this.#stages(n, this.#loop.tick(n, reasonOf(cause)));
  }

  #stages(n: number, result: TickResult): Stages {
    const chunk = this.#chunks.get(result.ref);
    const row = (n - result.baseTick) * this.spec.dim;
    const blended = this.#blended.get(n) ?? null;
    this.#blended.clear();
    const proposed = chunk === undefined ? null : Float64Array.from(chunk.actions.subarray(row, row + this.spec.dim));
    return { n, ...stagesOf(result), proposed, blended };
  }
}
