import { checkInstruction, type InstructionFault, instructionRule } from '@sinew/contracts';
import { ControlLoop, GovernorFault, type NewChunk, type Prefix, type TickResult, Watchdog } from '@sinew/control';
import { type JournalWriter, LOOP_CALL } from '@sinew/journal';
import type { ConsentCache } from '@sinew/privacy';
import {
  type ClientMessage,
  ERRORS,
  type HoldReason,
  type Observation,
  type Opened,
  type Ping,
  type WireFault,
} from '@sinew/protocol';
import type { Logger, Metrics } from '@sinew/telemetry';
import type { Clock } from '../clock.js';
import type { Refusals } from '../gates/refusals.js';
import type { Customers } from '../limits/customers.js';
import type { Pacer } from '../pacer.js';
import type { SessionTap } from '../recording/session-tap.js';
import type { SocketHandle } from '../stream/socket-handle.js';
import { SessionCounters } from './counters.js';
import { FrameBudget } from './frame-budget.js';
import { newResumeToken, sameToken } from './identity.js';
import { InferenceSlot, type ReadyChunk } from './inference.js';
import type { AcceptedObservation } from './observation-box.js';
import { ObservationGate } from './observation-gate.js';
import { NativeOutbox, type Outbox } from './outbox.js';
import { createPacing, type PacingMode } from './pacing.js';
import { controlSpecOf, type SessionProfile } from './profile.js';
import type { SafetyMetrics } from './safety-metrics.js';
import { SessionIncidents } from './session-incidents.js';
import { SessionRecords } from './session-records.js';
import type { SlabPool } from './slab-pool.js';
import type { CloseReason, SessionState } from './state.js';
import { Task } from './task.js';
import { TickLog } from './tick-log.js';
import { WaitShare } from './wait-share.js';

export interface SessionContext {
  readonly clock: Clock;
  readonly journal: JournalWriter;
  readonly metrics: Metrics;
  readonly safety: SafetyMetrics;
  readonly log: Logger;
  readonly pacer: Pacer;
  readonly slabs: SlabPool;
  readonly consents: ConsentCache;
  readonly customers: Customers;
  readonly refusals: Refusals;
  readonly maxFrameBytes: number;
  readonly resumeWindowMs: number;
  readonly opened: (session: Session) => void;
  readonly closed: (session: Session) => void;
}

/** A client that has not read for this long while ticks are shed is given up (S8). */
const MAX_CONGESTED_MS = 5_000;
/** Ticks of at most a second share a record; a paced session counts them itself, and is only looked after here. */
const FLUSH_MS = 1_000;
const PACED_FLUSH_MS = 3_000;

/**
 * One robot's session: what it was told, what it last saw, and what it may send. Time comes from the context's clock;
 * nothing in here waits, and after `close` nothing of it is left in the pacer, the scheduler or the registry (S10).
 */
export class Session {
  readonly profile: SessionProfile;
  readonly context: SessionContext;
  readonly loop: ControlLoop;
  readonly counters = new SessionCounters();
  readonly ticks: TickLog;
  readonly gate: ObservationGate;
  readonly outbox: Outbox;
  readonly watchdog: Watchdog;
  readonly inference: InferenceSlot;
  readonly waits: WaitShare;
  readonly incidents: SessionIncidents;
  readonly #task: Task;
  readonly #pacing: PacingMode;
  readonly #budget: FrameBudget;
  readonly #records: SessionRecords;
  /** Who records this session; null where nobody does. */
  tap: SessionTap | null = null;

  #state: SessionState;
  #token = newResumeToken();
  #epoch = 1;
  #generation = 0;
  #latched: boolean;
  #draining = false;
  /** The last inference failed: holds for it once there is nothing left to execute. */
  #modelFailed = false;
  #nextTick = 0;
  #startMs: number | null = null;
  #flushedMs: number;
  readonly #flushAfterMs: number;
  #drainingSince = 0;

  constructor(
    profile: SessionProfile,
    context: SessionContext,
    socket: SocketHandle,
    instruction: string,
    latched: boolean,
  ) {
    this.profile = profile;
    this.context = context;
    this.#state = { kind: 'active', socket };
    this.#task = new Task(profile, instruction);
    this.#latched = latched;
    const { description } = profile.model;
    const spec = controlSpecOf(profile);
    this.loop = new ControlLoop(spec);
    const now = context.clock.now();
    // All sessions flushing at one sweep would stall every robot: paced ones keep the phase of their own ticks.
    this.#flushAfterMs = profile.pacing === 'paced' ? PACED_FLUSH_MS : FLUSH_MS;
    this.#flushedMs = now;
    this.ticks = new TickLog(description.action_dim, description.inputs.state.dim, profile.controlHz);
    this.#records = new SessionRecords(profile, context, this.ticks, (record) => this.tap?.recorded(record));
    this.gate = new ObservationGate(description, spec);
    this.outbox = profile.wire?.outbox(this) ?? new NativeOutbox(() => this.socket, context.clock);
    this.watchdog = new Watchdog(profile.staleAfterMs);
    this.incidents = new SessionIncidents(profile, {
      clock: context.clock,
      safety: context.safety,
      counters: this.counters,
      write: (event) => this.#records.append(event),
      moment: () => this.#task,
    });
    this.waits = new WaitShare(profile.controlHz);
    this.inference = new InferenceSlot(this);
    this.#pacing = profile.wire?.pacing(this) ?? createPacing(this);
    this.#budget = new FrameBudget(profile.controlHz, now);
    this.#records.opened(instruction, this.#epoch, spec);
  }

  get id(): string {
    return this.profile.id;
  }
  get state(): SessionState {
    return this.#state;
  }
  get generation(): number {
    return this.#generation;
  }
  get episode(): number {
    return this.#task.episode;
  }
  get instruction(): string {
    return this.#task.instruction;
  }
  get latched(): boolean {
    return this.#latched;
  }
  /** Why the robot may not move whatever it sees, or null: then it takes no policy worker from those that may. */
  get barred(): HoldReason | null {
    if (this.#latched) return 'estop';
    if (this.#draining) return 'draining';
    return this.#task.refused ? 'safety' : null;
  }
  /** The first control tick not emitted yet. */
  get nextTick(): number {
    return this.#nextTick;
  }
  /** L2: ticks of a chunk that are executed before the next is asked for; longer under load, but never until it has run dry. */
  get horizon(): number {
    const { adaptive, execute, model } = this.profile;
    if (!adaptive) return execute;
    const longest = model.description.chunk_size - this.inference.leadTicks - 1;
    return Math.max(execute, Math.min(longest, Math.ceil(execute * model.scheduler.horizonStretch)));
  }
  /** Ticks left to execute from the first one that a new chunk could still change. */
  get remaining(): number {
    return this.loop.remaining(this.#pacing.firstUsableTick());
  }
  /** When tick 0 was due, or null before the first accepted observation (S2). */
  get startMs(): number | null {
    return this.#startMs;
  }
  get periodMs(): number {
    return 1_000 / this.profile.controlHz;
  }
  get socket(): SocketHandle | null {
    return this.#state.kind === 'active' || this.#state.kind === 'held' ? this.#state.socket : null;
  }

  // ---- frames in -------------------------------------------------------------------------------------------------

  /** Spends the frame budget (W6) before anything is decoded. */
  admitFrame(nowMs: number): boolean {
    const verdict = this.#budget.take(nowMs);
    if (verdict === 'ok') return true;
    this.counters.frames_limited++;
    this.context.metrics.framesLimited.inc();
    if (verdict === 'close') {
      this.outbox.fail('rate_limited', 'Too many frames for ten seconds');
      this.close('rate_limited', ERRORS.rate_limited.close);
    } else this.outbox.notice('rate_limited', 'Frames over the session’s rate are dropped');
    return false;
  }

  /** W6: an observation of a lockstep session was answered. */
  answered(): void {
    this.#budget.giveBack();
  }

  /** One message; whatever it brings about ends this session alone, as in `guard`. */
  handle(message: ClientMessage, arrivedMs: number): void {
    try {
      this.#receive(message, arrivedMs);
    } catch (error) {
      this.#fail(error);
    }
  }

  #receive(message: ClientMessage, arrivedMs: number): void {
    switch (message.type) {
      case 'observation':
        return this.#observe(message, arrivedMs);
      case 'ping':
        return this.#pong(message, arrivedMs);
      case 'instruction':
        return this.#instruct(message.instruction);
      case 'reset':
        return this.#reset(message.outcome ?? null);
      case 'estop':
        return this.#estop();
      case 'estop_clear':
        return this.#clearEstop();
      case 'close':
        this.close('client', 1000);
        return;
      case 'open':
        this.fault({
          code: 'validation_failed',
          message: 'The session is open already',
          fatal: false,
          field: 'type',
          reason: '`open` is sent once a socket',
        });
    }
  }

  #observe(message: Observation, arrivedMs: number): void {
    this.counters.observations++;
    const fault = this.gate.check(message, arrivedMs, this.#nextTick);
    if (fault !== null) {
      this.fault(fault);
      const broken = fault.field === 'instruction' ? checkInstruction(message.instruction ?? '') : null;
      if (broken !== null) this.#barFor(message.instruction ?? '', broken);
      return;
    }
    if (message.instruction !== undefined) this.#accept(message.instruction);
    const capturedMs = this.gate.capturedMs(message, arrivedMs);
    this.#pacing.begin(arrivedMs);
    const baseTick = this.#pacing.baseTick(message, capturedMs);
    const observation: AcceptedObservation = {
      seq: message.seq,
      images: message.images,
      state: message.state,
      instruction: this.#task.instruction,
      arrivedMs,
      capturedMs,
      baseTick,
      generation: this.#generation,
    };
    this.watchdog.observed(arrivedMs, arrivedMs - capturedMs);
    this.loop.observe(message.state, baseTick);
    this.noteInput(LOOP_CALL.observe, this.#nextTick, baseTick, message.state);
    this.tap?.observed(observation);
    this.#pacing.accept(observation);
  }

  #pong(ping: Ping, arrivedMs: number): void {
    this.gate.clock.onPing(ping.sent_at_ms, ping.echo, arrivedMs);
    this.outbox.send({
      type: 'pong',
      sent_at_ms: ping.sent_at_ms,
      received_at_ms: arrivedMs,
      server_time_ms: this.context.clock.now(),
    });
  }

  #instruct(instruction: string): void {
    const broken = checkInstruction(instruction);
    if (broken === null) return this.#accept(instruction);
    const { reason } = broken;
    const message = `instruction: ${reason}`;
    const rule = instructionRule(broken);
    this.fault({ code: 'validation_failed', message, fatal: false, field: 'instruction', reason, rule });
    this.#barFor(instruction, broken);
  }

  /**
   * A refused instruction leaves the one before it. Where it is refused for what it asks, whoever gives orders does not want the
   * old task any more and may not have the new one: the robot holds until it is told something that passes.
   */
  #barFor(instruction: string, { kind, severity }: InstructionFault): void {
    if (kind !== 'safety') return;
    this.incidents.refusedInstruction(instruction, severity, this.#nextTick);
    if (this.#task.refused) return;
    this.#task.refuse();
    const unanswered = this.inference.outstanding();
    this.#forgetWork();
    this.#pacing.stopNow('safety', unanswered);
  }

  #accept(instruction: string): void {
    const changed = instruction !== this.#task.instruction;
    if (changed) this.#reportDirection();
    const released = this.#task.refused;
    this.#task.accept(instruction);
    if (released) this.#restart();
    if (changed) this.#records.event(this.episode, { event: 'instruction', data: { instruction } });
  }

  #reportDirection(): void {
    const finding = this.#task.mismatch();
    if (finding === null) return;
    const { asked, displacement, along, heldTicks } = finding;
    this.counters.direction_mismatches++;
    this.context.metrics.directionMismatches.inc();
    const data = { asked, displacement, along, held_ticks: heldTicks };
    this.#records.event(this.episode, { event: 'direction_mismatch', data });
  }

  /** A new episode: what was computed or observed before is never used again. */
  #reset(outcome: { success: boolean } | null): void {
    this.flushTicks();
    this.#reportDirection();
    this.#records.event(this.episode, { event: 'reset', data: {}, ...(outcome === null ? {} : { outcome }) });
    this.#task.nextEpisode();
    this.#forgetWork();
    if (this.profile.pacing === 'lockstep') this.#resetLoop();
    else {
      this.loop.beginEpisode();
      this.noteInput(LOOP_CALL.begin_episode, this.#nextTick, 0, null);
    }
    this.#pacing.newEpisode();
  }

  /** E2, S11: latched at once; the record is written within this loop turn and synced without waiting for its group. */
  #estop(): void {
    if (this.#latched) return;
    this.#latched = true;
    const unanswered = this.inference.outstanding();
    this.#restart();
    this.#pacing.stopNow('estop', unanswered);
    this.#records.event(this.episode, { event: 'estop', data: { by: 'client' } });
    this.context.log.warn({ session_id: this.id, robot_id: this.profile.robotId }, 'e-stop latched');
  }

  #clearEstop(): void {
    // Released here already, by an operator: the client stood until now, so motion begins anew for it.
    if (!this.#latched) return this.#restart();
    this.#unlatch({ by: 'client' });
    this.context.log.warn({ session_id: this.id, robot_id: this.profile.robotId }, 'e-stop cleared by the client');
  }

  /** An operator's release. The client is told: it may hold for the same e-stop by itself. */
  releaseEstop(by: Readonly<Record<string, unknown>>): void {
    if (!this.#latched) return;
    this.#unlatch(by);
    this.outbox.notice('estop_cleared', 'An operator has released the e-stop');
  }

  #unlatch(data: Readonly<Record<string, unknown>>): void {
    this.#latched = false;
    this.#restart();
    this.#records.event(this.episode, { event: 'estop_clear', data });
  }

  /** Chunks on their way, waiting observations, timeline and filters are all of the past; what moves brakes first. */
  #restart(): void {
    this.#forgetWork();
    // In lockstep the client executes nothing between chunks: there is no motion to brake.
    if (this.profile.pacing === 'lockstep') return this.#resetLoop();
    this.loop.restart(this.#nextTick);
    this.noteInput(LOOP_CALL.restart, this.#nextTick, 0, null);
  }

  #resetLoop(): void {
    this.loop.reset();
    this.noteInput(LOOP_CALL.reset, this.#nextTick, 0, null);
  }

  #forgetWork(): void {
    this.#generation++;
    this.#modelFailed = false;
    this.inference.clear();
  }

  // ---- what comes back from the policy ---------------------------------------------------------------------------

  /** A chunk whose record is written (J1): from here on it may move the robot. */
  chunkReady(chunk: ReadyChunk): void {
    if (this.#state.kind === 'closed' || chunk.observation.generation !== this.#generation) return;
    this.#modelFailed = false;
    this.guard(() => this.#pacing.chunkReady(chunk));
  }

  /** The chunk as the control loop takes it, at this moment. */
  newChunk(chunk: ReadyChunk): NewChunk {
    const { actions, late, logId, observation } = chunk;
    const { baseTick, state } = observation;
    const first = this.#pacing.firstUsableTick(observation);
    // The first usable tick moves back where a link turns out faster: what is recorded as too late stays so.
    const nextTick = late ? Math.max(first, baseTick + this.profile.model.description.chunk_size) : first;
    return { actions, state, baseTick, nextTick, ref: logId };
  }

  /** What goes on while this observation's chunk is computed, for `rtc`; null without. */
  prefixOf(observation: AcceptedObservation): Prefix | null {
    if (this.profile.blend !== 'rtc') return null;
    const nextTick = this.#pacing.firstUsableTick(observation);
    this.noteInput(LOOP_CALL.prefix, nextTick, observation.baseTick, null);
    let prefix: Prefix | null = null;
    this.guard(() => {
      prefix = this.loop.prefix(observation.baseTick, nextTick);
    });
    return prefix;
  }

  /** An inference that failed, once that is written: nothing that was computed before it comes after it. */
  modelFailed(observation: AcceptedObservation, reason: string): void {
    if (this.#state.kind === 'closed' || observation.generation !== this.#generation) return;
    this.#modelFailed = true;
    this.guard(() => this.#pacing.modelFailed?.(observation));
    this.outbox.fail('model_error', reason, observation.seq);
  }

  // ---- ticks -----------------------------------------------------------------------------------------------------

  /** The highest cause to hold at this tick that the loop itself cannot know (S12); null when there is none. */
  holdCause(nowMs: number, tick: number): HoldReason | null {
    const { barred } = this;
    if (barred !== null) return barred;
    if (this.#modelFailed && this.loop.remaining(tick) === 0) return 'model_error';
    return this.watchdog.stale(nowMs) ? 'stale' : null;
  }

  /** Starts the tick schedule with the first accepted observation (S2). */
  startPacing(nowMs: number): void {
    if (this.#startMs !== null) return;
    this.#startMs = nowMs;
    this.context.pacer.add(this.id, nowMs, this.profile.controlHz, {
      tick: (n, dueMs, skipped) => {
        if (skipped > 0) {
          this.counters.missed_ticks += skipped;
          this.context.metrics.missedTicks.inc(skipped);
        }
        this.#nextTick = n + 1;
        if (this.#state.kind === 'detached') return;
        try {
          this.#pacing.tick(n, dueMs);
        } catch (error) {
          this.#fail(error);
        }
      },
    });
  }

  /** Lockstep counts executed actions instead of time (S4). */
  advanceTo(nextTick: number): void {
    this.#nextTick = nextTick;
  }

  enter(reason: HoldReason | null): void {
    const state = this.#state;
    if (state.kind === 'active' && reason !== null) this.#state = { kind: 'held', socket: state.socket, reason };
    else if (state.kind === 'held' && reason === null) this.#state = { kind: 'active', socket: state.socket };
    else if (state.kind === 'held' && reason !== null && state.reason !== reason) {
      this.#state = { kind: 'held', socket: state.socket, reason };
    }
  }

  noteTick(n: number, result: TickResult, cause: HoldReason | null): void {
    if (!this.ticks.accepts(n)) this.flushTicks();
    if (this.ticks.push(n, result, cause)) this.flushTicks();
    this.context.safety.tick(result);
    this.tap?.ticked(n, result);
    this.#task.moved(n, result.values);
    if (this.incidents.watches(result.flags)) this.incidents.tick(n, result);
  }

  /** Every call on the loop but its ticks, as soon as it returned: a replay makes the same ones in the same order. */
  noteInput(call: number, before: number, baseTick: number, state: Float64Array | null): void {
    if (this.ticks.input(call, before, baseTick, state)) this.flushTicks();
  }

  flushTicks(): void {
    this.#flushedMs = this.context.clock.now();
    this.#records.ticks(this.episode);
  }

  // ---- frames out ------------------------------------------------------------------------------------------------

  /** An error that the client caused or must know of; rejected observations are counted and journaled a second together. */
  fault(fault: WireFault): void {
    const { field, reason } = fault;
    if (fault.code === 'validation_failed') {
      this.counters.rejected++;
      this.refused(fault.rule, field ?? 'frame', reason ?? fault.message);
    }
    this.outbox.fault(fault);
  }

  /** What a rule on data refused, a policy's answer too: counted, and recorded a second together. */
  refused(rule: string | undefined, field: string, reason: string): void {
    const { id } = this.context.refusals.count({ rule, field }, this.profile.principal.customerId, 'stream');
    this.#records.rejected(field, reason, id);
  }

  /** `opened`, the first frame of a socket (W1). */
  greet(resumed: boolean): void {
    const { profile } = this;
    const opened: Opened = {
      type: 'opened',
      session_id: this.id,
      resume_token: this.#token,
      epoch: this.#epoch,
      resumed,
      estopped: this.#latched,
      control_hz: profile.controlHz,
      pacing: profile.pacing,
      limits: { max_frame_bytes: this.context.maxFrameBytes, stale_after_ms: profile.staleAfterMs },
      server_time_ms: this.context.clock.now(),
      robot: profile.limits,
      model: profile.model.description,
    };
    this.outbox.send(opened);
  }

  // ---- life ------------------------------------------------------------------------------------------------------

  mayResume(token: string, customerId: string): boolean {
    return (
      this.#state.kind !== 'closed' && customerId === this.profile.principal.customerId && sameToken(token, this.#token)
    );
  }

  /** S7: same session, next epoch, new token; tick numbers go on, everything computed before is dropped. */
  resume(socket: SocketHandle): void {
    const previous = this.socket;
    previous?.end(4409, 'resumed elsewhere', this.context.clock.now());
    this.flushTicks();
    this.#epoch++;
    this.#token = newResumeToken();
    this.counters.resumes++;
    this.#state = { kind: 'active', socket };
    this.gate.clock.reset();
    this.watchdog.reset();
    this.#restart();
    this.#pacing.resumed();
    this.#records.resumed(this.instruction, this.#epoch);
    this.greet(true);
  }

  /** The socket is gone; ignored when a resume has already put another in its place. */
  detach(socket: SocketHandle): void {
    if (this.socket !== socket) return;
    this.#state = { kind: 'detached', sinceMs: this.context.clock.now() };
    this.inference.clear();
    this.flushTicks();
  }

  beginDrain(): void {
    this.outbox.notice('draining', 'The server is stopping; finish and reconnect');
  }

  /** S9: the time to finish is over; from here on every tick holds. */
  holdForDrain(): void {
    this.#draining = true;
    this.#drainingSince = this.context.clock.now();
    const unanswered = this.inference.outstanding();
    this.#forgetWork();
    this.#pacing.stopNow('draining', unanswered);
  }

  /** Whether the last hold of a drain has left: nothing moves any more and at least one tick said so. */
  settled(nowMs: number): boolean {
    // Only a paced robot is stopped tick by tick; the others play their stop from the one hold they were told.
    if (this.socket === null || this.#startMs === null || this.profile.pacing !== 'paced') return true;
    return this.loop.resting && nowMs - this.#drainingSince >= this.periodMs;
  }

  /** Runs one step of this session; whatever it throws ends this session alone, with 4500, and no other. */
  guard(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.context.log.error({ err: error, session_id: this.id }, 'session failed');
    if (error instanceof GovernorFault && !this.#latched) {
      // E3: what keeps robots within their limits does not work. Nothing moves this one again before somebody has looked.
      this.#latched = true;
      this.#records.event(this.episode, { event: 'estop', data: { by: 'governor' } });
    }
    this.outbox.fail('internal', 'A fault of the server ended this session');
    this.close('internal', ERRORS.internal.close);
  }

  /** Every quarter of a second: what no frame and no tick would notice. */
  sweep(nowMs: number): void {
    this.guard(() => this.#sweep(nowMs));
  }

  #sweep(nowMs: number): void {
    this.#records.rejections(this.episode);
    this.#records.consent(this.episode);
    this.incidents.settle();
    const state = this.#state;
    if (state.kind === 'detached' && nowMs - state.sinceMs >= this.context.resumeWindowMs) {
      this.close('resume_window_expired', null);
      return;
    }
    if (nowMs - this.#flushedMs >= this.#flushAfterMs) this.flushTicks();
    if (!this.inference.busy && this.profile.pacing === 'lockstep') this.inference.request();
    const socket = this.socket;
    if (socket?.congested(nowMs) && socket.congestedFor(nowMs) > MAX_CONGESTED_MS) {
      socket.end(4508, 'slow consumer', nowMs);
    }
  }

  /** S10. `code` null: there is no socket to close. */
  close(reason: CloseReason, code: number | null): void {
    if (this.#state.kind === 'closed') return;
    const socket = this.socket;
    if (socket !== null) {
      this.outbox.send({ type: 'closed', reason, resumable: false, counters: this.counters.snapshot() });
      if (code !== null) socket.end(code, reason, this.context.clock.now());
    }
    this.flushTicks();
    this.#reportDirection();
    this.incidents.end();
    this.#records.rejections(this.episode, true);
    this.#state = { kind: 'closed', reason };
    this.#generation++;
    this.inference.clear();
    this.profile.model.scheduler.remove(this.inference);
    this.context.pacer.remove(this.id);
    this.#records.closed(this.instruction, this.#epoch, reason, this.counters);
    this.context.metrics.closes.inc({ reason });
    this.context.log.info(
      {
        session_id: this.id,
        customer_id: this.profile.principal.customerId,
        robot_id: this.profile.robotId,
        robot_type: this.profile.robotType,
        close_reason: reason,
        ...this.counters.snapshot(),
      },
      'session closed',
    );
    this.tap?.ended();
    this.context.closed(this);
  }
}
