import type { Smoothing } from '@sinew/protocol';
import { logRotation, Quat } from './rotation.js';
import type { Pose, RotationKind } from './target.js';
import { norm, Vec3 } from './vec3.js';

/** `ema`: time constant, seconds. */
const TAU_S = 0.1;
/** `one_euro`: cutoff at rest (Hz), its growth with speed (Hz per m/s, Hz per rad/s), cutoff of the speed itself (Hz). */
const MIN_CUTOFF_HZ = 1;
const TRANSLATION_BETA = 20;
const ROTATION_BETA = 3;
const SPEED_CUTOFF_HZ = 1;

export type BuiltSmoothing = Extract<Smoothing, 'none' | 'ema' | 'one_euro'>;

/**
 * Smooths targets, never differences and never the gripper. Starts from the commanded pose, so the first target is no jump.
 * - `none`: no delay.
 * - `ema`: y += (1 − e^(−dt/τ))(x − y), τ = 0.1 s; a ramp is followed τ late.
 * - `one_euro` (Casiez, Roussel, Vogel 2012): an ema whose cutoff is 1 Hz at rest and grows with the speed of the target,
 *   one for the whole translation and one for the whole rotation; delay 1/(2π·cutoff): 160 ms at rest, 27 ms at 0.25 m/s.
 */
export class PoseFilter {
  readonly #kind: BuiltSmoothing;
  readonly #rotation: RotationKind;
  readonly #h: number;
  readonly #alpha: number;
  #running = false;
  readonly #position = new Vec3();
  readonly #euler = new Vec3();
  readonly #quat = new Quat();
  readonly #speed = new Vec3();
  readonly #spin = new Vec3();
  readonly #gap = new Vec3();
  readonly #turn = new Quat();
  readonly #product = new Quat();

  constructor(kind: BuiltSmoothing, periodS: number, rotation: RotationKind) {
    this.#kind = kind;
    this.#h = periodS;
    this.#rotation = rotation;
    this.#alpha = 1 - Math.exp(-periodS / TAU_S);
  }

  reset(): void {
    this.#running = false;
  }

  /** Replaces `target` by its smoothed value; `commanded` is where a filter that starts now starts from. */
  apply(target: Pose, commanded: Pose): void {
    if (this.#kind === 'none') return;
    if (!this.#running) {
      this.#running = true;
      this.#position.copy(commanded.position);
      this.#euler.copy(commanded.euler);
      this.#quat.copy(commanded.quat);
      this.#speed.set(0, 0, 0);
      this.#spin.set(0, 0, 0);
    }
    const gap = this.#gap.addScaled(target.position, this.#position, -1);
    this.#position.addScaled(this.#position, gap, this.#gain(gap, this.#speed, TRANSLATION_BETA));
    target.position.copy(this.#position);
    if (this.#rotation === 'euler_xyz') {
      gap.addScaled(target.euler, this.#euler, -1);
      this.#euler.addScaled(this.#euler, gap, this.#gain(gap, this.#spin, ROTATION_BETA));
      target.euler.copy(this.#euler);
      return;
    }
    this.#turn.product(target.quat, this.#product.inverse(this.#quat));
    logRotation(this.#turn, gap);
    gap.scaled(gap, this.#gain(gap, this.#spin, ROTATION_BETA));
    this.#quat.product(this.#turn.exp(gap), this.#product.copy(this.#quat)).normalize();
    target.quat.copy(this.#quat);
  }

  /** The share of the gap to close this tick; `speed` is the filter's memory of how fast targets move. */
  #gain(gap: Vec3, speed: Vec3, beta: number): number {
    if (this.#kind === 'ema') return this.#alpha;
    const share = lowPassGain(SPEED_CUTOFF_HZ, this.#h);
    speed.scaled(speed, 1 - share).addScaled(speed, gap, share / this.#h);
    return lowPassGain(MIN_CUTOFF_HZ + beta * norm(speed), this.#h);
  }

  /** Writes its memory to `row` (FILTER_ROW numbers from `offset`); with `load` the tick can be run again. */
  save(row: Float64Array, offset: number): void {
    row[offset] = this.#running ? 1 : 0;
    saveVec(this.#position, row, offset + 1);
    saveVec(this.#euler, row, offset + 4);
    saveVec(this.#speed, row, offset + 7);
    saveVec(this.#spin, row, offset + 10);
    row[offset + 13] = this.#quat.w;
    row[offset + 14] = this.#quat.x;
    row[offset + 15] = this.#quat.y;
    row[offset + 16] = this.#quat.z;
  }

  load(row: Float64Array, offset: number): void {
    this.#running = row[offset] === 1;
    loadVec(this.#position, row, offset + 1);
    loadVec(this.#euler, row, offset + 4);
    loadVec(this.#speed, row, offset + 7);
    loadVec(this.#spin, row, offset + 10);
    this.#quat.set(
      row[offset + 13] as number,
      row[offset + 14] as number,
      row[offset + 15] as number,
      row[offset + 16] as number,
    );
  }
}

/** Numbers that PoseFilter.save writes. */
export const FILTER_ROW = 17;

export function saveVec(v: Vec3, row: Float64Array, offset: number): void {
  row[offset] = v.x;
  row[offset + 1] = v.y;
  row[offset + 2] = v.z;
}

export function loadVec(v: Vec3, row: Float64Array, offset: number): void {
  v.set(row[offset] as number, row[offset + 1] as number, row[offset + 2] as number);
}

/** First-order low pass at `cutoff` Hz sampled every h seconds: 1 / (1 + τ/h), τ = 1/(2π·cutoff). */
function lowPassGain(cutoff: number, h: number): number {
  const r = 2 * Math.PI * cutoff * h;
  return r / (r + 1);
}
