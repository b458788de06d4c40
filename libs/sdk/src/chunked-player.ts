import { ControlLoop, type LimitsInForce } from '@sinew/control';
import type { Action, Chunk, Hold, HoldReason, ModelDescription } from '@sinew/protocol';
import type { TimerHandle } from './environment.js';
import type { Player } from './player.js';
import type { PlayerContext } from './player-context.js';
import { localHold, type RobotAction } from './robot-action.js';

/** More chunks than this wait for their first tick only if something is very wrong. */
const MAX_WAITING = 8;

/**
 * `chunked` (S3): the local executor. It keeps the ticks itself and runs every command through a control loop of its own,
 * built from the limits that the server announced: a chunk in time passes unchanged (it is inside the envelope already); one
 * that comes late is governed from what was really sent; and where nothing is left, or the server is silent, the loop brakes to
 * rest and holds, which is the `stop` of the chunk computed from the robot's own state.
 */
export class ChunkedPlayer implements Player {
  readonly #context: PlayerContext;
  readonly #loop: ControlLoop;
  readonly #periodMs: number;
  /** When tick 0 was due; null before the first observation. */
  #startMs: number | null = null;
  /** The clocks' difference when the ticks began, so that what it changes by since is drift. */
  #offsetAtStartMs: number | null = null;
  #driftMs = 0;
  #nextTick = 0;
  #current: Chunk | null = null;
  #moved = false;
  readonly #waiting: Chunk[] = [];
  /** Why every tick is a hold until a newer chunk begins. */
  #cause: HoldReason | null = null;
  #latched = false;
  #linked = true;
  #heardMs: number;
  #applied: number | null = null;
  #floorSeq = 0;
  #timer: TimerHandle | null = null;

  /** Throws ControlSpecError where no loop can be built for the session. */
  constructor(context: PlayerContext) {
    this.#context = context;
    const { opened } = context;
    const { model, control_hz: hz } = opened;
    this.#periodMs = 1000 / hz;
    this.#heardMs = context.env.now();
    this.#loop = new ControlLoop({
      limits: opened.robot as LimitsInForce,
      actionSpace: model.action_space,
      dim: model.action_dim,
      chunkSize: model.chunk_size,
      hz,
      execute: 1,
      // blended, smoothed and judged already
      blend: 'latest',
      smoothing: 'none',
      minSafetyScore: 0,
      action: playable(model),
    });
  }

  get appliedSeq(): number | null {
    return this.#applied;
  }

  observed(state: Float64Array): void {
    // An arm that was moved by hand in an e-stop must not be pulled back by a hold: the loop takes it from where it stands.
    if (this.#latched && this.#context.opened.model.action_space === 'joint_position') {
      this.#loop.observe(state, this.#nextTick);
    }
    if (this.#startMs !== null) return;
    // Half a tick behind the server's ticks, which begin when this observation arrives: no jitter on the way makes an
    // `applied_seq` name a tick that the server has not reached.
    this.#startMs = this.#context.env.now() + this.#periodMs / 2;
    this.#arm();
  }

  heard(): void {
    this.#heardMs = this.#context.env.now();
  }

  receive(message: Action | Hold | Chunk): void {
    if (message.type === 'action') return;
    if (message.type === 'hold') {
      this.#cause = message.reason;
      this.#waiting.length = 0;
      return;
    }
    if (message.observation_seq < this.#floorSeq || this.#startMs === null || this.#latched) return;
    const [length, dim] = message.shape;
    const { model } = this.#context.opened;
    if (dim !== model.action_dim || length > model.chunk_size) return;
    if (message.first_tick < this.#nextTick) this.#context.late();
    // a newer chunk was planned after what this one leaves standing
    while ((this.#waiting.at(-1)?.first_tick ?? -1) >= message.first_tick) this.#waiting.pop();
    this.#waiting.push(message);
    if (this.#waiting.length > MAX_WAITING) this.#waiting.shift();
  }

  taken(action: RobotAction): RobotAction {
    // before the first tick there are none of the server's to name
    this.#applied = this.#startMs === null || action.seq < 0 ? null : action.seq;
    return action;
  }

  /** The server has not reached the tick that an observation named: this side runs ahead of it, and waits one tick. */
  ranAhead(): void {
    if (this.#startMs !== null) this.#startMs += this.#periodMs;
    this.#applied = null;
  }

  linkLost(): void {
    this.#linked = false;
    this.#waiting.length = 0;
  }

  /** What was planned before is not played any more (S7): the next chunk that begins ends the hold. */
  linkRestored(): void {
    this.heard();
  }

  reset(): void {
    this.#floorSeq = this.#context.nextObservationSeq();
    this.#applied = null;
    this.#waiting.length = 0;
    this.#current = null;
    this.#context.stream.discard();
    this.#loop.beginEpisode();
  }

  estop(): void {
    this.#latched = true;
    this.#cause = 'estop';
    this.#floorSeq = this.#context.nextObservationSeq();
    this.#waiting.length = 0;
    this.#context.stream.discard();
    // now and not with the next tick: by then it may be released, and a fresh chunk waiting
    this.#loop.restart(this.#nextTick);
  }

  release(): void {
    this.#latched = false;
    // chunks that the server sent before it heard of the e-stop are still on their way
    this.#floorSeq = this.#context.nextObservationSeq();
  }

  stop(): void {
    if (this.#timer !== null) this.#context.env.clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** Since tick 0, by the server's clock: the two clocks drift apart, the ticks must not. */
  #elapsedMs(): number {
    const { clock, env } = this.#context;
    const offset = clock.offsetMs;
    if (offset !== null) {
      this.#offsetAtStartMs ??= offset;
      this.#driftMs = offset - this.#offsetAtStartMs;
    }
    return env.now() - this.#driftMs - (this.#startMs ?? 0);
  }

  #arm(): void {
    const waitMs = this.#nextTick * this.#periodMs - this.#elapsedMs();
    this.#timer = this.#context.env.setTimeout(() => this.#wake(), Math.max(0, waitMs));
  }

  #wake(): void {
    this.#timer = null;
    // the newest tick that is due: a process that slept skips the others, and the loop then starts from rest
    const due = Math.floor(this.#elapsedMs() / this.#periodMs + 1e-6);
    if (due >= this.#nextTick) {
      this.#nextTick = due + 1;
      try {
        this.#play(due);
      } catch (error) {
        return this.#context.failed(error);
      }
    }
    this.#arm();
  }

  #play(tick: number): void {
    this.#begin(tick);
    const reason = this.#holdReason(tick);
    const result = this.#loop.tick(tick, reason === 'link' ? 'starved' : reason);
    const values = Float64Array.from(result.values);
    if (result.kind === 'hold') {
      // before the first chunk the loop does not know the gripper
      const still = this.#moved ? values : this.#context.rest();
      if (still !== null) this.#context.push(localHold(still, tick, reason ?? result.reason ?? 'starved'));
      return;
    }
    const chunk = this.#current;
    this.#context.push({
      kind: 'action',
      values,
      seq: tick,
      reason: null,
      ageMs: chunk === null ? null : this.#context.ageMs(chunk.observation_seq),
      observationSeq: chunk?.observation_seq ?? null,
      logId: chunk?.log_id ?? null,
      clamped: chunk?.safety.clamped === true || result.clamped,
      local: false,
      remaining: 0,
    });
  }

  /** Makes the newest chunk current whose first tick has come. */
  #begin(tick: number): void {
    let next: Chunk | null = null;
    while ((this.#waiting[0]?.first_tick ?? Number.POSITIVE_INFINITY) <= tick) next = this.#waiting.shift() ?? null;
    if (next === null || next.first_tick + next.shape[0] <= tick) return;
    const { model } = this.#context.opened;
    const state = stateAt(next, model);
    if (state === null) return;
    this.#loop.observe(state, next.first_tick);
    const actions = padded(next, model);
    const { adopted } = this.#loop.adopt({
      actions,
      state,
      baseTick: next.first_tick,
      nextTick: tick,
      ref: next.log_id,
    });
    if (!adopted) return;
    this.#current = next;
    this.#moved = true;
    this.#linked = true;
    this.#cause = null;
  }

  #holdReason(tick: number): HoldReason | 'link' | null {
    if (this.#latched) return 'estop';
    if (this.#cause !== null) return this.#cause;
    const silentMs = this.#context.env.now() - this.#heardMs;
    if (!this.#linked || silentMs > this.#context.opened.limits.stale_after_ms) return 'link';
    const chunk = this.#current;
    return chunk === null || tick >= chunk.first_tick + chunk.shape[0] ? 'starved' : null;
  }
}

/**
 * Steps of the tool say nothing of the joints: the server, which saw them, has slowed down near singularities what there was to slow,
 * and a loop that took those of `stateAt` for the robot's would do so anywhere.
 */
function playable({ action, action_space: space }: ModelDescription): ModelDescription['action'] {
  if (space !== 'ee_delta') return action;
  const { joints: _, ...rest } = action;
  return rest;
}

/** A state in which the robot is where the chunk begins; null where the chunk does not say and the loop has to know. */
function stateAt(
  { start_pose: start }: Chunk,
  { action, action_space: space, inputs }: ModelDescription,
): Float64Array | null {
  const state = new Float64Array(inputs.state.dim);
  let indices: readonly number[];
  if (space !== 'ee_delta') indices = action.joints ?? [...state.keys()];
  else if (action.pose === null) return state;
  else indices = [...action.pose.position, ...action.pose.rotation, action.pose.gripper];
  if (start === null) return null;
  for (const [i, value] of start.entries()) {
    const index = indices[i];
    if (index !== undefined) state[index] = value;
  }
  return state;
}

/** The loop takes chunks of one length; what is added asks for no motion, and its ticks are held anyway. */
function padded(
  { values, shape: [length, dim] }: Chunk,
  { action_space: space, chunk_size: chunkSize }: ModelDescription,
): Float32Array {
  if (length === chunkSize) return values;
  const actions = new Float32Array(chunkSize * dim);
  actions.set(values);
  if (length === 0) return actions;
  const last = values.subarray((length - 1) * dim, length * dim);
  for (let k = length; k < chunkSize; k++) {
    if (space === 'joint_position') actions.set(last, k * dim);
    else actions[k * dim + dim - 1] = last[dim - 1] ?? 0;
  }
  return actions;
}
