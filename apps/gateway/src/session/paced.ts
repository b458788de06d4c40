import { type Action, type Hold, type HoldReason, type Latency, type Observation, TickFrames } from '@sinew/protocol';
import { namesOf } from './flag-names.js';
import type { ReadyChunk } from './inference.js';
import type { AcceptedObservation } from './observation-box.js';
import type { PacingMode } from './pacing.js';
import type { Session } from './session.js';
import { runsDrySoon, tickOfCapture } from './ticked.js';

/** What an action tells about the chunk it came from. */
interface Origin {
  readonly observationSeq: number;
  readonly capturedMs: number;
  readonly latency: Latency;
}

/** A blend looks no further back than a chunk's length; older chunks cannot contribute. */
const KEPT_ORIGINS = 16;
const NO_LATENCY: Latency = { queue_ms: 0, inference_ms: 0, total_ms: 0 };

/** What every session's tick is written into and sent from, in turn: the socket copies what it cannot send at once. */
const frames = new TickFrames();
const ACTION: Action = {
  type: 'action',
  seq: 0,
  observation_seq: 0,
  values: new Float64Array(0),
  age_ms: 0,
  safety: { score: 0, checks_passed: 0, flags: [], clamped: false },
  latency: NO_LATENCY,
  log_id: 0,
};
const HOLD: Hold = { type: 'hold', seq: 0, reason: 'starved', values: new Float64Array(0) };

/** S2: exactly one `action` or `hold` a control tick. */
export class PacedMode implements PacingMode {
  readonly #session: Session;
  readonly #origins = new Map<number, Origin>();

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
    const { inference, barred, loop, nextTick } = this.#session;
    // A robot that may not move takes no worker from those that do.
    if (barred !== null) return;
    inference.put(observation);
    if (loop.wantsInference(nextTick, inference.leadTicks, this.#session.horizon)) inference.request();
  }

  firstUsableTick(): number {
    return this.#session.nextTick;
  }

  chunkReady(ready: ReadyChunk): void {
    const session = this.#session;
    const { logId, observation, latency } = ready;
    const chunk = session.newChunk(ready);
    const result = session.loop.adopt(chunk);
    session.noteInput(logId, chunk.nextTick, chunk.baseTick, chunk.state);
    if (!result.adopted) {
      if (result.reason === 'expired') session.counters.chunks_late++;
      return;
    }
    session.context.metrics.seamJump.observe(result.seam);
    this.#origins.set(logId, { observationSeq: observation.seq, capturedMs: observation.capturedMs, latency });
    if (this.#origins.size > KEPT_ORIGINS) this.#origins.delete(this.#origins.keys().next().value as number);
  }

  tick(n: number, dueMs: number): void {
    const session = this.#session;
    const { counters, context, inference, loop } = session;
    const { metrics } = context;
    const now = context.clock.now();
    const socket = session.socket;
    if (socket === null) return;
    // S8: asked before the loop moves. A tick that cannot be sent is a gap, after which motion starts from rest.
    if (socket.congested(now)) {
      counters.shed_ticks++;
      metrics.shedTicks.inc();
      return;
    }
    const cause = session.holdCause(now, n);
    const result = loop.tick(n, cause);
    session.waits.tick(result.kind === 'hold' && result.reason === 'starved');
    metrics.tickJitter.observe(Math.abs(now - dueMs) / 1_000);
    if (result.kind === 'action') {
      const origin = this.#origins.get(result.ref);
      const ageMs = origin === undefined ? 0 : now - origin.capturedMs;
      counters.actions++;
      metrics.actions.inc();
      metrics.actionAge.observe(ageMs / 1_000);
      const flags = namesOf(result.flags);
      if (result.clamped) counters.clamped++;
      session.enter(null);
      ACTION.seq = n;
      ACTION.observation_seq = origin?.observationSeq ?? 0;
      ACTION.values = result.values;
      ACTION.age_ms = ageMs;
      ACTION.safety.score = result.score;
      ACTION.safety.checks_passed = result.checksPassed;
      ACTION.safety.flags = flags;
      ACTION.safety.clamped = result.clamped;
      ACTION.latency = origin?.latency ?? NO_LATENCY;
      ACTION.log_id = result.ref;
      socket.sendUncongested(frames.action(ACTION), now);
    } else {
      const reason = result.reason ?? 'starved';
      counters.hold(reason);
      metrics.holds.cell(reason).inc();
      session.enter(reason);
      HOLD.seq = n;
      HOLD.reason = reason;
      HOLD.values = result.values;
      socket.sendUncongested(frames.hold(HOLD), now);
    }
    session.noteTick(n, result, cause);
    if (inference.waiting > 0 && runsDrySoon(session)) inference.request();
  }

  /** The next tick holds by its cause; nothing leaves between ticks (S2). */
  stopNow(_reason: HoldReason): void {}

  newEpisode(): void {
    this.#origins.clear();
  }

  resumed(): void {
    this.#origins.clear();
  }
}
