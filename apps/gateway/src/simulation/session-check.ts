import type { LimitsInForce } from '@sinew/control';
import {
  type Action,
  type Chunk,
  type ClientMessage,
  type ErrorMessage,
  HOLD_PRIORITY,
  type Hold,
  type Opened,
} from '@sinew/protocol';
import type { Session } from '../session/session.js';
import type { JournalCheck } from './journal-check.js';
import { AT_REST, isStill, MotionCheck, type MotionState, UNKNOWN } from './motion-check.js';
import type { RuleBook } from './rules.js';

/** What the world knows that a session cannot. */
export interface Surroundings {
  nowMs(): number;
  /** When the gateway's process last ran on after it had been frozen; -Infinity: never. */
  thawedMs(): number;
}

/** The pacer sends up to half a millisecond early, and a timer comes a little late. */
const EARLY_MS = 0.5;
const FLOAT32_SLACK = 2e-4;
const FLOAT64_SLACK = 1e-6;
/** Of a chunked session: ticks of its plan that are kept. */
const KEPT_TICKS = 64;

/** One session, looked at from outside: what came in, what left, and whether that agrees. */
export class SessionCheck {
  readonly session: Session;
  readonly #book: RuleBook;
  readonly #journal: JournalCheck;
  readonly #world: Surroundings;
  readonly #motion: MotionCheck;
  readonly #name: string;
  #epoch = 0;
  token = '';
  /** When each accepted observation was taken in. */
  readonly arrivedMs = new Map<number, number>();
  /** The message that is being handled: a tick that is late leaves right behind it, before anybody hears what became of it. */
  #handling: { readonly type: string; readonly observations: number; readonly rejected: number } | null = null;
  #newest = -1;
  #freshMs = Number.NEGATIVE_INFINITY;
  /** Actions from observations up to here must not be sent any more. */
  #barrier = -1;
  readonly #latches: Set<string>;
  /** Customer and robot. */
  readonly robot: string;
  #lastTick = -1;
  #lastTickMs = Number.NEGATIVE_INFINITY;
  #accounted = { missed: 0, shed: 0 };
  #detachedSince = false;
  #state: MotionState = AT_REST;
  #holdsInARow = 0;
  /** The newest last. */
  readonly #actions: number[] = [];
  /** Chunked: how it moves after each tick of its plan. */
  readonly #plan = new Map<number, MotionState>();
  /** How the next chunk begins where it does not follow the plan. */
  #nextFrom: MotionState | null = AT_REST;
  #coveredUntil = 0;
  #lastAnswered = -1;
  // Conservation of observations.
  #accepted = 0;
  taken = 0;
  #lost = 0;
  #generation = 0;
  #mayLose = false;
  closed = false;

  /** `latches`: the e-stops that are known to stand, (customer, robot); kept up to date. */
  constructor(
    session: Session,
    opened: Opened,
    latches: Set<string>,
    book: RuleBook,
    journal: JournalCheck,
    world: Surroundings,
  ) {
    this.session = session;
    this.#book = book;
    this.#journal = journal;
    this.#world = world;
    this.#latches = latches;
    this.#name = session.profile.robotId;
    this.robot = `${session.profile.principal.customerId}\n${session.profile.robotId}`;
    const chunks = session.profile.pacing !== 'paced';
    this.#motion = new MotionCheck(book, opened.robot as LimitsInForce, chunks ? FLOAT32_SLACK : FLOAT64_SLACK);
  }

  get latched(): boolean {
    return this.#latches.has(this.robot);
  }

  // ---- what comes in ---------------------------------------------------------------------------------------------

  /** Before a message is handled: what it brings about may leave at once. */
  handling(message: ClientMessage | null): void {
    if (message?.type === 'estop') this.#latches.add(this.robot);
    const { observations, rejected } = this.session.counters;
    this.#handling = message === null ? null : { type: message.type, observations, rejected };
  }

  /** A message was handled, or none of it; `accepted`: an observation that broke no rule. */
  handled(message: ClientMessage | null, accepted: boolean): void {
    const now = this.#world.nowMs();
    this.#handling = null;
    switch (message?.type) {
      case 'observation':
        if (accepted) {
          this.#accepted++;
          if (this.session.barred !== null) this.#mayLose = true;
          this.#newest = message.seq;
          this.#freshMs = now;
          this.arrivedMs.set(message.seq, now);
          if (this.arrivedMs.size > 512) this.arrivedMs.delete(this.arrivedMs.keys().next().value as number);
        }
        return;
      case 'estop':
        this.#forget();
        return;
      case 'estop_clear':
        this.#latches.delete(this.robot);
        this.#forget();
        return;
      case 'reset':
        this.#forget();
        this.#holdsInARow = 0;
        // Who plays a plan brakes by itself when it begins anew.
        this.#planFrom(AT_REST);
        if (this.session.profile.pacing === 'chunked') this.#coveredUntil = 0;
        return;
    }
  }

  #forget(): void {
    this.#barrier = this.#newest;
  }

  // ---- what leaves -----------------------------------------------------------------------------------------------

  opened(message: Opened): void {
    this.#book.check(
      'S7',
      message.epoch === this.#epoch + 1,
      () => `${this.#name}: epoch ${message.epoch} follows ${this.#epoch}`,
    );
    this.#book.check('S7', message.resume_token !== this.token, () => `${this.#name} is given its old token again`);
    this.#book.check('S11', message.estopped === this.latched, () => {
      return `${this.#name}: estopped ${message.estopped}, and its e-stop ${this.latched ? 'stands' : 'does not stand'}`;
    });
    this.#epoch = message.epoch;
    this.token = message.resume_token;
    if (!message.resumed) return;
    this.#forget();
    this.#freshMs = Number.NEGATIVE_INFINITY;
    this.#coveredUntil = 0;
    // Without a socket a client plays its stop; in lockstep it stands between chunks anyway.
    this.#planFrom(this.session.profile.pacing === 'lockstep' ? AT_REST : UNKNOWN);
  }

  /** What was planned is not played on: the next chunk begins in this state. */
  #planFrom(state: MotionState): void {
    this.#plan.clear();
    this.#nextFrom = state;
  }

  action(message: Action): void {
    const { observation_seq, seq, values } = message;
    const where = (): string => `${this.#name}, action ${seq}`;
    this.#tick(seq, values, where);
    this.#holdsInARow = 0;
    this.#moves(observation_seq, message.log_id, where);
    const record = this.#journal.inferences.get(message.log_id);
    if (record === undefined) return;
    const rows = record.shape[0];
    const entry = this.#leastEntry(record.base_tick, seq);
    this.#actions.push(seq);
    if (this.#actions.length > KEPT_TICKS) this.#actions.shift();
    this.#book.check('S6', seq >= record.base_tick && entry < rows, () => {
      return `${where()} is not in its chunk: entry ${entry} or a later one of ${rows} from tick ${record.base_tick}`;
    });
  }

  /**
   * The first entry of a chunk from before `baseTick` that an action of tick `seq` may come from: none twice. By the clock it is one a
   * tick; where a robot's horizon adapts, ticks in which it stood count for none (L8), up to the one at which its chunk expired.
   */
  #leastEntry(baseTick: number, seq: number): number {
    const byTheClock = seq - baseTick;
    const { adaptive, model } = this.session.profile;
    const expires = model.description.chunk_size - 1;
    if (!adaptive) return byTheClock;
    const sent = this.#actions.filter((tick) => tick >= baseTick).length;
    return Math.max(sent, byTheClock - expires);
  }

  hold({ reason, seq, values }: Hold): void {
    const where = (): string => `${this.#name}, hold ${seq} (${reason})`;
    const { pacing } = this.session.profile;
    if (this.#handling?.type === 'estop_clear') {
      // Cleared by what is being handled, perhaps: either reason is right.
    } else if (this.latched) {
      this.#book.check('S12', reason === 'estop', () => `${where()} while the e-stop stands`);
    } else {
      // Cleared while it still brakes, it goes on to rest first.
      const braking = pacing === 'paced' && this.#holdsInARow > 0 && this.#holdsInARow < this.#motion.brakingTicks;
      this.#book.check('S12', reason !== 'estop' || braking, () => `${where()} without an e-stop`);
    }
    const rank = HOLD_PRIORITY.indexOf(reason);
    const { barred } = this.session;
    if (barred !== null) {
      this.#book.check(
        'S12',
        rank <= HOLD_PRIORITY.indexOf(barred),
        () => `${where()}, and it is barred for ${barred}`,
      );
    }
    if (pacing === 'paced') {
      this.#tick(seq, values, where);
      if (++this.#holdsInARow > this.#motion.brakingTicks) {
        const rule = reason === 'estop' ? 'K6' : 'S2';
        this.#book.check(rule, isStill(values), () => `${where()} moves after ${this.#holdsInARow} holds`);
      }
    } else {
      this.#motion.step(UNKNOWN, values, 0, where);
      // The client brakes from here by itself; in lockstep it stands between two chunks, which may go on or begin anew.
      this.#planFrom(UNKNOWN);
    }
    if (pacing === 'chunked') this.#coveredUntil = 0;
  }

  error({ code, observation_seq }: ErrorMessage): void {
    if (this.session.profile.pacing !== 'lockstep' || code !== 'model_error' || observation_seq === undefined) return;
    const where = () => `${this.#name}: the failure of observation ${observation_seq}`;
    this.#book.check('S4', observation_seq > this.#lastAnswered, () => `${where()} follows ${this.#lastAnswered}`);
    this.#lastAnswered = observation_seq;
  }

  chunk(message: Chunk): void {
    const { first_tick, observation_seq, shape, stop, values } = message;
    const { pacing } = this.session.profile;
    const where = (): string => `${this.#name}, chunk at ${first_tick} from observation ${observation_seq}`;
    this.#moves(observation_seq, message.log_id, where);
    const [rows, dim] = shape;
    this.#book.check('K1', dim === 7 && values.length === rows * dim && rows > 0, () => `${where()}: ${rows} × ${dim}`);
    if (pacing === 'lockstep') {
      this.#book.check('S4', observation_seq > this.#lastAnswered, () => `${where()} follows ${this.#lastAnswered}`);
      this.#lastAnswered = observation_seq;
    } else {
      this.#book.check(
        'S3',
        first_tick >= this.session.nextTick,
        () => `${where()} begins before tick ${this.session.nextTick}`,
      );
    }
    let state = this.#nextFrom ?? this.#plan.get(first_tick - 1) ?? UNKNOWN;
    this.#nextFrom = null;
    for (const tick of [...this.#plan.keys()]) if (tick >= first_tick) this.#plan.delete(tick);
    for (let row = 0; row < rows; row++) {
      state = this.#motion.step(state, values, row * dim, () => `${where()}, tick ${first_tick + row}`);
      this.#plan.set(first_tick + row, state);
    }
    for (let row = 0; row * dim < stop.length; row++) {
      state = this.#motion.step(state, stop, row * dim, () => `${where()}, stop ${row}`);
    }
    this.#book.check(
      'K3',
      isStill(stop.subarray(stop.length - dim)) || stop.length === 0,
      () => `${where()}: its stop ends in motion`,
    );
    for (const tick of this.#plan.keys()) {
      if (this.#plan.size <= KEPT_TICKS) break;
      this.#plan.delete(tick);
    }
    this.#coveredUntil = first_tick + rows;
  }

  /** What every motion must have: a fresh observation after all that ended the one before, a written chunk of it, no e-stop. */
  #moves(observationSeq: number, logId: number, where: () => string): void {
    const { book, now } = { book: this.#book, now: this.#world.nowMs() };
    book.check('K6', !this.latched, () => `${where()} while the e-stop stands`);
    book.check('S7', observationSeq > this.#barrier, () => {
      return `${where()} is from observation ${observationSeq}, and nothing up to ${this.#barrier} counts any more`;
    });
    const { pacing, staleAfterMs } = this.session.profile;
    if (pacing !== 'lockstep') {
      const { counters } = this.session;
      const handling = this.#handling;
      const accepted = handling !== null && counters.observations > handling.observations;
      const since = accepted && counters.rejected === handling.rejected ? now : this.#freshMs;
      book.check('S6', now - since < staleAfterMs, () => `${where()}: no observation for ${now - since} ms`);
    }
    const record = this.#journal.told(logId);
    if (record === null) return;
    book.check('J1', record.session_id === this.session.id && record.observation_seq === observationSeq, () => {
      return `${where()} names log_id ${logId}, which is of observation ${record.observation_seq}`;
    });
    book.check('K5', record.status === 'ok', () => `${where()} comes from an inference that was ${record.status}`);
    const { buffer, byteLength, byteOffset } = record.chunk;
    const numbers = new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer);
    book.check('K5', numbers.every(Number.isFinite), () => `${where()}: its chunk is not finite`);
  }

  #tick(n: number, values: ArrayLike<number>, where: () => string): void {
    const now = this.#world.nowMs();
    const { counters, periodMs, startMs } = this.session;
    this.#book.check('K1', values.length === 7, () => `${where()} has ${values.length} numbers`);
    this.#book.check('S2', n > this.#lastTick, () => `${where()} follows ${this.#lastTick}`);
    const dueMs = (startMs ?? Number.NaN) + n * periodMs;
    const clock = this.session.context.clock.now();
    this.#book.check('S2', clock >= dueMs - EARLY_MS - 0.01 && clock < dueMs + periodMs + 0.01, () => {
      return `${where()} leaves ${clock - dueMs} ms after it was due`;
    });
    const gap = n - this.#lastTick - 1;
    const missed = counters.missed_ticks - this.#accounted.missed;
    const shed = counters.shed_ticks - this.#accounted.shed;
    this.#book.check('S2', this.#detachedSince ? gap >= missed + shed : gap === missed + shed, () => {
      return `${where()}: ${gap} ticks are missing since ${this.#lastTick}, ${missed} were missed and ${shed} shed`;
    });
    this.#book.check('S2', missed === 0 || this.#detachedSince || this.#world.thawedMs() >= this.#lastTickMs, () => {
      return `${where()}: ${missed} ticks were missed, and nothing held the gateway up`;
    });
    this.#accounted = { missed: counters.missed_ticks, shed: counters.shed_ticks };
    this.#detachedSince = false;
    if (gap > 0) this.#state = AT_REST;
    this.#state = this.#motion.step(this.#state, values, 0, where);
    this.#lastTick = n;
    this.#lastTickMs = now;
  }

  // ---- after every event -----------------------------------------------------------------------------------------

  afterEvent(running: boolean): void {
    const { session } = this;
    const { counters, generation, inference, profile, state } = session;
    if (state.kind === 'closed') return;
    if (state.kind === 'detached') {
      this.#detachedSince = true;
      this.#mayLose = true;
    }
    if (generation !== this.#generation) {
      this.#generation = generation;
      this.#mayLose = true;
      // A refused instruction, a reset, a resume: told by the session itself, where no message of its own does.
      this.#forget();
      if (profile.pacing === 'lockstep') this.#planFrom(AT_REST);
    }
    const waiting = inference.waiting;
    if (profile.pacing === 'lockstep') {
      this.#book.check('S4', waiting <= 4, () => `${this.#name}: ${waiting} observations wait`);
    } else {
      this.#book.check('S5', waiting <= 1, () => `${this.#name}: ${waiting} observations wait`);
      const lost = this.#accepted - counters.superseded - counters.stale_dropped - this.taken - waiting;
      this.#book.check('S5', lost === this.#lost || (lost > this.#lost && this.#mayLose), () => {
        return `${this.#name}: of ${this.#accepted} observations ${counters.superseded} were superseded, ${counters.stale_dropped} stale, ${this.taken} taken, ${waiting} wait: ${lost - this.#lost} are unaccounted for`;
      });
      this.#lost = lost;
    }
    this.#mayLose = session.barred !== null || state.kind === 'detached';
    if (profile.pacing !== 'paced' || session.startMs === null || !running) return;
    const lateMs = session.context.clock.now() - (session.startMs + session.nextTick * session.periodMs);
    this.#book.check(
      'S2',
      lateMs < 5,
      () => `${this.#name}: tick ${session.nextTick} is ${lateMs} ms late, and nothing holds the gateway up`,
    );
  }

  /** The observation that a worker begins with now. */
  inferred(seq: number, firstTime: boolean): void {
    const now = this.#world.nowMs();
    const arrived = this.arrivedMs.get(seq);
    const where = (): string => `${this.#name}, observation ${seq}`;
    const { pacing, staleAfterMs } = this.session.profile;
    if (firstTime) this.taken++;
    this.#book.check('S5', arrived !== undefined, () => `${where()} is inferred from, and was never accepted`);
    if (pacing === 'lockstep') return;
    this.#book.check(firstTime ? 'S6' : 'Q1', now - (arrived ?? 0) <= staleAfterMs, () => {
      return `${where()} is inferred from ${now - (arrived ?? 0)} ms after it came, and stale after ${staleAfterMs}`;
    });
    if (!firstTime) return;
    this.#book.check('S5', seq === this.#newest, () => `${where()} is inferred from, and ${this.#newest} is newer`);
  }

  get coveredUntil(): number {
    return this.#coveredUntil;
  }
}
