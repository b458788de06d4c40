import type { Blend, KeepOut, Smoothing } from '@sinew/protocol';
import { ROBOTS, type RobotRecord } from '@sinew/robots';
import { ControlLoop } from '../control-loop.js';
import { checkSpec } from '../control-spec.js';
import { FLAG } from '../flags.js';
import { DeltaAction, Governor } from '../governor.js';
import { type LimitsInForce, resolveLimits } from '../limits.js';
import { Vec3 } from '../vec3.js';
import { mulberry32, POSE_STATE } from './kit.js';
import { type AuditLimits, SafetyAuditor } from './safety-auditor.js';

export const ADVERSARY_RATES = [5, 10, 20, 50, 100] as const;
const BLENDS: readonly Blend[] = ['latest', 'weighted', 'temporal_ensemble'];
const SMOOTHINGS: readonly Smoothing[] = ['none', 'none', 'ema', 'one_euro'];
const CAUSES = ['stale', 'draining', 'model_error', 'safety', 'starved'] as const;

export interface Attack {
  readonly robot: RobotRecord;
  readonly mode: 'reduced' | 'full';
  readonly hz: number;
  readonly seed: number;
  readonly ticks: number;
}

type Random = () => number;
type Triple = [number, number, number];

/**
 * One session in which everything goes wrong that can: a policy that answers garbage, late or not at all, measurements that jump and
 * are noisy, gaps in the ticks, holds of every cause, e-stops, episodes that end. Every tick is audited.
 */
export function attack({ robot, mode, hz, seed, ticks }: Attack): SafetyAuditor {
  const random = mulberry32(seed);
  const { limits, middle, half, size, workspace, between, pick } = randomLimits(random, robot, mode, hz);
  const rotation = pick(['euler_xyz', 'rotvec'] as const);
  const chunkSize = 1 + Math.floor(random() * 16);
  const spec = {
    limits,
    actionSpace: 'ee_delta',
    dim: 7,
    chunkSize,
    hz,
    execute: 1 + Math.floor(random() * chunkSize),
    blend: pick(BLENDS),
    smoothing: pick(SMOOTHINGS),
    action: { ...POSE_STATE, rotation },
    minSafetyScore: pick([0, 0, 0.7]),
  } as const;
  const fault = checkSpec(spec);
  if (fault !== null) throw new Error(`${fault.field}: ${fault.reason}`);
  const loop = new ControlLoop(spec);

  const { v, w } = limits.cartesian;
  const auditor = auditorOf(limits, workspace);

  // The robot does exactly as told; `kidnap` and noise are what makes it differ from what it was told.
  const state = Float64Array.of(...middle, between(-1, 1), between(-1, 1), between(-1, 1), random());
  const noise = pick([0, 0, 1e-9, 1e-4, 3e-3]);
  const kidnaps = pick([0, 0, 0.002, 0.02]);
  const history: Float64Array[] = [];
  const gone = new Set<number>();
  let n = 0;
  let mood = 0;
  let aim: Triple = middle;
  let anchored = Number.NEGATIVE_INFINITY;
  let estopLeft = 0;
  let holdLeft = 0;
  let cause: (typeof CAUSES)[number] = 'stale';
  for (let i = 0; i < ticks; i++) {
    if (random() < 0.01) n += 1 + Math.floor(random() * 4);
    if (random() < 0.05) {
      mood = Math.floor(random() * 9);
      aim = middle.map((x, d) => x + between(-2, 2) * (half[d] as number)) as Triple;
    }
    if (random() < kidnaps) {
      const far = pick([0.001, 0.03, 1]);
      for (let d = 0; d < 3; d++) state[d] = (state[d] as number) + between(-1, 1) * far * size;
    }
    history[n % 64] = Float64Array.from(state);
    gone.delete(n % 64);

    // Measured at tick b, heard of now. What is not finite or comes out of order must change nothing.
    if (random() < 0.7) {
      const b = Math.max(0, n - (random() < 0.3 ? Math.floor(random() * 4) : 0));
      const then = history[b % 64];
      if (then !== undefined && b >= anchored && sameLap(b, n)) {
        const seen = then.map((x, d) => (d < 3 ? x + between(-noise, noise) : x));
        if (random() < 0.03) {
          seen[Math.floor(random() * 6)] = pick([Number.NaN, Number.POSITIVE_INFINITY, -1e300]);
          loop.observe(seen, b);
        } else {
          loop.observe(seen, b);
          auditor.measured([seen[0] as number, seen[1] as number, seen[2] as number], b);
          anchored = b;
        }
      }
    }
    if (random() < 0.5) {
      const b = Math.max(0, n - (random() < 0.4 ? Math.floor(random() * 5) : 0));
      const then = history[b % 64] ?? state;
      const actions = garbage(random, mood, chunkSize, { perTick: v.value / hz, turn: w.value / hz, aim, state: then });
      const { adopted } = loop.adopt({ actions, state: then, baseTick: b, nextTick: n, ref: i });
      if (adopted) auditor.adopted(b);
    }

    if (estopLeft > 0) estopLeft--;
    else if (random() < 0.004) estopLeft = 1 + Math.floor(random() * 2 * hz);
    if (holdLeft > 0) holdLeft--;
    else if (random() < 0.02) {
      holdLeft = 1 + Math.floor(random() * hz);
      cause = pick(CAUSES);
    }
    const why = estopLeft > 0 ? 'estop' : holdLeft > 0 ? cause : null;
    if (why === 'estop') auditor.estopped(n);
    const r = loop.tick(n, why);
    auditor.tick(n, {
      values: r.values,
      kind: r.kind,
      reason: r.reason,
      emergency: (r.flags & FLAG.emergency) !== 0,
    });
    for (let d = 0; d < 6; d++) state[d] = (state[d] as number) + (r.values[d] as number);
    // As an encoder would: within ±π.
    for (let d = 3; d < 6; d++) state[d] = Math.atan2(Math.sin(state[d] as number), Math.cos(state[d] as number));
    if (random() < 0.002) loop.tick(pick([n, n - 3, Number.NaN, n + 0.5]), null);
    n++;
  }
  return auditor;
}

function randomLimits(random: Random, robot: RobotRecord, mode: Attack['mode'], hz: number) {
  const between = (lo: number, hi: number) => lo + (hi - lo) * random();
  const triple = (lo: number, hi: number): Triple => [between(lo, hi), between(lo, hi), between(lo, hi)];
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;

  const size = Math.min(2 * (robot.reach_m ?? 0.4), 10 ** between(-1.3, 0.3));
  const middle = random() < 0.5 ? triple(-0.2, 0.2) : triple(-3, 3);
  const half: Triple = triple(0.1, 0.499).map((x) => x * size) as Triple;
  const workspace = {
    min: middle.map((x, d) => x - (half[d] as number)),
    max: middle.map((x, d) => x + (half[d] as number)),
  };
  const keepOut = randomKeepOuts(random, middle, half);
  const request = { robot, actionSpace: 'ee_delta', mode, hz, workspace } as const;
  let resolved = resolveLimits({ ...request, keepOut });
  if (!resolved.ok) resolved = resolveLimits(request);
  if (!resolved.ok) throw new Error(`${resolved.field}: ${resolved.reason}`);
  if (random() < 0.5) {
    const c = resolved.limits.cartesian;
    const tighter = resolveLimits({
      ...request,
      keepOut: resolved.limits.keep_out as KeepOut[],
      tighten: { v: c.v.value * between(0.1, 1), a: c.a.value * between(0.2, 1), j: c.j.value * 10 ** between(-2, 0) },
    });
    if (tighter.ok) resolved = tighter;
  }
  return { limits: resolved.limits, middle, half, size, workspace, between, pick };
}

function auditorOf(limits: LimitsInForce, box: AuditLimits['box']): SafetyAuditor {
  const { v, a, j, w, dw, ddw } = limits.cartesian;
  return new SafetyAuditor({
    hz: limits.control_hz,
    v: v.value,
    a: a.value,
    j: j.value,
    w: w.value,
    dw: dw.value,
    ddw: ddw.value,
    box: limits.workspace ?? box,
    keepOut: limits.keep_out,
  });
}

function sameLap(b: number, n: number): boolean {
  return n - b < 8;
}

function garbage(
  random: Random,
  mood: number,
  rows: number,
  { perTick, turn, aim, state }: { perTick: number; turn: number; aim: Triple; state: Float64Array },
): Float32Array {
  const centered = () => 2 * random() - 1;
  const length = random() < 0.01 ? Math.floor(random() * 7 * rows) : 7 * rows;
  const heading = [centered(), centered(), centered(), centered(), centered(), centered()];
  const scale = [1, 1, 3, 15][Math.floor(random() * 4)] as number;
  return Float32Array.from({ length }, (_, i) => {
    const d = i % 7;
    const most = d < 3 ? perTick : turn;
    if (d === 6) return mood === 4 ? 1e9 * centered() : 1.2 * random() - 0.1;
    switch (mood) {
      case 0:
        return 0;
      case 1:
        return most * scale * (heading[d] as number);
      case 2:
        return most * scale * centered();
      case 3:
        return i === Math.floor(random() * length) ? Number.NaN : most * centered();
      case 4:
        return [Number.NaN, Number.POSITIVE_INFINITY, 3e38, -1e7, 1e-45, -0][Math.floor(random() * 6)] as number;
      case 5:
        // To a point, perhaps behind a wall or in a keep-out, at a third of what is left a tick.
        return d < 3 ? Math.max(-3 * most, Math.min(3 * most, ((aim[d] as number) - (state[d] as number)) / 3)) : 0;
      case 6:
        return (i % 14 < 7 ? most : -most) * (heading[d] as number);
      case 7:
        return 1e-42 * centered();
      default:
        return most * 0.5 * (heading[d] as number) * Math.sin(i / 20);
    }
  });
}

function randomKeepOuts(random: Random, middle: Triple, half: Triple): KeepOut[] {
  const between = (lo: number, hi: number) => lo + (hi - lo) * random();
  return Array.from({ length: Math.floor(random() * 4) }, (): KeepOut => {
    const center = middle.map((x, d) => x + between(-1, 1) * (half[d] as number)) as Triple;
    const shape = random();
    if (shape < 0.4) {
      const size = half.map((x) => x * between(0.05, 0.5));
      return {
        min: center.map((x, d) => x - (size[d] as number)) as Triple,
        max: center.map((x, d) => x + (size[d] as number)) as Triple,
      };
    }
    if (shape < 0.7) return { center, radius: Math.min(...half) * between(0.05, 0.6) };
    const normal: Triple = random() < 0.4 ? [0, 0, 1] : [between(-1, 1), between(-1, 1), between(-1, 1)];
    // Through a point on the far side from the middle, so that something is left.
    const sum = normal.reduce((s, x, d) => s + x * (middle[d] as number), 0);
    return { normal, offset: sum - between(0, 0.5) * Math.min(...half) * Math.hypot(...normal) };
  });
}

/**
 * The governor by itself: targets that no score would let through, deep in keep-outs and far outside, chased for long. Position is told
 * exactly, but for the jumps.
 */
export function attackGovernor({ robot, mode, hz, seed, ticks }: Attack): SafetyAuditor {
  const random = mulberry32(seed);
  const { limits, middle, half, between, pick } = randomLimits(random, robot, mode, hz);
  const auditor = auditorOf(limits, limits.workspace ?? { min: [], max: [] });
  const governor = new Governor(limits, true);
  const proposed = new DeltaAction();
  const sent = new DeltaAction();
  const position = new Vec3().set(...middle);
  const aim = new Vec3().set(...middle);
  const drift = new Vec3();
  const kidnaps = pick([0, 0, 0, 0.005]);
  const own = new Vec3();
  const perTick = limits.cartesian.v.value / hz;
  let gain = 1;
  for (let n = 0; n < ticks; n++) {
    if (random() < 0.02) {
      aim.set(...(middle.map((x, d) => x + between(-1.5, 1.5) * (half[d] as number)) as Triple));
      drift.set(between(-1, 1), between(-1, 1), between(-1, 1));
      drift.scaled(drift, pick([0, 0, 0.5, 3]) * perTick);
      gain = pick([1, 1, 0.3, 1e-3, 1e6]);
    }
    if (random() < kidnaps)
      position.addScaled(position, drift.set(between(-1, 1), between(-1, 1), between(-1, 1)), pick([0.001, 0.3]));
    auditor.measured([position.x, position.y, position.z], n);
    aim.addScaled(aim, drift, 1);
    proposed.translation.addScaled(aim, position, -1);
    proposed.translation.scaled(proposed.translation, gain);
    proposed.rotation.set(between(-1, 1), between(-1, 1), between(-1, 1));
    proposed.gripper = between(-1, 2);
    const hold = Math.sin(n / 37) > 0.95;
    own.scaled(drift, random() < 0.5 ? 0 : 1);
    const flags = hold
      ? governor.brake(position, sent)
      : governor.govern(proposed, position, own, proposed.rotation, sent);
    position.addScaled(position, sent.translation, 1);
    const { translation: t, rotation: r } = sent;
    auditor.tick(n, {
      values: Float64Array.of(t.x, t.y, t.z, r.x, r.y, r.z, sent.gripper),
      kind: hold ? 'hold' : 'action',
      reason: hold ? 'stale' : null,
      emergency: (flags & FLAG.emergency) !== 0,
    });
  }
  return auditor;
}

/** Attacks on every robot in both modes at every rate in turn, until `ticks` are done. */
export function* campaign(
  ticks: number,
  seed: number,
  each = 1000,
): Generator<{ attack: Attack; auditor: SafetyAuditor }> {
  for (let done = 0, i = 0; done < ticks; done += each, i++) {
    const robot = ROBOTS[i % ROBOTS.length] as RobotRecord;
    const mode = Math.floor(i / ROBOTS.length) % 2 === 0 ? 'reduced' : 'full';
    const hz = ADVERSARY_RATES[i % ADVERSARY_RATES.length] as number;
    const spec: Attack = {
      robot,
      mode,
      hz: i % 7 === 0 ? (ADVERSARY_RATES[((i / 7) % 5) | 0] as number) : hz,
      seed: seed + i,
      ticks: each,
    };
    yield { attack: spec, auditor: i % 3 === 2 ? attackGovernor(spec) : attack(spec) };
  }
}
