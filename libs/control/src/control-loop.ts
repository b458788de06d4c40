import { HOLD_PRIORITY, type HoldReason } from '@sinew/protocol';
import type { Chunk } from './chunk.js';
import { ChunkIntake } from './chunk-intake.js';
import { ChunkTimeline } from './chunk-timeline.js';
import type { Adoption, NewChunk, Plan, TickResult, Verdict } from './control-io.js';
import { type ControlSpec, ControlSpecError, checkSpec, isBuilt } from './control-spec.js';
import { CLAMP_FLAGS, FLAG } from './flags.js';
import { DeltaAction, GOVERNOR_ROW, Governor } from './governor.js';
import { Odometer } from './odometer.js';
import { logRotation, Quat, toEuler } from './rotation.js';
import { FILTER_ROW, PoseFilter } from './smoothing.js';
import { Pose, Target } from './target.js';
import { Vec3 } from './vec3.js';

/** N2: this many refused chunks in a row are no accident. */
const REJECTS_BEFORE_HOLD = 5;
/** Observations older than this many seconds of ticks cannot re-anchor. */
const HISTORY_S = 2.5;
/** Far beyond any stop that resolveLimits lets through: a plan ends. */
const LONGEST_TAIL_S = 10;

/** Snapshot of one tick: governor, filter, gripper, whether a stop must end first. */
const SNAPSHOT = GOVERNOR_ROW + FILTER_ROW + 3;

/**
 * One session from chunk to action: timeline → smoothing → governor, one call a tick. Pure: same calls, same bits (K10).
 * Ticks are the control periods of the session and rise; a missing tick means that nothing was sent in it.
 */
export class ControlLoop {
  readonly spec: ControlSpec;
  readonly #timeline: ChunkTimeline;
  readonly #intake: ChunkIntake;
  readonly #filter: PoseFilter;
  readonly #governor: Governor;
  readonly #odometer: Odometer;
  readonly #posed: boolean;
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
  /** Flags found between ticks, for the next one to carry. */
  #pending = 0;
  #gripper = Number.NaN;
  #measuredGripper = 0;

  readonly #target = new Target();
  readonly #commanded = new Pose();
  readonly #measured = new Pose();
  readonly #proposed = new DeltaAction();
  readonly #sent = new DeltaAction();
  readonly #turn = new Quat();
  readonly #inverse = new Quat();
  readonly #euler = new Vec3();
  readonly #offset = { position: 0, rotation: 0 };

  /** Snapshots by tick; null until the first plan, since only plans rewind. */
  #snapshots: Float64Array | null = null;
  readonly #capacity: number;

  /** Throws ControlSpecError where `checkSpec` finds a fault. */
  constructor(spec: ControlSpec) {
    const fault = checkSpec(spec);
    if (fault !== null || !isBuilt(spec.smoothing)) {
      throw new ControlSpecError(fault ?? { field: 'smoothing', reason: 'not built' });
    }
    this.spec = spec;
    const rotation = spec.action.rotation;
    this.#posed = spec.action.pose !== null;
    this.#timeline = new ChunkTimeline({ ...spec, rotation });
    this.#intake = new ChunkIntake(spec);
    this.#filter = new PoseFilter(spec.smoothing, 1 / spec.hz, rotation);
    this.#governor = new Governor(spec.limits, this.#posed);
    this.#capacity = Math.ceil(HISTORY_S * spec.hz) + 2 * spec.chunkSize + 16;
    this.#odometer = new Odometer(this.#capacity, rotation);
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
    const pose = this.spec.action.pose;
    if (pose !== null) {
      if (!this.#intake.readPose(state, this.#measured)) return;
      if (!this.#odometer.anchor(baseTick, this.#measured, this.#offset)) return;
      const { position, rotation } = this.spec.limits.leash;
      if (this.#offset.position > position.value || this.#offset.rotation > rotation.value) this.#pending |= FLAG.drift;
      const gripper = state[pose.gripper];
      if (gripper !== undefined && Number.isFinite(gripper)) this.#measuredGripper = Math.min(1, Math.max(0, gripper));
    }
    if (baseTick > this.#distrustSince) this.#distrustSince = Number.NEGATIVE_INFINITY;
  }

  /**
   * What `adopt` would say of this chunk now; changes nothing. A caller that must record the verdict before the chunk may
   * move anything asks here first.
   */
  judge(chunk: NewChunk): Adoption {
    return this.#examine(chunk, (draft, verdict) => {
      const seam = this.#seam(draft);
      this.#timeline.discard(draft);
      const held = this.#timeline.remaining(chunk.nextTick);
      const usable = draft.from <= chunk.nextTick + held ? draft.end - chunk.nextTick : held;
      return { adopted: true, usable, seam, ...verdict };
    });
  }

  /** Takes a policy's chunk into the timeline from `nextTick` on, or says why not; a refusal changes nothing that is sent. */
  adopt(chunk: NewChunk): Adoption {
    const { nextTick } = chunk;
    const adoption = this.#examine(chunk, (draft, verdict) => {
      const seam = this.#seam(draft);
      this.#timeline.commit(draft);
      this.#rejects = 0;
      this.#lastChunkRejected = false;
      return { adopted: true, usable: this.#timeline.remaining(nextTick), seam, ...verdict };
    });
    if (!adoption.adopted && adoption.reason !== 'expired') this.#reject(nextTick);
    return adoption;
  }

  #seam(draft: Chunk): number {
    return this.#posed ? this.#timeline.seam(draft, draft.from) : 0;
  }

  #examine(chunk: NewChunk, accept: (draft: Chunk, verdict: Verdict) => Adoption): Adoption {
    const form = this.#intake.wellFormed(chunk.actions, chunk.state);
    if (form !== 'ok') {
      const flags = FLAG.rejected | (form === 'not_finite' ? FLAG.not_finite : 0);
      return this.#refusal(chunk.nextTick, form, { score: 0, checksPassed: 0, flags });
    }
    const { baseTick, nextTick } = chunk;
    const from = Math.max(baseTick, nextTick);
    const end = baseTick + this.spec.chunkSize;
    const newest = this.#timeline.newest;
    if (
      !Number.isInteger(baseTick) ||
      !Number.isInteger(nextTick) ||
      from >= end ||
      baseTick < this.#fence ||
      (newest !== undefined && baseTick < newest.baseTick)
    ) {
      return this.#refusal(nextTick, 'expired', { score: 1, checksPassed: 4, flags: 0 });
    }
    const draft = this.#timeline.draft();
    draft.ref = chunk.ref;
    draft.baseTick = baseTick;
    draft.from = from;
    draft.end = end;
    // Of the observation's tick: a plan already leads on from there, perhaps by more than half a turn.
    const near = this.#odometer.anchored ? this.#odometer.commandedBefore(baseTick, this.#commanded) : null;
    const { score, checksPassed, flags } = this.#intake.fill(draft, chunk.actions, chunk.state, near);
    const verdict: Verdict = { score, checksPassed, flags };
    if (draft.rejected[from - baseTick] === 1) {
      this.#timeline.discard(draft);
      return this.#refusal(nextTick, 'unsafe', verdict);
    }
    return accept(draft, verdict);
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

  /** L2: whether an observation now should start an inference that takes about `leadTicks` to come back. */
  wantsInference(nextTick: number, leadTicks = 0): boolean {
    return this.#timeline.wantsInference(nextTick, leadTicks);
  }

  /** Whether the last thing sent brought the robot to rest. */
  get resting(): boolean {
    return this.#governor.resting;
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
    this.#filter.reset();
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
    this.#filter.reset();
    this.#odometer.reset();
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
    this.#filter.reset();
    this.#governor.rest();
    this.#odometer.reset();
    this.#last = -1;
    this.#started = false;
    this.#fence = Number.NEGATIVE_INFINITY;
    this.#mustRest = false;
    this.#rejects = 0;
    this.#lastChunkRejected = false;
    this.#distrustSince = Number.NEGATIVE_INFINITY;
    this.#pending = 0;
    this.#gripper = Number.NaN;
    this.#estopped = false;
    this.#snapshots?.fill(Number.NaN);
  }

  /**
   * The action or hold of tick `n`. `cause`: why the caller wants a hold, null for motion; a cause of the loop's own that ranks
   * higher wins (S12). A tick that does not rise moves nothing and changes nothing; only a hold may replace planned ticks.
   */
  tick(n: number, cause: HoldReason | null): TickResult {
    const r = this.#result;
    if (cause !== null && this.#snapshots !== null) this.#rewind(n);
    if (!Number.isInteger(n) || (this.#started && n <= this.#last)) return this.#still();
    let flags = this.#pending;
    this.#pending = 0;
    if (this.#started && n !== this.#last + 1) {
      // Nothing was sent in between, so the robot stands.
      this.#governor.rest();
      this.#filter.reset();
      flags |= FLAG.restart;
    }
    if (cause === 'estop') {
      this.restart(n + 1);
      this.#estopped = true;
    }
    if (this.#mustRest && this.#governor.resting) {
      this.#mustRest = false;
      this.#estopped = false;
    }
    this.#clearProposal();
    if (this.#posed && this.#odometer.anchored) this.#odometer.commanded(this.#commanded);
    const reason = higher(cause, this.#ownCause(n, cause));
    const governed = reason === null ? this.#move() : this.#hold();
    flags |= governed | r.flags;
    r.kind = reason === null ? 'action' : 'hold';
    r.reason = reason;
    r.flags = flags;
    r.clamped = (flags & CLAMP_FLAGS) !== 0;
    this.#write();
    this.#odometer.add(n, this.#sent.translation, this.#sent.rotation);
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
    const target = this.#target;
    if ((this.#posed && !this.#odometer.anchored) || !this.#timeline.target(n, target)) {
      return this.#lastChunkRejected ? 'safety' : 'starved';
    }
    const r = this.#result;
    r.ref = target.ref;
    r.baseTick = target.baseTick;
    r.score = target.score;
    r.checksPassed = target.checksPassed;
    r.flags = target.flags;
    this.#propose(target);
    return target.rejected ? 'safety' : null;
  }

  #clearProposal(): void {
    const r = this.#result;
    r.ref = -1;
    r.baseTick = -1;
    r.score = 1;
    r.checksPassed = 4;
    r.flags = 0;
    this.#proposed.translation.set(0, 0, 0);
    this.#proposed.rotation.set(0, 0, 0);
    this.#proposed.gripper = this.#heldGripper();
  }

  /** Target − commanded pose: the step that leads there in one tick. */
  #propose(target: Target): void {
    const { translation, rotation } = this.#proposed;
    this.#proposed.gripper = target.gripper;
    if (!this.#posed) {
      translation.copy(target.translation);
      rotation.copy(target.rotation);
      return;
    }
    const commanded = this.#commanded;
    this.#filter.apply(target.pose, commanded);
    translation.addScaled(target.pose.position, commanded.position, -1);
    if (this.spec.action.rotation === 'euler_xyz') rotation.addScaled(target.pose.euler, commanded.euler, -1);
    else logRotation(this.#turn.product(target.pose.quat, this.#inverse.inverse(commanded.quat)), rotation);
  }

  #move(): number {
    const flags = this.#governor.govern(
      this.#proposed,
      this.#commanded.position,
      this.#target.translation,
      this.#target.rotation,
      this.#sent,
    );
    this.#gripper = this.#sent.gripper;
    return flags;
  }

  /** A hold is a braking trajectory, then zero motion; the gripper stays. */
  #hold(): number {
    this.#filter.reset();
    const flags = this.#governor.brake(this.#commanded.position, this.#sent);
    this.#sent.gripper = this.#heldGripper();
    return flags;
  }

  #heldGripper(): number {
    return Number.isNaN(this.#gripper) ? this.#measuredGripper : this.#gripper;
  }

  #write(): void {
    writeAction(this.#sent, this.#result.values);
    writeAction(this.#proposed, this.#result.proposed);
  }

  #still(): TickResult {
    const r = this.#result;
    this.#clearProposal();
    r.kind = 'hold';
    r.reason = 'safety';
    r.clamped = false;
    writeAction(this.#proposed, r.proposed);
    writeAction(this.#proposed, r.values);
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
    const values = new Float64Array(length * dim);
    const startPose = this.#startPose();
    let score = 1;
    let checksPassed = 4;
    let flags = 0;
    let reason: HoldReason | null = null;
    for (let i = 0; i < length; i++) {
      const r = this.tick(firstTick + i, null);
      onTick?.(firstTick + i, r);
      values.set(r.values, i * dim);
      score = Math.min(score, r.score);
      checksPassed = Math.min(checksPassed, r.checksPassed);
      flags |= r.flags;
      reason ??= r.reason;
    }
    const tail: number[] = [];
    for (let i = 0; i < LONGEST_TAIL_S * hz && !this.#governor.resting; i++) {
      const r = this.tick(firstTick + length + i, 'starved');
      for (let d = 0; d < dim; d++) tail.push(r.values[d] as number);
    }
    return {
      values,
      stop: Float64Array.from(tail),
      startPose,
      length,
      stopLength: tail.length / dim,
      score,
      checksPassed,
      flags,
      clamped: (flags & CLAMP_FLAGS) !== 0,
      reason,
    };
  }

  #startPose(): Float64Array | null {
    if (!this.#posed || !this.#odometer.anchored) return null;
    const pose = this.#odometer.commanded(this.#commanded);
    const e = this.spec.action.rotation === 'euler_xyz' ? pose.euler : toEuler(pose.quat, this.#euler);
    const { x, y, z } = pose.position;
    return Float64Array.of(x, y, z, e.x, e.y, e.z, this.#heldGripper());
  }

  #rewind(firstTick: number): void {
    if (this.#snapshots === null) {
      this.#snapshots = new Float64Array(this.#capacity * SNAPSHOT);
      if (this.#started) this.#save(this.#last, this.#snapshots);
    }
    const before = firstTick - 1;
    if (!this.#started || before >= this.#last) return;
    if (!this.#odometer.rewind(before)) return;
    this.#last = before;
    this.#load(before, this.#snapshots);
  }

  #save(tick: number, rows: Float64Array): void {
    const row = ((tick + 1) % this.#capacity) * SNAPSHOT;
    rows[row] = tick;
    rows[row + 1] = this.#gripper;
    rows[row + 2] = this.#mustRest ? 1 : 0;
    this.#governor.save(rows, row + 3);
    this.#filter.save(rows, row + 3 + GOVERNOR_ROW);
  }

  #load(tick: number, rows: Float64Array): void {
    const row = ((tick + 1) % this.#capacity) * SNAPSHOT;
    if (rows[row] !== tick) {
      // Before the first tick, or sent before plans were recorded: from rest.
      this.#governor.rest();
      this.#filter.reset();
      this.#mustRest = false;
      return;
    }
    this.#gripper = rows[row + 1] as number;
    this.#mustRest = rows[row + 2] === 1;
    this.#governor.load(rows, row + 3);
    this.#filter.load(rows, row + 3 + GOVERNOR_ROW);
  }
}

function higher(a: HoldReason | null, b: HoldReason | null): HoldReason | null {
  if (a === null || b === null) return a ?? b;
  return HOLD_PRIORITY.indexOf(a) <= HOLD_PRIORITY.indexOf(b) ? a : b;
}

function writeAction(action: DeltaAction, out: Float64Array): void {
  out[0] = action.translation.x;
  out[1] = action.translation.y;
  out[2] = action.translation.z;
  out[3] = action.rotation.x;
  out[4] = action.rotation.y;
  out[5] = action.rotation.z;
  out[6] = action.gripper;
}
