import { FLAG } from './flags.js';
import type { LimitsInForce } from './limits.js';
import { MOTION_ROW, MotionLimiter } from './motion-limiter.js';
import { norm, Vec3 } from './vec3.js';
import { TcpEnvelope } from './volumes.js';

/** One `ee_delta`: metres and radians a tick, gripper 0 closed … 1 open. */
export class DeltaAction {
  readonly translation = new Vec3();
  readonly rotation = new Vec3();
  gripper = 0;
}

/** E3: what is about to be sent breaks a bound, which nothing that comes in can bring about: the governor itself is wrong. */
export class GovernorFault extends Error {
  override readonly name = 'GovernorFault';
}

/** Beyond every rounding that the limiters forgive: relative, and m. */
const ASSERTED = 1e-9;
const ORIGIN = new Vec3();
/** Noise of ±n jumps by up to 2n from one observation to the next. */
const SURPRISE_FACTOR = 1.5;
const SURPRISE_FADES = 0.9;
const MOST_MARGIN_M = 0.005;

/**
 * The last stage before the wire. Translation and rotation have limits apart; workspace and keep-outs hold the translation only. Rotation
 * is taken as one 3-vector a tick, Euler increments and rotation vectors alike: scaled as a whole, never re-composed.
 */
export class Governor {
  readonly #translation: MotionLimiter;
  readonly #rotation: MotionLimiter;
  readonly #hz: number;
  readonly #mostMargin: number;
  readonly #v: number;
  readonly #w: number;
  readonly #envelope: TcpEnvelope | null;
  readonly #end = new Vec3();

  /** Without a pose no place can be kept: speed and acceleration still are. */
  constructor(limits: LimitsInForce, poseKnown: boolean) {
    const { v, a, j, w, dw, ddw } = limits.cartesian;
    this.#hz = limits.control_hz;
    const periodS = 1 / limits.control_hz;
    this.#v = v.value;
    this.#w = w.value;
    const envelope = poseKnown ? new TcpEnvelope(limits.workspace, limits.keep_out) : null;
    this.#envelope = envelope;
    this.#mostMargin = Math.min(MOST_MARGIN_M, envelope?.mostMargin ?? 0);
    this.#translation = new MotionLimiter({ v: v.value, a: a.value, j: j.value }, periodS, envelope, {
      velocity: FLAG.velocity,
      acceleration: FLAG.acceleration,
      jerk: FLAG.jerk,
    });
    this.#rotation = new MotionLimiter({ v: w.value, a: dw.value, j: ddw.value }, periodS, null, {
      velocity: FLAG.rotation_velocity,
      acceleration: FLAG.rotation_acceleration,
      jerk: FLAG.rotation_jerk,
    });
  }

  get resting(): boolean {
    return this.#translation.resting && this.#rotation.resting;
  }

  /**
   * The pose was found `metres` from where it was commanded to be. Half as much again is kept free at every bound, for some
   * observations to come: else each one, jumping a little over where a stop was to end, would cost an emergency.
   */
  surprised(metres: number): void {
    const margin = Math.max(SURPRISE_FACTOR * metres, SURPRISE_FADES * this.#translation.margin);
    this.#translation.margin = Math.min(margin, this.#mostMargin);
  }

  /** What was measured counts no more. */
  forget(): void {
    this.#translation.margin = 0;
  }

  rest(): void {
    this.#translation.rest();
    this.#rotation.rest();
  }

  /**
   * `proposed` from the commanded `position`, made legal in `out`; returns clamp flags, 0 iff every number is the same bit for
   * bit. `ownTranslation`, `ownRotation`: the policy's own step, how fast its target moves by itself.
   */
  govern(proposed: DeltaAction, position: Vec3, ownTranslation: Vec3, ownRotation: Vec3, out: DeltaAction): number {
    let flags = this.#translation.follow(
      position,
      proposed.translation,
      along(ownTranslation, proposed.translation) * this.#hz,
      out.translation,
    );
    flags |= this.#rotation.follow(
      ORIGIN,
      proposed.rotation,
      along(ownRotation, proposed.rotation) * this.#hz,
      out.rotation,
    );
    out.gripper = proposed.gripper;
    if (proposed.gripper < 0 || proposed.gripper > 1) {
      out.gripper = proposed.gripper < 0 ? 0 : 1;
      flags |= FLAG.gripper;
    }
    this.#assert(position, out);
    return flags;
  }

  /** One tick of the stop; the gripper is not touched. */
  brake(position: Vec3, out: DeltaAction): number {
    const flags = this.#translation.brake(position, out.translation) | this.#rotation.brake(ORIGIN, out.rotation);
    this.#assert(position, out);
    return flags;
  }

  /** Asked of every step, by other code than made it. Throws GovernorFault: nothing is sent, and the robot's side holds. */
  #assert(position: Vec3, { translation, rotation, gripper }: DeltaAction): void {
    const slack = (1 + ASSERTED) / this.#hz;
    const end = this.#end.addScaled(position, translation, 1);
    // Written so that NaN fails.
    if (
      norm(translation) <= this.#v * slack &&
      norm(rotation) <= this.#w * slack &&
      gripper >= 0 &&
      gripper <= 1 &&
      (this.#envelope?.allows(position, end, ASSERTED) ?? true)
    )
      return;
    throw new GovernorFault('a step outside its limits was about to be sent');
  }

  save(row: Float64Array, offset: number): void {
    this.#translation.save(row, offset);
    this.#rotation.save(row, offset + MOTION_ROW);
  }

  load(row: Float64Array, offset: number): void {
    this.#translation.load(row, offset);
    this.#rotation.load(row, offset + MOTION_ROW);
  }
}

/** Numbers that Governor.save writes. */
export const GOVERNOR_ROW = 2 * MOTION_ROW;

/** The part of `step` in the direction of `direction`, at least 0. */
function along(step: Vec3, direction: Vec3): number {
  const size = Math.sqrt(direction.x ** 2 + direction.y ** 2 + direction.z ** 2);
  if (size === 0) return 0;
  return Math.max(0, (step.x * direction.x + step.y * direction.y + step.z * direction.z) / size);
}
