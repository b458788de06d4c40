/**
 * Watches an `ee_delta` session from outside: everything is recomputed from the numbers that were sent and measured, with nothing of the
 * governor's own code. Limits are norms of finite differences a tick; between ticks the tool moves in a straight line.
 */
export interface AuditLimits {
  readonly hz: number;
  readonly v: number;
  readonly a: number;
  readonly j: number;
  readonly w: number;
  readonly dw: number;
  readonly ddw: number;
  readonly box: { readonly min: readonly number[]; readonly max: readonly number[] };
  readonly keepOut: readonly AuditVolume[];
}

export type AuditVolume =
  | { readonly min: readonly number[]; readonly max: readonly number[] }
  | { readonly center: readonly number[]; readonly radius: number }
  | { readonly normal: readonly number[]; readonly offset: number };

export interface AuditedTick {
  readonly values: Float64Array;
  readonly kind: 'action' | 'hold';
  readonly reason: string | null;
  /** The server declares that position outranked acceleration and jerk at this tick. */
  readonly emergency: boolean;
}

/** Relative, of speeds and their changes; metres, of positions. */
const RELATIVE = 1e-9;
const METRES = 1e-11;
/** The reduced speed: what is outside its envelope moves no faster. */
const RECOVERY = 0.25;
/** Every stop ends within two seconds; one more tick to see it at rest, a few for jerk. */
const LONGEST_STOP_S = 2.2;

export class SafetyAuditor {
  readonly violations: string[] = [];
  readonly worst = { v: 0, a: 0, j: 0, w: 0, dw: 0, ddw: 0, outside: 0, inKeepOut: 0 };
  ticks = 0;
  emergencies = 0;
  readonly #limits: AuditLimits;
  readonly #translation: Derivatives;
  readonly #rotation: Derivatives;
  /** Every step since the last anchor's tick, to carry a late measurement to now. */
  readonly #steps = new Map<number, [number, number, number]>();
  #position: [number, number, number] | null = null;
  #anchorTick = Number.NEGATIVE_INFINITY;
  #last = Number.NEGATIVE_INFINITY;
  #holding = 0;
  #outside = 0;
  #estopTick = Number.NEGATIVE_INFINITY;
  /** Some chunk from an observation after the e-stop was taken. */
  #fresh = true;
  #rested = true;

  constructor(limits: AuditLimits) {
    this.#limits = limits;
    this.#translation = new Derivatives(limits.hz, limits.v, limits.a, limits.j);
    this.#rotation = new Derivatives(limits.hz, limits.w, limits.dw, limits.ddw);
  }

  /** A measurement that the loop must have taken, made just before `tick`. */
  measured(position: readonly [number, number, number], tick: number): void {
    if (tick < this.#anchorTick) return;
    const now: [number, number, number] = [...position];
    for (const [t, step] of this.#steps) {
      if (t < tick) this.#steps.delete(t);
      else for (let d = 0; d < 3; d++) now[d] = (now[d] as number) + (step[d] as number);
    }
    this.#anchorTick = tick;
    this.#position = now;
  }

  adopted(baseTick: number): void {
    if (baseTick > this.#estopTick) this.#fresh = true;
  }

  estopped(tick: number): void {
    this.#estopTick = tick;
    this.#fresh = false;
    this.#rested = false;
  }

  tick(n: number, { values, kind, reason, emergency }: AuditedTick): void {
    this.ticks++;
    if (n !== this.#last + 1) {
      this.#translation.stand();
      this.#rotation.stand();
      this.#rested = true;
    }
    this.#last = n;
    if (emergency) this.emergencies++;
    const step = [values[0], values[1], values[2]] as [number, number, number];
    const turn = [values[3], values[4], values[5]] as [number, number, number];
    if (values.length !== 7 || !values.every(Number.isFinite)) this.#violate(n, 'N3', `values ${values}`);
    const gripper = values[6] as number;
    if (!(gripper >= 0 && gripper <= 1)) this.#violate(n, 'G1', `gripper ${gripper}`);
    const before = this.#translation.speed;
    this.#dynamics(n, this.#translation, step, emergency, 'translation');
    this.#dynamics(n, this.#rotation, turn, emergency, 'rotation');
    if (this.#position !== null) this.#space(n, this.#position, step, before);
    else if (this.#translation.speed > 0) this.#violate(n, 'N3', 'motion before anything was measured');
    this.#steps.set(n, step);
    this.#stops(n, kind, reason);
  }

  #dynamics(n: number, motion: Derivatives, step: [number, number, number], excused: boolean, what: string): void {
    motion.step(step);
    const { v, a, j } = motion.ratios;
    const worst = this.worst;
    const linear = motion === this.#translation;
    if (linear) worst.v = Math.max(worst.v, v);
    else worst.w = Math.max(worst.w, v);
    if (v > 1 + RELATIVE) this.#violate(n, 'B2', `${what} speed ${v} of its limit`);
    if (excused) return;
    if (linear) {
      worst.a = Math.max(worst.a, a);
      worst.j = Math.max(worst.j, j);
    } else {
      worst.dw = Math.max(worst.dw, a);
      worst.ddw = Math.max(worst.ddw, j);
    }
    if (a > 1 + RELATIVE) this.#violate(n, 'B3', `${what} acceleration ${a} of its limit`);
    if (j > 1 + RELATIVE) this.#violate(n, 'B4', `${what} jerk ${j} of its limit`);
  }

  #space(n: number, from: [number, number, number], step: [number, number, number], speedBefore: number): void {
    const to = from.map((x, d) => x + (step[d] as number)) as [number, number, number];
    const { box, keepOut } = this.#limits;
    let outside = false;
    for (let d = 0; d < 3; d++) {
      const was = Math.max((box.min[d] as number) - (from[d] as number), (from[d] as number) - (box.max[d] as number));
      const is = Math.max((box.min[d] as number) - (to[d] as number), (to[d] as number) - (box.max[d] as number));
      outside ||= was > 1e-8;
      const further = is - Math.max(0, was);
      this.worst.outside = Math.max(this.worst.outside, further);
      if (further > METRES) this.#violate(n, was > 0 ? 'B8' : 'B6', `${further} m further out of the box on axis ${d}`);
    }
    for (const volume of keepOut) {
      const was = depth(volume, from);
      outside ||= was > 1e-8;
      const length = Math.hypot(...step);
      // Depth changes no faster than the point moves.
      if (was + length < 0) continue;
      const deeper = deepest(volume, from, to) - Math.max(0, was);
      this.worst.inKeepOut = Math.max(this.worst.inKeepOut, deeper);
      if (deeper > METRES) this.#violate(n, was > 0 ? 'B8' : 'B6', `${deeper} m deeper into ${JSON.stringify(volume)}`);
    }
    // Found outside while it moved, it first has to brake, and where jerk binds may gain speed until acceleration is down.
    this.#outside = outside ? this.#outside + 1 : 0;
    const { a, j, v, hz } = this.#limits;
    const braked = this.#outside > hz * (v / a + (j < 2 * a * hz ? (2 * a) / j : 0)) + 2;
    if (braked && this.#translation.speed > Math.max(RECOVERY, speedBefore) * (1 + RELATIVE)) {
      this.#violate(n, 'B8', `${this.#translation.speed} m/s from outside, after ${speedBefore}`);
    }
    this.#position = to;
  }

  /** A hold ends at rest, an e-stop holds, and only what was seen after it moves the robot again. */
  #stops(n: number, kind: 'action' | 'hold', reason: string | null): void {
    this.#holding = kind === 'hold' ? this.#holding + 1 : 0;
    const moving = this.#translation.speed > 0 || this.#rotation.speed > 0;
    if (!moving) this.#rested = true;
    if (moving && this.#holding > LONGEST_STOP_S * this.#limits.hz + 4)
      this.#violate(n, 'B5', 'a hold that does not end');
    if (n === this.#estopTick && (kind !== 'hold' || reason !== 'estop')) this.#violate(n, 'E1', `${kind} ${reason}`);
    if (kind === 'action' && (!this.#fresh || !this.#rested)) {
      this.#violate(n, this.#fresh ? 'E2' : 'E4', 'motion after an e-stop without rest or a fresh chunk');
    }
  }

  #violate(n: number, rule: string, what: string): void {
    if (this.violations.length < 20) this.violations.push(`tick ${n}: ${rule} ${what}`);
  }
}

/** Finite differences of one 3-vector. */
class Derivatives {
  readonly #hz: number;
  readonly #limits: readonly [number, number, number];
  #v: readonly number[] = [0, 0, 0];
  #a: readonly number[] = [0, 0, 0];
  speed = 0;
  ratios = { v: 0, a: 0, j: 0 };

  constructor(hz: number, v: number, a: number, j: number) {
    this.#hz = hz;
    this.#limits = [v, a, j];
  }

  stand(): void {
    this.#v = [0, 0, 0];
    this.#a = [0, 0, 0];
    this.speed = 0;
  }

  step(step: readonly number[]): void {
    const v = step.map((x) => x * this.#hz);
    const a = v.map((x, d) => (x - (this.#v[d] as number)) * this.#hz);
    const j = a.map((x, d) => (x - (this.#a[d] as number)) * this.#hz);
    this.speed = Math.hypot(...v);
    const [mostV, mostA, mostJ] = this.#limits;
    this.ratios = { v: this.speed / mostV, a: Math.hypot(...a) / mostA, j: Math.hypot(...j) / mostJ };
    this.#v = v;
    this.#a = a;
  }
}

/** How far inside: the least distance that leads out, negative outside. Concave along every line. */
export function depth(volume: AuditVolume, p: readonly number[]): number {
  if ('radius' in volume) return volume.radius - Math.hypot(...p.map((x, d) => x - (volume.center[d] as number)));
  if ('normal' in volume) return volume.offset - p.reduce((sum, x, d) => sum + x * (volume.normal[d] as number), 0);
  return Math.min(...p.map((x, d) => Math.min(x - (volume.min[d] as number), (volume.max[d] as number) - x)));
}

/** The largest depth on a segment, by ternary search: it is concave. */
export function deepest(volume: AuditVolume, from: readonly number[], to: readonly number[]): number {
  const at = (t: number) =>
    depth(
      volume,
      from.map((x, d) => x + t * ((to[d] as number) - x)),
    );
  let lo = 0;
  let hi = 1;
  for (let i = 0; i < 60; i++) {
    const a = lo + (hi - lo) / 3;
    const b = hi - (hi - lo) / 3;
    if (at(a) < at(b)) lo = a;
    else hi = b;
  }
  return Math.max(at(0), at(1), at((lo + hi) / 2));
}
