import { LOOP_CALL } from '@sinew/journal';
import type { HoldReason, Observation } from '@sinew/protocol';
import type { ReadyChunk } from '../session/inference.js';
import type { AcceptedObservation } from '../session/observation-box.js';
import type { PacingMode } from '../session/pacing.js';
import { chunkMessage } from '../session/plan-message.js';
import type { Session } from '../session/session.js';
import { Whereabouts } from './whereabouts.js';

/** An answer that took longer, as in an outage of model servers, is about a scene that nobody vouches for any more. */
const LONGEST_WAIT_MS = 10_000;

/**
 * How a client is driven that executes what it gets without a word: lockstep whose chunks end at rest within themselves,
 * since nobody plays a braking tail, and whose holds are as long as a chunk. Where it is not known how many actions are executed
 * before the next observation, each chunk begins at rest too: the client sends nothing while it waits, so the robot stands.
 */
export class OpenLoop implements PacingMode {
  readonly #session: Session;
  /** Actions of each chunk that are executed; null: unknown. */
  readonly #execute: number | null;
  readonly #length: number;
  readonly #dim: number;
  /** The tick at which motion goes on; null: from rest. */
  #goesOnAt: number | null = null;
  readonly #whereabouts: Whereabouts;
  #answeredMs = 0;

  constructor(session: Session, execute: number | null) {
    this.#session = session;
    this.#execute = execute;
    const { description } = session.profile.model;
    const { action_dim, chunk_size } = description;
    this.#whereabouts = new Whereabouts(description, session.profile.controlHz);
    this.#length = chunk_size;
    this.#dim = action_dim;
  }

  begin(): void {}

  /** From rest a tick is left out, in which nothing was sent: the loop takes that for a standstill. */
  baseTick({ state }: Observation): number {
    const { nextTick } = this.#session;
    if (this.#goesOnAt !== null && !this.#paused() && !this.#whereabouts.elsewhere(state)) return this.#goesOnAt;
    return nextTick === 0 ? 0 : nextTick + 1;
  }

  /** Later than its actions take and an observation may age, the client did something else: its robot stands, or was moved. */
  #paused(): boolean {
    const { context, periodMs, profile } = this.#session;
    const playsMs = (this.#execute ?? 0) * periodMs;
    return context.clock.now() - this.#answeredMs > playsMs + profile.staleAfterMs;
  }

  accept(observation: AcceptedObservation): void {
    const { barred, inference } = this.#session;
    if (barred !== null) return this.#hold(observation, barred);
    inference.put(observation);
    inference.request();
  }

  firstUsableTick(observation?: AcceptedObservation): number {
    return observation?.baseTick ?? this.#session.nextTick;
  }

  chunkReady(chunk: ReadyChunk): void {
    const session = this.#session;
    const { loop } = session;
    const { observation, logId } = chunk;
    const { state } = observation;
    const first = this.#firstTick(observation);
    if (this.#waitedMs(observation) > LONGEST_WAIT_MS) return this.#hold(observation, 'stale', first);
    const result = loop.adopt({ ...session.newChunk(chunk), baseTick: first, nextTick: first });
    session.noteInput(logId, first, first, state);
    if (!result.adopted) return this.#hold(observation, result.reason === 'expired' ? 'starved' : 'safety', first);

    const moving = loop.movingTicks(first, Math.min(this.#execute ?? this.#length, this.#length), this.#length);
    session.noteInput(LOOP_CALL.plan, first, moving, null);
    const plan = loop.plan(first, moving, (n, tick) => session.noteTick(n, tick, null));
    const values = new Float32Array(this.#length * this.#dim);
    values.set(plan.values);
    this.#brake(first, moving, 'starved', values);
    session.enter(null);
    session.counters.chunks_sent++;
    if (plan.clamped) session.counters.clamped++;
    session.context.metrics.chunks.inc();
    const message = chunkMessage(plan, chunk, first, session.periodMs, this.#dim);
    this.#answered(first, state, values);
    session.outbox.send({ ...message, shape: [this.#length, this.#dim], values });
  }

  tick(): void {}

  stopNow(reason: HoldReason, unanswered: readonly AcceptedObservation[]): void {
    for (const observation of unanswered) this.#hold(observation, reason);
  }

  modelFailed(observation: AcceptedObservation): void {
    this.#hold(observation, 'model_error');
  }

  newEpisode(): void {
    this.#goesOnAt = null;
    this.#session.advanceTo(0);
  }

  resumed(): void {}

  #waitedMs({ arrivedMs }: AcceptedObservation): number {
    return this.#session.context.clock.now() - arrivedMs;
  }

  /**
   * Of the answer. One that was to go on from the chunk before but comes when an observation of its age would be stale finds the
   * robot standing, whatever it was in the middle of: it begins at rest.
   */
  #firstTick(observation: AcceptedObservation): number {
    const session = this.#session;
    const { baseTick, state } = observation;
    if (baseTick !== this.#goesOnAt || this.#waitedMs(observation) <= session.profile.staleAfterMs) return baseTick;
    const first = session.nextTick + 1;
    session.loop.observe(state, first);
    session.noteInput(LOOP_CALL.observe, session.nextTick, first, state);
    return first;
  }

  /** From the tick `from` of a chunk on: the stop, then standing still. */
  #brake(first: number, from: number, reason: HoldReason, values: Float32Array | Float64Array): void {
    const session = this.#session;
    for (let i = from; i < this.#length; i++) {
      const result = session.loop.tick(first + i, reason);
      session.noteTick(first + i, result, reason);
      values.set(result.values, i * this.#dim);
    }
  }

  /** The answer to an observation that may not move the robot: a chunk of the stop and of standing still. */
  #hold(observation: AcceptedObservation, reason: HoldReason, first = this.#firstTick(observation)): void {
    const session = this.#session;
    const { state } = observation;
    session.counters.hold(reason);
    session.context.metrics.holds.cell(reason).inc();
    session.enter(reason);
    // An e-stop forgot where plans led: it holds where it was seen.
    if (!session.loop.knowsRest) {
      session.loop.observe(state, first);
      session.noteInput(LOOP_CALL.observe, session.nextTick, first, state);
    }
    const values = new Float64Array(this.#length * this.#dim);
    this.#brake(first, 0, reason, values);
    this.#answered(first, state, values);
    session.outbox.send({ type: 'hold', seq: first, reason, values });
  }

  #answered(first: number, state: Float64Array, values: ArrayLike<number>): void {
    const session = this.#session;
    if (this.#execute !== null) this.#whereabouts.follow(state, values, this.#execute);
    session.advanceTo(first + this.#length);
    session.answered();
    // Of a hold too: where less of it is played than the stop takes, the robot moves still.
    this.#goesOnAt = this.#execute === null ? null : first + this.#execute;
    this.#answeredMs = session.context.clock.now();
  }
}
