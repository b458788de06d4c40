import type { Chunk } from './chunk.js';
import type { NewChunk, Verdict } from './control-io.js';

/** What the rows of a chunk mean, and how they blend into the target of one tick (L4). */
export interface WayPoints {
  /** Numbers of a way-point, the gripper last, and of the policy's own step. */
  readonly wayStride: number;
  readonly stepStride: number;
  /** target := way-point `k` of the chunk */
  aim(chunk: Chunk, k: number): void;
  /** target := (1 − share) · target + share · way-point `k` */
  mix(chunk: Chunk, k: number, share: number): void;
  /** The policy's own step of entry `k`: how its target moves by itself. */
  own(chunk: Chunk, k: number): void;
  /** How far two way-points lie apart (L6): metres, or radians for joints. */
  distance(a: Chunk, i: number, b: Chunk, j: number): number;
}

/** An observation that tells nothing: no finite state, older than the last one, or than history. */
export const IGNORED = -1;

/**
 * Everything that differs between action spaces: what is measured, what a way-point is, how motion is kept within limits and
 * what is sent. `ControlLoop` does what is the same in all of them. One tick is `begin`; for a target `filter` and `propose`;
 * then `move` or `brake`, `write`, `sent`.
 */
export interface Motion extends WayPoints {
  /** Numbers that `save` writes. */
  readonly row: number;
  /** Whether motion may start: the measured state is known, or none is needed. */
  readonly ready: boolean;
  /** Whether the values of a hold are the robot's own: not while positions are sent and none was ever measured. */
  readonly knowsRest: boolean;
  readonly resting: boolean;

  /** The state measured just before `baseTick` ran. Returns flags for the next tick, or IGNORED. */
  observe(state: Float64Array, baseTick: number): number;
  /** N1, U2: right length, every number usable and plausible, or the whole chunk is refused. */
  wellFormed(actions: Float32Array, state: Float64Array): 'ok' | 'wrong_length' | 'not_finite' | 'implausible';
  /** Fills in way-points, own steps and scores of a well-formed chunk. Reused result. */
  fill(draft: Chunk, chunk: NewChunk): Verdict;

  /** Proposes no motion. Returns flags that stand at this tick. */
  begin(): number;
  /** Smooths the target that `aim` and `mix` made. */
  filter(): void;
  /** Proposes the step to the target; false where the leash forbids it (D1). */
  propose(gripper: number): boolean;
  /** Makes the proposal legal; returns clamp flags, 0 iff what is sent is what was proposed, bit for bit. */
  move(): number;
  /** One tick of the stop; the gripper stays. Returns flags. */
  brake(): number;
  /** What `tick` answers, in the action space's own terms. */
  write(sent: Float64Array, proposed: Float64Array): void;
  /** No motion, as both. */
  writeStill(sent: Float64Array, proposed: Float64Array): void;
  /** What was written is sent at tick `n`. */
  sent(n: number): void;

  /** Nothing was sent in between: at rest, and filters start anew. */
  rest(): void;
  /** Filters start anew; from tick `from` on, motion starts from where the robot is found, should it not be where it was left. */
  restart(from: number): void;
  /** What was measured and sent counts no more, but what moves goes on moving. */
  forget(): void;
  /** At rest, nothing known. */
  reset(): void;

  /** The pose or joints, and gripper, commanded before the next tick; null where unknown. */
  start(): Float64Array | null;
  /** Forgets every tick after `tick`; false where history does not hold it. */
  rewind(tick: number): boolean;
  save(rows: Float64Array, offset: number): void;
  restore(rows: Float64Array, offset: number): void;
}
