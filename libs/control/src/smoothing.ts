import type { Smoothing } from '@sinew/protocol';
import { at } from './chunk.js';
import type { CartesianLimits } from './limits.js';
import { logRotation, Quat } from './rotation.js';
import type { GapFilter } from './smoothing/gap-filter.js';
import type { FilterLimits } from './smoothing/jerk-limited.js';
import { createGapFilter, ROTATION_BETA } from './smoothing/vector-filter.js';
import type { Pose, RotationKind } from './target.js';
import { loadVec, saveVec, Vec3 } from './vec3.js';

/** `one_euro`: growth of the cutoff with speed, Hz per m/s. */
const TRANSLATION_BETA = 20;

/**
 * Smooths poses: one filter for the whole translation and one for the whole rotation, as Euler angles or as the rotation vector
 * from the filter's orientation to the target's. Targets, never differences, and never the gripper. Starts at the commanded
 * pose. What each kind does, and how late: low-pass.ts, jerk-limited.ts.
 */
export class PoseFilter {
  /** Numbers that `save` writes. */
  readonly row: number;
  readonly #rotation: RotationKind;
  readonly #move: GapFilter | null;
  readonly #turn: GapFilter | null;
  readonly #position = new Vec3();
  readonly #euler = new Vec3();
  readonly #quat = new Quat();
  readonly #gap = new Float64Array(3);
  readonly #vector = new Vec3();
  readonly #delta = new Quat();
  readonly #scratch = new Quat();
  #running = false;

  constructor(kind: Smoothing, periodS: number, rotation: RotationKind, limits: CartesianLimits) {
    const { v, a, j, w, dw, ddw } = limits;
    this.#rotation = rotation;
    this.#move = createGapFilter(kind, periodS, 3, norms(v.value, a.value, j.value), TRANSLATION_BETA);
    this.#turn = createGapFilter(kind, periodS, 3, norms(w.value, dw.value, ddw.value), ROTATION_BETA);
    this.row = this.#move === null ? 0 : OUTPUT_ROW + this.#move.row + (this.#turn?.row ?? 0);
  }

  reset(): void {
    this.#running = false;
  }

  /** Replaces `target` by its smoothed value; `commanded` is where a filter that starts now starts from. */
  apply(target: Pose, commanded: Pose): void {
    if (this.#move === null || this.#turn === null) return;
    if (!this.#running) this.#start(commanded);
    const vector = this.#vector;
    const position = this.#position;
    this.#through(this.#move, vector.addScaled(target.position, position, -1));
    target.position.copy(position.addScaled(position, vector, 1));
    if (this.#rotation === 'euler_xyz') {
      const euler = this.#euler;
      this.#through(this.#turn, vector.addScaled(target.euler, euler, -1));
      target.euler.copy(euler.addScaled(euler, vector, 1));
      return;
    }
    const quat = this.#quat;
    logRotation(this.#delta.product(target.quat, this.#scratch.inverse(quat)), vector);
    this.#through(this.#turn, vector);
    quat.product(this.#delta.exp(vector), this.#scratch.copy(quat)).normalize();
    target.quat.copy(quat);
  }

  #start(commanded: Pose): void {
    this.#running = true;
    this.#position.copy(commanded.position);
    this.#euler.copy(commanded.euler);
    this.#quat.copy(commanded.quat);
    this.#move?.reset();
    this.#turn?.reset();
  }

  /** `vector`: the gap, then the move. */
  #through(filter: GapFilter, vector: Vec3): void {
    const gap = this.#gap;
    gap[0] = vector.x;
    gap[1] = vector.y;
    gap[2] = vector.z;
    filter.move(gap);
    vector.set(at(gap, 0), at(gap, 1), at(gap, 2));
  }

  /** Writes its memory to `rows` (`row` numbers from `offset`); with `load` the tick can be run again. */
  save(rows: Float64Array, offset: number): void {
    if (this.#move === null || this.#turn === null) return;
    rows[offset] = this.#running ? 1 : 0;
    saveVec(this.#position, rows, offset + 1);
    saveVec(this.#euler, rows, offset + 4);
    rows[offset + 7] = this.#quat.w;
    rows[offset + 8] = this.#quat.x;
    rows[offset + 9] = this.#quat.y;
    rows[offset + 10] = this.#quat.z;
    this.#move.save(rows, offset + OUTPUT_ROW);
    this.#turn.save(rows, offset + OUTPUT_ROW + this.#move.row);
  }

  load(rows: Float64Array, offset: number): void {
    if (this.#move === null || this.#turn === null) return;
    this.#running = at(rows, offset) === 1;
    loadVec(this.#position, rows, offset + 1);
    loadVec(this.#euler, rows, offset + 4);
    this.#quat.set(at(rows, offset + 7), at(rows, offset + 8), at(rows, offset + 9), at(rows, offset + 10));
    this.#move.load(rows, offset + OUTPUT_ROW);
    this.#turn.load(rows, offset + OUTPUT_ROW + this.#move.row);
  }
}

/** Running, position, Euler angles, quaternion. */
const OUTPUT_ROW = 11;

/** Limits of a vector's norm, for each of its components. */
function norms(velocity: number, acceleration: number, jerk: number): FilterLimits {
  const three = (value: number): readonly number[] => [value, value, value];
  return { velocity: three(velocity), acceleration: three(acceleration), jerk: three(jerk) };
}
