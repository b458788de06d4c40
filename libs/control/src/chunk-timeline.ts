import type { Blend } from '@sinew/protocol';
import { Chunk, type Entry } from './chunk.js';
import type { WayPoints } from './motion.js';

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
}

/** The live chunks of one session, and the target for a tick. Allocates with the first chunks only. */
export class ChunkTimeline {
  readonly #spec: TimelineSpec;
  readonly #way: WayPoints;
  readonly #capacity: number;
  /** Oldest first. */
  readonly #chunks: Chunk[] = [];
  readonly #spare: Chunk[] = [];

  constructor(spec: TimelineSpec, way: WayPoints) {
    this.#spec = spec;
    this.#way = way;
    const overlapping =
      spec.blend === 'latest' || spec.blend === 'rtc' ? 2 : Math.ceil(spec.chunkSize / spec.execute) + 1;
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
    return this.#spare.pop() ?? new Chunk(this.#spec.chunkSize, this.#way.wayStride, this.#way.stepStride);
  }

  commit(chunk: Chunk): void {
    if (this.#chunks.length >= this.#capacity) this.#spare.push(this.#chunks.shift() as Chunk);
    this.#chunks.push(chunk);
  }

  discard(chunk: Chunk): void {
    this.#spare.push(chunk);
  }

  /** L2: nothing to execute, or `execute` ticks of the newest chunk will have been executed `leadTicks` from `nextTick`. */
  wantsInference(nextTick: number, leadTicks: number, execute = this.#spec.execute): boolean {
    const newest = this.newest;
    if (newest === undefined) return true;
    return nextTick + leadTicks - newest.from >= execute || this.remaining(nextTick) <= leadTicks;
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

  /** L6: between what the timeline held for `tick` and what `chunk` wants there; 0 where it held nothing. */
  seam(chunk: Chunk, tick: number): number {
    for (let i = this.#chunks.length - 1; i >= 0; i--) {
      const old = this.#chunks[i] as Chunk;
      if (old.covers(tick)) return this.#way.distance(old, tick - old.baseTick, chunk, tick - chunk.baseTick);
    }
    return 0;
  }

  /** Makes the blended way-point of `tick` the target (L4); `out` is the newest chunk's (L5). False: no entry. */
  target(tick: number, out: Entry): boolean {
    let newest = -1;
    for (let i = this.#chunks.length - 1; i >= 0 && newest < 0; i--) {
      if ((this.#chunks[i] as Chunk).covers(tick)) newest = i;
    }
    if (newest < 0) return false;
    const chunk = this.#chunks[newest] as Chunk;
    chunk.describe(tick, out);
    this.#way.own(chunk, tick - chunk.baseTick);
    if (this.#spec.blend === 'weighted') this.#fold(tick);
    else if (this.#spec.blend === 'temporal_ensemble') this.#ensemble(tick, newest);
    else this.#way.aim(chunk, tick - chunk.baseTick);
    return true;
  }

  /** Each chunk over what stood before it, in the order they came. */
  #fold(tick: number): void {
    let first = true;
    for (let i = 0; i < this.#chunks.length; i++) {
      const chunk = this.#chunks[i] as Chunk;
      if (!chunk.covers(tick)) continue;
      if (first) this.#way.aim(chunk, tick - chunk.baseTick);
      else this.#way.mix(chunk, tick - chunk.baseTick, NEW_SHARE);
      first = false;
    }
  }

  #ensemble(tick: number, newest: number): void {
    // Not of their first entries: holds move those (L8).
    const seen = (this.#chunks[newest] as Chunk).seenBefore;
    let total = 0;
    for (let i = newest; i >= 0; i--) {
      const chunk = this.#chunks[i] as Chunk;
      if (!chunk.covers(tick)) continue;
      const weight = Math.exp(-ENSEMBLE_M * (seen - chunk.seenBefore));
      total += weight;
      if (i === newest) this.#way.aim(chunk, tick - chunk.baseTick);
      else this.#way.mix(chunk, tick - chunk.baseTick, weight / total);
    }
  }
}
