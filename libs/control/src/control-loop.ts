import { HOLD_PRIORITY, type HoldReason } from '@sinew/protocol';
import { at, type Chunk, Entry } from './chunk.js';
import { ChunkTimeline } from './chunk-timeline.js';
import type { Adoption, NewChunk, Plan, TickResult, Verdict } from './control-io.js';
import { type ControlSpec, ControlSpecError, checkSpec } from './control-spec.js';
import { EeDeltaMotion } from './ee-delta-motion.js';
import { CLAMP_FLAGS, FLAG } from './flags.js';
import { FrozenPrefix, type Prefix } from './frozen-prefix.js';
import { JointMotion } from './joint/joint-motion.js';
import { IGNORED, type Motion } from './motion.js';

/** Told at each tick with a target the step [D] to it before smoothing, fresh memory. */
export type Probe = (n: number, unsmoothed: Float64Array) => void;

/** N2: this many refused chunks in a row are no accident. */
const REJECTS_BEFORE_HOLD = 5;
/** Observations older than this many seconds of ticks cannot re-anchor. */
const HISTORY_S = 2.5;
/** Far beyond any stop that resolveLimits lets through: a plan ends. */
const LONGEST_TAIL_S = 10;

/** Numbers before the motion's own in the snapshot of a tick: which tick, whether a stop must end first. */
const SNAPSHOT = 2;

/**
 * One session from chunk to action: timeline → smoothing → governor, one call a tick. Pure: same calls, same bits (K10).
 * Ticks are the control periods of the session and rise; a missing tick means that nothing was sent in it.
 */
export class ControlLoop {
  readonly spec: ControlSpec;
  readonly #motion: Motion;
  readonly #timeline: ChunkTimeline;
  readonly #result: TickResult;

  #last = -1;
  #started = false;
  /** Chunks from observations before this tick are not used any more. */
  #fence = Number.NEGATIVE_INFINITY;
  /** Until at rest, only braking: after an e-stop, a restart, or into a new episode. */
  #mustRest = false;
  #estopped = false;
  #rejects = 0;
  #lastChunkRejected = false;
  /** N2: holding since this tick, until an observation from a later one; −∞ when not. */
  #distrustSince = Number.NEGATIVE_INFINITY;
  /** The first of the holds since the last action; Infinity while there are actions, and before anything was sent (L8). */
  #heldSince = Number.POSITIVE_INFINITY;
  /** Flags found between ticks, for the next one to carry. */
  #pending = 0;
  readonly #entry = new Entry();

  /** `rtc` only. */
  readonly #prefix: FrozenPrefix | null;
  /** Snapshots by tick; null until the first plan, since only plans rewind. */
  #snapshots: Float64Array | null = null;
  /** The tick before the first one, where plans are recorded from there on. */
  #standingAt = Number.NEGATIVE_INFINITY;
  readonly #capacity: number;
  /** [·, D] where a plan and its stop are gathered: how long they will be is known at their end. */
  #planned = new Float64Array(0);

  readonly #probe: Probe | null;

  /** Throws ControlSpecError where `checkSpec` finds a fault. `probe`: for who wants to see what smoothing changed. */
  constructor(spec: ControlSpec, probe: Probe | null = null) {
    const fault = checkSpec(spec);
    if (fault !== null) throw new ControlSpecError(fault);
    this.spec = spec;
    this.#probe = probe;
    this.#capacity = Math.ceil(HISTORY_S * spec.hz) + 2 * spec.chunkSize + 16;
    const Space = spec.actionSpace === 'ee_delta' ? EeDeltaMotion : JointMotion;
    this.#motion = new Space(spec, this.#capacity);
    this.#timeline = new ChunkTimeline(spec, this.#motion);
    this.#prefix = spec.blend === 'rtc' ? new FrozenPrefix(spec, this.#capacity) : null;
    this.#result = {
      kind: 'hold',
      reason: 'starved',
      values: new Float64Array(spec.dim),
      proposed: new Float64Array(spec.dim),
      ref: -1,
      baseTick: -1,
      score: 1,
      checksPassed: 4,
      flags: 0,
      clamped: false,
    };
  }

  /**
   * The state measured just before tick `baseTick` ran. Re-anchors the commanded pose: measured + the steps sent since (L3), and
   * ends a distrust (N2). A pose that is not finite, older than the last one or than history is ignored.
   */
  observe(state: Float64Array, baseTick: number): void {
    if (!Number.isInteger(baseTick)) return;
    const flags = this.#motion.observe(state, baseTick);
    if (flags === IGNORED) return;
    this.#pending |= flags;
    if (baseTick > this.#distrustSince) this.#distrustSince = Number.NEGATIVE_INFINITY;
  }

  /**
   * What `adopt` would say of this chunk now; changes nothing. A caller that must record the verdict before the chunk may
   * move anything asks here first.
   */
  judge(chunk: NewChunk): Adoption {
    return this.#examine(chunk, (draft, verdict) => {
      const seam = this.#timeline.seam(draft, draft.from);
      this.#timeline.discard(draft);
      const held = this.#timeline.remaining(chunk.nextTick);
      const usable = draft.from <= chunk.nextTick + held ? draft.end - chunk.nextTick : held;
      return accepted(usable, seam, verdict);
    });
  }

  /** Takes a policy's chunk into the timeline from `nextTick` on, or says why not; a refusal changes nothing that is sent. */
  adopt(chunk: NewChunk): Adoption {
    const { nextTick } = chunk;
    const adoption = this.#examine(chunk, (draft, verdict) => {
      const seam = this.#timeline.seam(draft, draft.from);
      this.#timeline.commit(draft);
      this.#rejects = 0;
      this.#lastChunkRejected = false;
      return accepted(this.#timeline.remaining(nextTick), seam, verdict);
    });
    if (adoption.adopted || adoption.reason === 'expired') this.#prefix?.came(nextTick - chunk.baseTick);
    else this.#reject(nextTick);
    return adoption;
  }

  #examine(chunk: NewChunk, accept: (draft: Chunk, verdict: Verdict) => Adoption): Adoption {
    const form = this.#motion.wellFormed(chunk.actions, chunk.state);
    if (form !== 'ok') {
      const flags = FLAG.rejected | (form === 'not_finite' ? FLAG.not_finite : 0);
      return this.#refusal(chunk.nextTick, form, { score: 0, checksPassed: 0, flags });
    }
    const { baseTick: seenBefore, nextTick } = chunk;
    const newest = this.#timeline.newest;
    if (
      !Number.isInteger(seenBefore) ||
      !Number.isInteger(nextTick) ||
      Math.max(seenBefore, nextTick) >= seenBefore + this.spec.chunkSize ||
      seenBefore < this.#fence ||
      (newest !== undefined && seenBefore < newest.seenBefore)
    ) {
      return this.#refusal(nextTick, 'expired', { score: 1, checksPassed: 4, flags: 0 });
    }
    const baseTick = seenBefore + this.#held(seenBefore, nextTick);
    const from = Math.max(baseTick, nextTick);
    const end = baseTick + this.spec.chunkSize;
    const draft = this.#timeline.draft();
    draft.ref = chunk.ref;
    draft.baseTick = baseTick;
    draft.seenBefore = seenBefore;
    draft.from = from;
    draft.end = end;
    const { score, checksPassed, flags } = this.#motion.fill(draft, chunk);
    const verdict: Verdict = { score, checksPassed, flags };
    if (draft.rejected[from - baseTick] === 1) {
      this.#timeline.discard(draft);
      return this.#refusal(nextTick, 'unsafe', verdict);
    }
    return accept(draft, verdict);
  }

  /**
   * L8: for how many ticks since the observation the robot was held, up to now: they age no entry. Not for plans, which run ahead
   * of what is played, nor for a policy that was told what goes on meanwhile.
   */
  #held(seenBefore: number, nextTick: number): number {
    if (this.spec.holdsAgeNothing !== true || this.#prefix !== null || this.#snapshots !== null) return 0;
    return Math.max(0, nextTick - Math.max(seenBefore, this.#heldSince));
  }

  #refusal(
    nextTick: number,
    reason: NonNullable<Adoption['reason']>,
    { score, checksPassed, flags }: Verdict,
  ): Adoption {
    const usable = this.#timeline.remaining(nextTick);
    return { adopted: false, usable, seam: 0, score, checksPassed, flags, reason };
  }

  #reject(nextTick: number): void {
    this.#lastChunkRejected = true;
    if (++this.#rejects < REJECTS_BEFORE_HOLD) return;
    this.#rejects = 0;
    // Not from the last tick: plans run ahead of what is played.
    const from = Number.isInteger(nextTick) ? nextTick : this.#last + 1;
    this.#distrustSince = from - 1;
    this.#timeline.clear();
    this.#fence = Math.max(this.#fence, from);
  }

  /**
   * L2: whether an observation now should start an inference that takes about `leadTicks` to come back. `execute`: the horizon in
   * force, where it is not the spec's.
   */
  wantsInference(nextTick: number, leadTicks = 0, execute = this.spec.execute): boolean {
    return this.#timeline.wantsInference(nextTick, leadTicks, execute);
  }

  /**
   * L7, for a policy that continues what is under way: the prefix of an inference from an observation before `baseTick`, whose
   * chunk could now be used from `nextTick` on. Null without one: another blend, the delay leaves no room, or too little was sent
   * yet. Changes nothing. Allocates: once an inference.
   */
  prefix(baseTick: number, nextTick: number): Prefix | null {
    const prefix = this.#prefix;
    const frozen = prefix?.frozen(baseTick, nextTick) ?? null;
    if (prefix === null || frozen === null || !this.#started) return null;
    const { chunkSize, execute } = this.spec;
    const last = this.#last;
    this.#lookAhead(Math.max(last + 1, nextTick), baseTick + frozen, baseTick + Math.max(frozen, chunkSize - execute));
    const built = prefix.build(baseTick, frozen);
    prefix.forget(last + 1, baseTick + chunkSize);
    return built;
  }

  /** Plays ticks `from` … `end` − 1, from `certain` on only what the timeline holds, and is again as it was before. */
  #lookAhead(from: number, certain: number, end: number): void {
    const motion = this.#motion;
    const last = this.#last;
    if (from >= end) return;
    const before = new Float64Array(motion.row);
    motion.save(before, 0);
    const [mustRest, estopped, pending] = [this.#mustRest, this.#estopped, this.#pending];
    for (let n = from; n < end && (n < certain || this.#timeline.remaining(n) > 0); n++) this.tick(n, null);
    motion.rewind(last);
    motion.restore(before, 0);
    this.#last = last;
    this.#mustRest = mustRest;
    this.#estopped = estopped;
    this.#pending = pending;
  }

  /** Whether the last thing sent brought the robot to rest. */
  get resting(): boolean {
    return this.#motion.resting;
  }

  /**
   * Whether the values of a hold are the robot's own. False for `joint_position` before the first observation: nothing is known of
   * where the robot is, and what `tick` answers must not be sent.
   */
  get knowsRest(): boolean {
    return this.#motion.knowsRest;
  }

  /** Usable entries from `nextTick` on; 0 is starved. */
  remaining(nextTick: number): number {
    return this.#timeline.remaining(nextTick);
  }

  /**
   * Drops chunks and filters: from here only chunks inferred from observations of tick `nextTick` or later are used. For a
   * resume and an `estop_clear`; what is moving brakes first.
   */
  restart(nextTick: number): void {
    // What was planned beyond is not played.
    if (this.#snapshots !== null) this.#rewind(nextTick);
    this.#timeline.clear();
    this.#motion.restart(nextTick);
    this.#fence = Math.max(this.#fence, nextTick);
    this.#mustRest = true;
  }

  /**
   * A new episode while ticks go on: what was measured or sent counts no more, but a robot that is moving brakes within its
   * limits before it moves again. Chunks inferred in the old episode are the caller's to drop: the ticks of the two overlap,
   * since over a slow link the first observations of the new one were made before the server heard of it.
   */
  beginEpisode(): void {
    // Planned motion is braked by whoever plays it.
    if (this.#snapshots !== null) return this.reset();
    this.#timeline.clear();
    this.#motion.forget();
    this.#prefix?.clear();
    this.#fence = Number.NEGATIVE_INFINITY;
    this.#mustRest = true;
    this.#rejects = 0;
    this.#lastChunkRejected = false;
    this.#distrustSince = Number.NEGATIVE_INFINITY;
    this.#pending = 0;
  }

  /** At rest, nothing known. Ticks may start at 0 again. */
  reset(): void {
    this.#timeline.clear();
    this.#motion.reset();
    this.#prefix?.clear();
    this.#last = -1;
    this.#started = false;
    this.#heldSince = Number.POSITIVE_INFINITY;
    this.#fence = Number.NEGATIVE_INFINITY;
    this.#mustRest = false;
    this.#rejects = 0;
    this.#lastChunkRejected = false;
    this.#distrustSince = Number.NEGATIVE_INFINITY;
    this.#pending = 0;
    this.#estopped = false;
    this.#snapshots?.fill(Number.NaN);
    this.#standingAt = Number.NEGATIVE_INFINITY;
  }

  /**
   * The action or hold of tick `n`. `cause`: why the caller wants a hold, null for motion; a cause of the loop's own that ranks
   * higher wins (S12). A tick that does not rise moves nothing and changes nothing; only a hold may replace planned ticks.
   */
  tick(n: number, cause: HoldReason | null): TickResult {
    const r = this.#result;
    if (cause !== null && this.#snapshots !== null) this.#rewind(n);
    if (!Number.isInteger(n) || (this.#started && n <= this.#last)) return this.#still();
    if (!this.#started && this.#snapshots !== null) {
      this.#standingAt = n - 1;
      this.#save(n - 1, this.#snapshots);
    }
    let flags = this.#pending;
    this.#pending = 0;
    if (this.#started && n !== this.#last + 1) {
      // Nothing was sent in between, so the robot stands.
      this.#motion.rest();
      this.#saveStanding(n);
      flags |= FLAG.restart;
    }
    if (cause === 'estop') {
      this.restart(n + 1);
      this.#estopped = true;
    }
    if (this.#mustRest && this.#motion.resting) {
      this.#mustRest = false;
      this.#estopped = false;
    }
    flags |= this.#motion.begin();
    this.#clear();
    const reason = higher(cause, this.#ownCause(n, cause));
    flags |= (reason === null ? this.#motion.move() : this.#motion.brake()) | r.flags;
    r.kind = reason === null ? 'action' : 'hold';
    r.reason = reason;
    r.flags = flags;
    r.clamped = (flags & CLAMP_FLAGS) !== 0;
    this.#motion.write(r.values, r.proposed);
    this.#motion.sent(n);
    if (reason === null) this.#heldSince = Number.POSITIVE_INFINITY;
    else if (n < this.#heldSince) this.#heldSince = n;
    this.#prefix?.sent(n, r.values);
    this.#last = n;
    this.#started = true;
    if (this.#snapshots !== null) this.#save(n, this.#snapshots);
    return r;
  }

  /** Sets target, proposal and their verdict; a reason if they may not be sent. */
  #ownCause(n: number, cause: HoldReason | null): HoldReason | null {
    if (this.#mustRest) return this.#estopped ? 'estop' : 'starved';
    if (this.#distrustSince > Number.NEGATIVE_INFINITY) return 'safety';
    if (cause !== null) return null;
    const entry = this.#entry;
    if (!this.#motion.ready || !this.#timeline.target(n, entry)) return this.#lastChunkRejected ? 'safety' : 'starved';
    const r = this.#result;
    r.ref = entry.ref;
    r.baseTick = entry.baseTick;
    r.score = entry.score;
    r.checksPassed = entry.checksPassed;
    r.flags = entry.flags;
    if (this.#probe !== null) this.#probe(n, this.#unsmoothed(entry.gripper));
    this.#motion.filter();
    return this.#motion.propose(entry.gripper) && !entry.rejected ? null : 'safety';
  }

  /** The step to the target as it was blended, were nothing smoothed. */
  #unsmoothed(gripper: number): Float64Array {
    const step = new Float64Array(this.spec.dim);
    this.#motion.propose(gripper);
    this.#motion.write(new Float64Array(this.spec.dim), step);
    return step;
  }

  #clear(): void {
    const r = this.#result;
    r.ref = -1;
    r.baseTick = -1;
    r.score = 1;
    r.checksPassed = 4;
    r.flags = 0;
  }

  #still(): TickResult {
    const r = this.#result;
    this.#clear();
    r.kind = 'hold';
    r.reason = 'safety';
    r.clamped = false;
    this.#motion.begin();
    this.#motion.writeStill(r.values, r.proposed);
    return r;
  }

  /**
   * Ticks firstTick … firstTick + length − 1 at once, through the same path as `tick`, from the state after firstTick − 1; then
   * the stop after them. Later plans may start inside this one or its stop: the loop rewinds to where they start.
   * `onTick` sees each of the `length` ticks as `tick` would have answered it.
   */
  plan(firstTick: number, length: number, onTick?: (n: number, result: TickResult) => void): Plan {
    this.#rewind(firstTick);
    const { dim, hz } = this.spec;
    const startPose = this.#motion.start();
    let score = 1;
    let checksPassed = 4;
    let flags = 0;
    let reason: HoldReason | null = null;
    for (let i = 0; i < length; i++) {
      const r = this.tick(firstTick + i, null);
      onTick?.(firstTick + i, r);
      this.#keep(i, r.values);
      score = Math.min(score, r.score);
      checksPassed = Math.min(checksPassed, r.checksPassed);
      flags |= r.flags;
      reason ??= r.reason;
    }
    let stopLength = 0;
    for (; stopLength < LONGEST_TAIL_S * hz && !this.#motion.resting; stopLength++) {
      const n = length + stopLength;
      this.#keep(n, this.tick(firstTick + n, 'starved').values);
    }
    const rows = this.#planned.slice(0, (length + stopLength) * dim);
    return {
      values: rows.subarray(0, length * dim),
      stop: rows.subarray(length * dim),
      startPose,
      length,
      stopLength,
      score,
      checksPassed,
      flags,
      clamped: (flags & CLAMP_FLAGS) !== 0,
      reason,
    };
  }

  #keep(row: number, values: Float64Array): void {
    const { chunkSize, dim, hz } = this.spec;
    const at = row * dim;
    if (at + dim > this.#planned.length) {
      const larger = new Float64Array(Math.max(2 * this.#planned.length, Math.ceil(chunkSize + hz) * dim, at + dim));
      larger.set(this.#planned);
      this.#planned = larger;
    }
    for (let d = 0; d < dim; d++) this.#planned[at + d] = values[d] as number;
  }

  /**
   * For a client that plays `length` ticks from `firstTick` on and no braking tail after them: how many of these, at most `most`, may
   * follow the chunks for the robot to stand at the end of it all. Changes nothing but that plans beyond `firstTick` are void.
   */
  movingTicks(firstTick: number, most: number, length: number): number {
    this.#rewind(firstTick);
    const motion = this.#motion;
    const before = new Float64Array(motion.row);
    motion.save(before, 0);
    const [last, started, standingAt] = [this.#last, this.#started, this.#standingAt];
    const [mustRest, estopped, pending] = [this.#mustRest, this.#estopped, this.#pending];
    let moving = most;
    for (; moving > 0; moving--) {
      const { stopLength } = this.plan(firstTick, moving);
      if (moving + stopLength <= length) break;
    }
    motion.rewind(last);
    motion.restore(before, 0);
    this.#prefix?.forget(last + 1, this.#last);
    this.#last = last;
    this.#started = started;
    this.#standingAt = standingAt;
    this.#mustRest = mustRest;
    this.#estopped = estopped;
    this.#pending = pending;
    return moving;
  }

  #rewind(firstTick: number): void {
    if (this.#snapshots === null) {
      this.#snapshots = new Float64Array(this.#capacity * (SNAPSHOT + this.#motion.row));
      if (this.#started) this.#save(this.#last, this.#snapshots);
    }
    const before = firstTick - 1;
    if (!this.#started || before >= this.#last) return;
    if (!this.#motion.rewind(before)) return;
    this.#prefix?.forget(before + 1, this.#last);
    this.#last = before;
    this.#load(Math.max(before, this.#standingAt), this.#snapshots);
    if (before >= this.#standingAt) return;
    // Nothing was sent at all until then: it stood as it did just before the first tick.
    this.#standingAt = before;
    this.#save(before, this.#snapshots);
  }

  #save(tick: number, rows: Float64Array): void {
    const row = this.#rowOf(tick);
    rows[row] = tick;
    rows[row + 1] = this.#mustRest ? 1 : 0;
    this.#motion.save(rows, row + SNAPSHOT);
  }

  /** Where nothing was sent the robot stood: what a plan that was voided once left for those ticks is not to be gone on from. */
  #saveStanding(before: number): void {
    if (this.#snapshots === null) return;
    for (let t = Math.max(this.#last + 1, before - this.#capacity); t < before; t++) this.#save(t, this.#snapshots);
  }

  #load(tick: number, rows: Float64Array): void {
    const row = this.#rowOf(tick);
    if (at(rows, row) !== tick) {
      // Before the first tick, or sent before plans were recorded: from rest.
      this.#motion.rest();
      this.#mustRest = false;
      return;
    }
    this.#mustRest = at(rows, row + 1) === 1;
    this.#motion.restore(rows, row + SNAPSHOT);
  }

  #rowOf(tick: number): number {
    return ((tick + 1) % this.#capacity) * (SNAPSHOT + this.#motion.row);
  }
}

const accepted = (usable: number, seam: number, { score, checksPassed, flags }: Verdict): Adoption => ({
  adopted: true,
  usable,
  seam,
  score,
  checksPassed,
  flags,
});

function higher(a: HoldReason | null, b: HoldReason | null): HoldReason | null {
  if (a === null || b === null) return a ?? b;
  return HOLD_PRIORITY.indexOf(a) <= HOLD_PRIORITY.indexOf(b) ? a : b;
}
