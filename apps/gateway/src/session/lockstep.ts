import { LOOP_CALL } from '@sinew/journal';
import type { HoldReason, Observation } from '@sinew/protocol';
import type { ReadyChunk } from './inference.js';
import type { AcceptedObservation } from './observation-box.js';
import type { PacingMode } from './pacing.js';
import { chunkMessage } from './plan-message.js';
import type { Session } from './session.js';

/** S4: one `chunk` an observation, in order, age 0; ticks count executed actions. For simulation and evaluation. */
export class Lockstep implements PacingMode {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  begin(_nowMs: number): void {}

  baseTick(message: Observation): number {
    return message.applied_seq === undefined ? 0 : message.applied_seq + 1;
  }

  accept(observation: AcceptedObservation): void {
    const { inference } = this.#session;
    const { barred } = this.#session;
    if (barred !== null) {
      this.#hold(observation, barred);
      return;
    }
    if (inference.put(observation) === 'overflow') {
      this.#session.outbox.fail(
        'overflow',
        'Four observations wait already; send the next after a chunk',
        observation.seq,
      );
      return;
    }
    inference.request();
  }

  firstUsableTick(observation?: AcceptedObservation): number {
    return observation?.baseTick ?? this.#session.nextTick;
  }

  chunkReady(chunk: ReadyChunk): void {
    const session = this.#session;
    const { loop, profile } = session;
    const { observation, logId } = chunk;
    const first = observation.baseTick;
    const result = loop.adopt(session.newChunk(chunk));
    session.noteInput(logId, first, first, observation.state);
    if (!result.adopted) {
      this.#hold(observation, result.reason === 'expired' ? 'starved' : 'safety');
      return;
    }
    const length = profile.model.description.chunk_size;
    session.noteInput(LOOP_CALL.plan, first, length, null);
    const plan = loop.plan(first, length, (n, tick) => session.noteTick(n, tick, null));
    session.advanceTo(first + plan.length);
    session.enter(null);
    session.answered();
    session.counters.chunks_sent++;
    if (plan.clamped) session.counters.clamped++;
    session.context.metrics.chunks.inc();
    session.outbox.send(chunkMessage(plan, chunk, first, session.periodMs, profile.model.description.action_dim));
  }

  tick(): void {}

  stopNow(reason: HoldReason, unanswered: readonly AcceptedObservation[]): void {
    for (const observation of unanswered) this.#hold(observation, this.#session.barred ?? reason);
  }

  newEpisode(): void {
    this.#session.advanceTo(0);
  }

  /** Ticks count what the client executed: a new socket changes nothing about that. */
  resumed(): void {}

  /** The answer to an observation that may not move the robot, so that the client does not wait for a chunk. */
  #hold(observation: AcceptedObservation, reason: HoldReason): void {
    const session = this.#session;
    session.answered();
    session.counters.hold(reason);
    session.context.metrics.holds.cell(reason).inc();
    session.enter(reason);
    // An e-stop forgot where plans led, and the client played them in part: it holds where it was seen.
    if (!session.loop.knowsRest) {
      session.loop.observe(observation.state, observation.baseTick);
      session.noteInput(LOOP_CALL.observe, session.nextTick, observation.baseTick, observation.state);
    }
    const result = session.loop.tick(observation.baseTick, reason);
    session.noteTick(observation.baseTick, result, reason);
    session.outbox.send({ type: 'hold', seq: observation.baseTick, reason, values: result.values });
  }
}
