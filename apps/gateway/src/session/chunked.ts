import { LOOP_CALL } from '@sinew/journal';
import { HOLD_PRIORITY, type HoldReason, type Observation } from '@sinew/protocol';
import type { ReadyChunk } from './inference.js';
import type { AcceptedObservation } from './observation-box.js';
import type { PacingMode } from './pacing.js';
import { chunkMessage } from './plan-message.js';
import type { Session } from './session.js';
import { runsDrySoon, tickOfCapture } from './ticked.js';

/** S3: one `chunk` an inference, governed over its whole length; the client executes it from `first_tick` on. */
export class Chunked implements PacingMode {
  readonly #session: Session;
  #held: HoldReason | null = null;
  /** The tick after the last one that a sent chunk covers. */
  #coveredUntil = 0;
  /** The newest chunk was refused by the governor. */
  #refused = false;
  /** Since a hold the client brakes, up to the chunk that comes next. */
  #braking = false;
  /** The first tick that the loop has not braked yet. */
  #brakedUntil = 0;

  constructor(session: Session) {
    this.#session = session;
  }

  begin(nowMs: number): void {
    this.#session.startPacing(nowMs);
  }

  baseTick(message: Observation, capturedMs: number): number {
    return tickOfCapture(this.#session, message, capturedMs);
  }

  accept(observation: AcceptedObservation): void {
    const { inference, barred, loop } = this.#session;
    // A robot that may not move takes no worker from those that do.
    if (barred !== null) return;
    inference.put(observation);
    if (loop.wantsInference(this.firstUsableTick(), inference.leadTicks, this.#session.horizon)) inference.request();
  }

  /** S3: tick now + round trip + 1, so that the chunk has reached the client before the tick it begins with. */
  firstUsableTick(): number {
    const { context, gate, nextTick, periodMs, startMs } = this.#session;
    if (startMs === null) return nextTick;
    const elapsedMs = context.clock.now() - startMs + (gate.clock.rttMs ?? 0);
    return Math.max(nextTick, Math.ceil(elapsedMs / periodMs) + 1);
  }

  chunkReady(chunk: ReadyChunk): void {
    const session = this.#session;
    const { context, loop, profile, socket } = session;
    const now = context.clock.now();
    if (session.holdCause(now, session.nextTick) !== null) return;
    // S8: asked before the loop takes the chunk, so that one that cannot be sent costs no horizon.
    if (socket === null || socket.congested(now)) return;
    const { observation } = chunk;
    const next = session.newChunk(chunk);
    const firstTick = next.nextTick;
    const result = loop.adopt(next);
    session.noteInput(chunk.logId, firstTick, next.baseTick, next.state);
    if (!result.adopted) {
      if (result.reason === 'expired') session.counters.chunks_late++;
      else this.#refused = true;
      return;
    }
    this.#refused = false;
    this.#brakeUntil(firstTick);
    this.#braking = false;
    const length = loop.remaining(firstTick);
    session.noteInput(LOOP_CALL.plan, firstTick, length, null);
    const plan = loop.plan(firstTick, length, (n, tick) => session.noteTick(n, tick, null));
    const dim = profile.model.description.action_dim;
    if (!session.outbox.send(chunkMessage(plan, chunk, firstTick, session.periodMs, dim))) return;
    this.#coveredUntil = firstTick + plan.length;
    this.#held = null;
    session.enter(null);
    session.counters.chunks_sent++;
    if (plan.clamped) session.counters.clamped++;
    context.metrics.chunks.inc();
    context.metrics.actionAge.observe((now - observation.capturedMs) / 1_000);
    context.metrics.seamJump.observe(result.seam);
  }

  /** No action leaves here; a hold is told once when it begins, so that the client plays its braking tail at once. */
  tick(n: number, dueMs: number): void {
    const session = this.#session;
    const now = session.context.clock.now();
    session.context.metrics.tickJitter.observe(Math.abs(now - dueMs) / 1_000);
    const { inference } = session;
    if (inference.waiting > 0 && runsDrySoon(session)) inference.request();
    const cause = higherCause(session.holdCause(now, n), this.#ownCause(n));
    session.waits.tick(cause === 'starved');
    if (cause === null) this.#held = null;
    else this.#hold(n, cause);
    this.#brakeUntil(n + 1);
  }

  /**
   * What the client does by itself after a hold: the loop brakes along with it. It would take a robot that is still moving to have stopped
   * dead, and plan on from a place that it has left.
   */
  #brakeUntil(end: number): void {
    const session = this.#session;
    for (let n = this.#brakedUntil; n < end && this.#braking; n++) {
      if (session.loop.resting) this.#braking = false;
      // The cause was told with the hold; the same one again would void what was adopted since.
      else session.noteTick(n, session.loop.tick(n, 'starved'), 'starved');
      this.#brakedUntil = n + 1;
    }
  }

  stopNow(reason: HoldReason): void {
    // S12: what ends now may not be the highest reason to stand.
    this.#hold(this.#session.nextTick, this.#session.barred ?? reason);
  }

  newEpisode(): void {
    this.#held = null;
    this.#refused = false;
    this.#coveredUntil = 0;
    this.#braking = false;
  }

  resumed(): void {
    this.newEpisode();
  }

  /** S12: what the chunks that were sent say about tick `n`. */
  #ownCause(n: number): HoldReason | null {
    if (n < this.#coveredUntil) return null;
    return this.#refused ? 'safety' : 'starved';
  }

  #hold(n: number, reason: HoldReason): void {
    if (this.#held === reason) return;
    this.#held = reason;
    const session = this.#session;
    session.counters.hold(reason);
    session.context.metrics.holds.cell(reason).inc();
    session.enter(reason);
    const result = session.loop.tick(n, reason);
    session.noteTick(n, result, reason);
    this.#braking = true;
    this.#brakedUntil = n + 1;
    // Nothing is known of where the robot is, and it was never told to go anywhere: there is no position to hold.
    if (!session.loop.knowsRest) return;
    session.outbox.send({ type: 'hold', seq: n, reason, values: result.values });
  }
}

function higherCause(a: HoldReason | null, b: HoldReason | null): HoldReason | null {
  if (a === null || b === null) return a ?? b;
  return HOLD_PRIORITY.indexOf(a) <= HOLD_PRIORITY.indexOf(b) ? a : b;
}
