import { ExecutedMotion, type LimitsInForce } from '@sinew/control';
import type { Action, Chunk, Hold, Opened } from '@sinew/protocol';
import type { TimerHandle } from './environment.js';
import type { Player } from './player.js';
import type { PlayerContext } from './player-context.js';
import { localHold, type RobotAction } from './robot-action.js';

/** No stop takes longer than 2 s, and an arm that has stood for a quarter of a second is taken from where it stands. */
const STOPPED_AND_SEEN_MS = 2_500;
/** A tick may come late by half a period, and by so much where that is more, before its place is taken: timers and networks jitter. */
const LATE_MS = 25;
/** But never by more: a robot that is to be braked must not count as one that stands (STOOD_PERIODS). */
const LATE_PERIODS = 1.5;
/** After so many periods without a command a robot stands: nobody was there to brake it. */
const STOOD_PERIODS = 3;

/**
 * `paced` (S14): the server sends one command a tick and this side hands it on. A robot that moves and whose next tick does not come is
 * braked, one command a period; one that stands is held when nothing has come for longer than the stale time, or the link is
 * down. What comes afterwards presupposes motion that was never executed: it is handed on as fast as the limits in force let it follow
 * what was.
 */
export class PacedPlayer implements Player {
  readonly #context: PlayerContext;
  readonly #periodMs: number;
  /** When the last tick came, or the first observation left; null while no tick is due. */
  #lastTickMs: number | null = null;
  #lastSeq = -1;
  /** Set while holding locally: when the next missing tick is due. */
  #nextHoldMs: number | null = null;
  #linked = true;
  #latched = false;
  #applied: number | null = null;
  #timer: TimerHandle | null = null;
  /** Actions from observations before this one belong to an earlier episode, or to before an e-stop or its release. */
  #floorSeq = 0;
  /**
   * Why this side stopped the robot, until the server moves it again: meanwhile the server's holds may still brake from a
   * speed that the robot no longer has.
   */
  #standing: 'link' | 'estop' | null = null;
  #standingSinceMs = 0;
  /** What the consumer took; null where the server does not tell the limits: then there are none to keep. */
  readonly #motion: ExecutedMotion | null;
  readonly #out: Float64Array;
  #takenMs: number | null = null;
  /** The newest measured state, of this episode. */
  #seen: Float64Array | null = null;
  /** Positions: the robot may have been moved by somebody else, so the next hold or action begins where it was seen. */
  #holdsWhereSeen = false;
  #movesFromSeen = false;
  /** The last tick whose place a hold of this side took, and when. */
  #filledSeq = -1;
  #filledMs = Number.NEGATIVE_INFINITY;
  #wakeMs = 0;

  constructor(context: PlayerContext) {
    this.#context = context;
    this.#periodMs = 1000 / context.opened.control_hz;
    this.#motion = motionOf(context.opened);
    this.#out = new Float64Array(context.opened.model.action_dim);
    // a robot that goes on in a new session stands where it was told to
    if (context.opened.model.action_space !== 'joint_position') return;
    const last = context.rest();
    if (last !== null) this.#motion?.standAt(last);
    this.#movesFromSeen = true;
  }

  get appliedSeq(): number | null {
    return this.#applied;
  }

  observed(state: Float64Array): void {
    if (this.#seen === null && this.#lastTickMs === null) this.#motion?.found(state);
    this.#seen = state;
    if (this.#lastTickMs !== null) return;
    this.#lastTickMs = this.#context.env.now();
    this.#arm();
  }

  heard(): void {}

  receive(message: Action | Hold | Chunk): void {
    if (message.type === 'chunk') return;
    const outdated = message.type === 'action' && message.observation_seq < this.#floorSeq;
    if (outdated && this.#standing !== 'estop') return;
    const now = this.#context.env.now();
    this.#lastTickMs = now;
    this.#lastSeq = message.seq;
    this.#nextHoldMs = null;
    this.#linked = true;
    if (message.type === 'action' && (this.#latched || outdated)) this.#hold('estop', message.seq);
    else if (!this.#tooLate(message.seq, now)) this.#context.push(this.#command(message));
    this.#arm();
  }

  /** Its place was taken a moment ago: two commands at once would be twice the speed. */
  #tooLate(seq: number, now: number): boolean {
    return this.#motion !== null && seq <= this.#filledSeq && now - this.#filledMs < this.#periodMs / 2;
  }

  #command(message: Action | Hold): RobotAction {
    const { values, seq } = message;
    if (message.type === 'hold') {
      const reason = this.#latched ? 'estop' : message.reason;
      const standing = this.#standing === 'estop' || (this.#standing !== null && this.#motion === null);
      const still = !standing || this.#serverKnows() ? null : this.#context.rest();
      return { ...localHold(still ?? values, seq, reason), local: false };
    }
    this.#standing = null;
    const { observation_seq: observationSeq, log_id: logId } = message;
    return {
      kind: 'action',
      values,
      seq,
      reason: null,
      ageMs: this.#context.ageMs(observationSeq) ?? message.age_ms,
      observationSeq,
      logId,
      clamped: message.safety.clamped,
      local: false,
      remaining: 0,
    };
  }

  /** Positions in an e-stop: an arm moved by hand must not be pulled back, and the server's holds are where it was seen to stand. */
  #serverKnows(): boolean {
    const { env, opened } = this.#context;
    const positions = opened.model.action_space === 'joint_position';
    return positions && this.#standing === 'estop' && env.now() - this.#standingSinceMs >= STOPPED_AND_SEEN_MS;
  }

  taken(action: RobotAction): RobotAction {
    // a hold of this side is no tick of the server's: which tick an observation follows is then for the server to find
    this.#applied = action.local ? null : action.seq;
    const motion = this.#motion;
    if (motion === null) return action;
    const now = this.#context.env.now();
    if (this.#takenMs !== null && now - this.#takenMs > STOOD_PERIODS * this.#periodMs) motion.stand();
    this.#takenMs = now;
    const command = this.#within(motion, action);
    this.#arm();
    return command;
  }

  /** The command, or as much of it as may follow what the consumer took before it. */
  #within(motion: ExecutedMotion, action: RobotAction): RobotAction {
    const { kind, local, reason, seq, values } = action;
    if (kind === 'hold' && (local ? reason === 'estop' : this.#standing === 'estop')) {
      // whoever presses it wants no further motion, not even braking; and an arm may be moved by hand from now on
      motion.standAt(values);
      this.#movesFromSeen = true;
      return action;
    }
    if (reason === 'estop') this.#movesFromSeen = true;
    this.#takeFromSeen(motion, kind);
    const out = this.#out;
    if (!local) {
      if (motion.serve(seq, kind === 'hold', values, out)) return action;
    } else {
      out.set(values);
      motion.brake(out);
    }
    return { ...action, values: out.slice(), clamped: kind === 'action' };
  }

  #takeFromSeen(motion: ExecutedMotion, kind: RobotAction['kind']): void {
    if (!(kind === 'action' ? this.#movesFromSeen : this.#holdsWhereSeen)) return;
    if (this.#seen === null || !motion.resting) return;
    motion.found(this.#seen);
    this.#holdsWhereSeen = false;
    if (kind === 'action') this.#movesFromSeen = false;
  }

  linkLost(): void {
    this.#linked = false;
    this.#applied = null;
    if (this.#lastTickMs !== null) this.#arm();
  }

  /** The first tick tells, not the socket: until then every tick is missing. */
  linkRestored(): void {}

  reset(): void {
    this.#floorSeq = this.#context.nextObservationSeq();
    this.#applied = null;
    this.#context.stream.discard();
    // between episodes arms are brought back by other means
    this.#seen = null;
    this.#holdsWhereSeen = true;
    this.#movesFromSeen = true;
  }

  estop(): void {
    this.#latched = true;
    this.#floorSeq = this.#context.nextObservationSeq();
    this.#context.stream.discard();
    this.#hold('estop', this.#lastSeq + 1);
  }

  release(): void {
    this.#latched = false;
    // what was seen before the release moves nothing, also where the server sent it before it heard of the e-stop
    this.#floorSeq = this.#context.nextObservationSeq();
  }

  stop(): void {
    if (this.#timer !== null) this.#context.env.clearTimeout(this.#timer);
    this.#timer = null;
  }

  #hold(reason: 'link' | 'estop', seq: number): void {
    const values = this.#context.rest();
    if (this.#standing !== reason) this.#standingSinceMs = this.#context.env.now();
    this.#standing = reason;
    if (values !== null) this.#context.push(localHold(values, seq, reason));
  }

  /** When the silence is too long, or the next missing tick is due. */
  #dueMs(lastTickMs: number): number {
    if (this.#nextHoldMs !== null) return this.#nextHoldMs;
    const moving = this.#motion?.resting === false;
    const stale = this.#context.opened.limits.stale_after_ms;
    const period = this.#periodMs;
    const late = moving ? period + Math.max(period / 2, Math.min(LATE_MS, LATE_PERIODS * period)) : stale;
    return lastTickMs + (this.#linked ? Math.min(late, stale) : this.#periodMs);
  }

  #arm(): void {
    if (this.#lastTickMs === null) return;
    const dueMs = this.#dueMs(this.#lastTickMs);
    // it looks again when it wakes: only an earlier time needs another timer
    if (this.#timer !== null && this.#wakeMs <= dueMs) return;
    this.stop();
    this.#wakeMs = dueMs;
    const { env } = this.#context;
    this.#timer = env.setTimeout(() => this.#wake(), Math.max(0, dueMs - env.now()));
  }

  #wake(): void {
    this.#timer = null;
    const now = this.#context.env.now();
    const lastTick = this.#lastTickMs ?? now;
    const dueMs = this.#dueMs(lastTick);
    // half a millisecond: timers may fire a little early
    if (now >= dueMs - 0.5) {
      const missed = Math.max(1, Math.floor((now - lastTick) / this.#periodMs + 0.25));
      this.#filledSeq = this.#lastSeq + missed;
      this.#filledMs = now;
      // one a period, from now on: a process that slept gives no burst
      this.#nextHoldMs = dueMs + this.#periodMs;
      if (this.#nextHoldMs <= now) this.#nextHoldMs = now + this.#periodMs;
      this.#hold(this.#latched ? 'estop' : 'link', this.#filledSeq);
    }
    this.#arm();
  }
}

function motionOf({ control_hz: hz, model, robot }: Opened): ExecutedMotion | null {
  const limits = robot as Partial<LimitsInForce>;
  if (limits.action_space !== model.action_space || limits.control_hz !== hz || limits.cartesian === undefined)
    return null;
  return new ExecutedMotion(limits as LimitsInForce, model.action_dim, model.action.joints);
}
