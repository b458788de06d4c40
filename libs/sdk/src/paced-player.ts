import type { Action, Chunk, Hold } from '@sinew/protocol';
import type { TimerHandle } from './environment.js';
import type { Player } from './player.js';
import type { PlayerContext } from './player-context.js';
import { localHold, type RobotAction } from './robot-action.js';

/** No stop takes longer than 2 s, and an arm that has stood for a quarter of a second is taken from where it stands. */
const STOPPED_AND_SEEN_MS = 2_500;

/**
 * `paced`: the server sends one command a tick and this side hands it on. When none has come for longer than the stale time,
 * or the link is down, this side gives one hold for every tick that is missing: the robot has nothing left to execute, so
 * it stands.
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

  constructor(context: PlayerContext) {
    this.#context = context;
    this.#periodMs = 1000 / context.opened.control_hz;
  }

  get appliedSeq(): number | null {
    return this.#applied;
  }

  observed(): void {
    if (this.#lastTickMs !== null) return;
    this.#lastTickMs = this.#context.env.now();
    this.#arm();
  }

  heard(): void {}

  receive(message: Action | Hold | Chunk): void {
    if (message.type === 'chunk') return;
    const outdated = message.type === 'action' && message.observation_seq < this.#floorSeq;
    if (outdated && this.#standing !== 'estop') return;
    this.#lastTickMs = this.#context.env.now();
    this.#lastSeq = message.seq;
    this.#nextHoldMs = null;
    this.#linked = true;
    if (message.type === 'action' && (this.#latched || outdated)) this.#hold('estop', message.seq);
    else this.#context.push(this.#command(message));
    if (this.#timer === null) this.#arm();
  }

  #command(message: Action | Hold): RobotAction {
    const { values, seq } = message;
    if (message.type === 'hold') {
      const reason = this.#latched ? 'estop' : message.reason;
      const still = this.#standing === null || this.#serverKnows() ? null : this.#context.rest();
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

  taken(action: RobotAction): void {
    // a hold of this side is no tick of the server's: which tick an observation follows is then for the server to find
    this.#applied = action.local ? null : action.seq;
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

  /** Sleeps until the silence is too long, or the next missing tick is due. */
  #arm(): void {
    this.stop();
    if (this.#lastTickMs === null) return;
    const silentAt = this.#lastTickMs + (this.#linked ? this.#context.opened.limits.stale_after_ms : this.#periodMs);
    const wakeAt = this.#nextHoldMs ?? silentAt;
    const { env } = this.#context;
    this.#timer = env.setTimeout(() => this.#wake(), Math.max(0, wakeAt - env.now()));
  }

  #wake(): void {
    this.#timer = null;
    const now = this.#context.env.now();
    const lastTick = this.#lastTickMs ?? now;
    const allowed = this.#linked ? this.#context.opened.limits.stale_after_ms : this.#periodMs;
    // half a millisecond: timers may fire a little early
    if (now >= (this.#nextHoldMs ?? lastTick + allowed) - 0.5) {
      const missed = Math.round((now - lastTick) / this.#periodMs);
      this.#hold(this.#latched ? 'estop' : 'link', this.#lastSeq + Math.max(1, missed));
      // the grid of the ticks, from now on: a process that slept gives no burst
      this.#nextHoldMs = lastTick + (missed + 1) * this.#periodMs;
      if (this.#nextHoldMs <= now) this.#nextHoldMs = now + this.#periodMs;
    }
    this.#arm();
  }
}
