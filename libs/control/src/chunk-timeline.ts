import type { Blend } from '@sinew/protocol';
import { at, Chunk, WAY } from './chunk.js';
import { Quat } from './rotation.js';
import type { RotationKind, Target } from './target.js';

/** Shares of `weighted`: the new chunk against what the timeline held. */
const NEW_SHARE = 0.7;
/** `temporal_ensemble`: weight e^(−m·age), age in ticks between the observations, the newest 0. */
const ENSEMBLE_M = 0.3;
/** More overlapping chunks than this carry no weight worth their memory. */
const MOST_CHUNKS = 16;

export interface TimelineSpec {
  readonly chunkSize: number;
  /** Execution horizon s (L2), ticks. */
  readonly execute: number;
  readonly blend: Blend;
  readonly rotation: RotationKind;
}

/** The live chunks of one session, and the target for a tick. Allocates with the first chunks only. */
export class ChunkTimeline {
  readonly #spec: TimelineSpec;
  readonly #capacity: number;
  /** Oldest first. */
  readonly #chunks: Chunk[] = [];
  readonly #spare: Chunk[] = [];
  readonly #blend = new Quat();
  readonly #other = new Quat();

  constructor(spec: TimelineSpec) {
    this.#spec = spec;
    const overlapping = spec.blend === 'latest' ? 2 : Math.ceil(spec.chunkSize / spec.execute) + 1;
    this.#capacity = Math.max(2, Math.min(MOST_CHUNKS, overlapping));
  }

  clear(): void {
    while (this.#chunks.length > 0) this.#spare.push(this.#chunks.pop() as Chunk);
  }

  get newest(): Chunk | undefined {
    return this.#chunks[this.#chunks.length - 1];
  }

  /** A chunk to be filled in, then `commit`ted or `discard`ed; until then nothing has changed. */
  draft(): Chunk {
    return this.#spare.pop() ?? new Chunk(this.#spec.chunkSize);
  }

  commit(chunk: Chunk): void {
    if (this.#chunks.length >= this.#capacity) this.#spare.push(this.#chunks.shift() as Chunk);
    this.#chunks.push(chunk);
  }

  discard(chunk: Chunk): void {
    this.#spare.push(chunk);
  }

  /** L2: nothing to execute, or `execute` ticks of the newest chunk will have been executed `leadTicks` from `nextTick`. */
  wantsInference(nextTick: number, leadTicks: number): boolean {
    const newest = this.newest;
    if (newest === undefined) return true;
    return nextTick + leadTicks - newest.from >= this.#spec.execute || this.remaining(nextTick) <= leadTicks;
  }

  /** How many ticks from `nextTick` on have an entry, without a hole. */
  remaining(nextTick: number): number {
    let covered = nextTick;
    for (let i = 0; i < this.#chunks.length; i++) {
      const chunk = this.#chunks[i] as Chunk;
      if (chunk.from <= covered && chunk.end > covered) covered = chunk.end;
    }
    return covered - nextTick;
  }

  /** L6: metres between what the timeline held for `tick` and what `chunk` wants there; 0 where it held nothing. */
  seam(chunk: Chunk, tick: number): number {
    for (let i = this.#chunks.length - 1; i >= 0; i--) {
      const old = this.#chunks[i] as Chunk;
      if (!old.covers(tick)) continue;
      const a = (tick - old.baseTick) * WAY;
      const b = (tick - chunk.baseTick) * WAY;
      return Math.hypot(
        at(old.way, a) - at(chunk.way, b),
        at(old.way, a + 1) - at(chunk.way, b + 1),
        at(old.way, a + 2) - at(chunk.way, b + 2),
      );
    }
    return 0;
  }

  /** The blended way-point of `tick` (L4); gripper and the rest from the newest chunk (L5). False: no entry. */
  target(tick: number, out: Target): boolean {
    let newest = -1;
    for (let i = this.#chunks.length - 1; i >= 0 && newest < 0; i--) {
      if ((this.#chunks[i] as Chunk).covers(tick)) newest = i;
    }
    if (newest < 0) return false;
    (this.#chunks[newest] as Chunk).describe(tick, out);
    if (this.#spec.blend === 'weighted') this.#fold(tick, out);
    else if (this.#spec.blend === 'temporal_ensemble') this.#ensemble(tick, newest, out);
    else this.#load(this.#chunks[newest] as Chunk, tick, out);
    return true;
  }

  #load(chunk: Chunk, tick: number, out: Target): void {
    const w = chunk.way;
    const i = (tick - chunk.baseTick) * WAY;
    out.pose.position.set(at(w, i), at(w, i + 1), at(w, i + 2));
    if (this.#spec.rotation === 'rotvec') out.pose.quat.set(at(w, i + 3), at(w, i + 4), at(w, i + 5), at(w, i + 6));
    else out.pose.euler.set(at(w, i + 3), at(w, i + 4), at(w, i + 5));
  }

  /** Each chunk over what stood before it, in the order they came. */
  #fold(tick: number, out: Target): void {
    let first = true;
    for (let i = 0; i < this.#chunks.length; i++) {
      const chunk = this.#chunks[i] as Chunk;
      if (!chunk.covers(tick)) continue;
      if (first) this.#load(chunk, tick, out);
      else this.#mix(chunk, tick, NEW_SHARE, out);
      first = false;
    }
  }

  #ensemble(tick: number, newest: number, out: Target): void {
    const base = (this.#chunks[newest] as Chunk).baseTick;
    let total = 0;
    for (let i = newest; i >= 0; i--) {
      const chunk = this.#chunks[i] as Chunk;
      if (!chunk.covers(tick)) continue;
      const weight = Math.exp(-ENSEMBLE_M * (base - chunk.baseTick));
      total += weight;
      if (i === newest) this.#load(chunk, tick, out);
      else this.#mix(chunk, tick, weight / total, out);
    }
  }

  /** out := (1 − share)·out + share·entry; quaternions by their normalised sum on one hemisphere. */
  #mix(chunk: Chunk, tick: number, share: number, out: Target): void {
    const w = chunk.way;
    const i = (tick - chunk.baseTick) * WAY;
    const p = out.pose.position;
    p.x += share * (at(w, i) - p.x);
    p.y += share * (at(w, i + 1) - p.y);
    p.z += share * (at(w, i + 2) - p.z);
    if (this.#spec.rotation === 'euler_xyz') {
      const e = out.pose.euler;
      e.x += share * (at(w, i + 3) - e.x);
      e.y += share * (at(w, i + 4) - e.y);
      e.z += share * (at(w, i + 5) - e.z);
      return;
    }
    const q = this.#blend.copy(out.pose.quat);
    const r = this.#other.set(at(w, i + 3), at(w, i + 4), at(w, i + 5), at(w, i + 6));
    const sign = q.w * r.w + q.x * r.x + q.y * r.y + q.z * r.z < 0 ? -share : share;
    out.pose.quat
      .set(
        (1 - share) * q.w + sign * r.w,
        (1 - share) * q.x + sign * r.x,
        (1 - share) * q.y + sign * r.y,
        (1 - share) * q.z + sign * r.z,
      )
      .normalize();
  }
}
