import type { Chunk } from '@sinew/protocol';
import type { Random } from './random.js';

const DIM = 7;

/** The arm: it goes where it is told, tick by tick, and knows exactly where it is. */
export class Body {
  readonly #pose = new Float64Array(DIM);
  #applied: number | null = null;
  /** Chunked and in lockstep: what it will do, by tick. */
  #plan: { first: number; values: Float32Array; length: number } | null = null;
  #playing = 0;
  #executes = 4;
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
    for (let d = 0; d < 2; d++) this.#pose[d] = random.between(-0.3, 0.3);
    this.#pose[2] = random.between(0.1, 0.5);
    this.#pose[6] = random.unit();
  }

  state(): Float64Array {
    return this.#pose.slice();
  }

  /** The last tick that it executed; null before the first. */
  get applied(): number | null {
    return this.#applied;
  }

  begin(_periodMs: number): void {
    this.#applied = null;
    this.#plan = null;
    this.#playing = 0;
    this.#executes = this.#random.int(1, 8);
  }

  newEpisode(countsAnew: boolean): void {
    this.#plan = null;
    if (countsAnew) this.#applied = null;
  }

  apply(seq: number, values: ArrayLike<number>): void {
    this.#move(values, 0);
    this.#applied = seq;
  }

  plan({ first_tick, shape, values }: Chunk): void {
    this.#plan = { first: first_tick, values, length: shape[0] };
  }

  stop(): void {
    this.#plan = null;
  }

  /** Chunked: every tick up to `tick` that it has not played, as far as it has a plan. */
  playTo(tick: number): void {
    const plan = this.#plan;
    if (plan === null) return;
    const end = Math.min(tick, plan.first + plan.length - 1);
    for (let n = Math.max(this.#playing, plan.first); n <= end; n++) {
      this.#move(plan.values, (n - plan.first) * DIM);
      this.#applied = n;
    }
    this.#playing = Math.max(this.#playing, tick + 1);
  }

  /** Lockstep: as much of the chunk as it executes before it looks again. */
  execute(): void {
    const plan = this.#plan;
    if (plan === null) return;
    const rows = Math.min(this.#executes, plan.length);
    for (let row = 0; row < rows; row++) this.#move(plan.values, row * DIM);
    if (rows > 0) this.#applied = plan.first + rows - 1;
    this.#plan = null;
  }

  #move(values: ArrayLike<number>, at: number): void {
    for (let d = 0; d < 6; d++) this.#pose[d] = (this.#pose[d] ?? 0) + (values[at + d] ?? 0);
    this.#pose[6] = values[at + 6] ?? 0;
  }
}
