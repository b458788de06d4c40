import { findRobot } from '@sinew/robots';
import fc from 'fast-check';
import type { NewChunk } from '../control-io.js';
import type { ControlSpec } from '../control-spec.js';
import { type LimitsInForce, resolveLimits } from '../limits.js';

export const TABLE = { min: [-0.22, -0.16, 0.015], max: [0.22, 0.16, 0.22] } as const;

export const POSE_STATE = {
  frame: 'base',
  rotation: 'euler_xyz',
  gripper: 'absolute_0_closed_1_open',
  pose: { position: [0, 1, 2], rotation: [3, 4, 5], gripper: 6 },
} satisfies ControlSpec['action'];

export function pandaLimits(hz = 10, request: Partial<Parameters<typeof resolveLimits>[0]> = {}): LimitsInForce {
  const robot = findRobot('franka_panda');
  if (robot === undefined) throw new Error('no record');
  const result = resolveLimits({ robot, actionSpace: 'ee_delta', mode: 'reduced', workspace: TABLE, hz, ...request });
  if (!result.ok) throw new Error(`${result.field}: ${result.reason}`);
  return result.limits;
}

export function tabletopSpec(change: Partial<ControlSpec> = {}): ControlSpec {
  return {
    limits: pandaLimits(change.hz ?? 10),
    actionSpace: 'ee_delta',
    dim: 7,
    chunkSize: 8,
    hz: 10,
    execute: 4,
    blend: 'latest',
    smoothing: 'none',
    action: POSE_STATE,
    ...change,
  };
}

/** Limits with numbers of one's own: what no record has but the mathematics must hold for. */
export function freeLimits(hz: number, v: number, a: number, j: number, half = 0.3): LimitsInForce {
  const base = pandaLimits(hz, { workspace: { min: [-half, -half, -half], max: [half, half, half] } });
  const limit = (value: number) => ({ value, origin: 'session' as const });
  const cartesian = { v: limit(v), a: limit(a), j: limit(j), w: limit(4 * v), dw: limit(4 * a), ddw: limit(4 * j) };
  return { ...base, cartesian };
}

/** v, a, j of any size whose stop ends within two seconds, as resolveLimits demands. */
export const anyMotionLimits: fc.Arbitrary<{ v: number; a: number; j: number }> = fc
  .record({ v: logarithmic(0.01, 3), a: logarithmic(0.05, 30), j: logarithmic(0.5, 5000) })
  .filter(({ v, a, j }) => (v * j >= a * a ? v / a + a / j : 2 * Math.sqrt(v / j)) <= 2);

export function logarithmic(lo: number, hi: number): fc.Arbitrary<number> {
  return fc
    .double({ min: Math.log(lo), max: Math.log(hi), noNaN: true })
    .map((x) => Math.min(hi, Math.max(lo, Math.exp(x))));
}

/** A reproducible source of numbers in [0, 1): long sequences from one seed shrink better than long arrays. */
export function mulberry32(seed: number): () => number {
  let s = seed | 0;
  return () => {
    s = (s + 0x6d2b79f5) | 0;
    let t = Math.imul(s ^ (s >>> 15), s | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export function constantChunk(step: readonly number[], size = 8): Float32Array {
  return Float32Array.from({ length: size * step.length }, (_, i) => step[i % step.length] as number);
}

export function chunk(
  actions: Float32Array,
  state: Float64Array,
  baseTick: number,
  nextTick = baseTick,
  ref = baseTick,
): NewChunk {
  return { actions, state, baseTick, nextTick, ref };
}

/** Watches emitted steps from outside: finite differences a tick, missing ticks counting as standstill. */
export class Auditor {
  #tick: number | null = null;
  #v = [0, 0, 0];
  #a = [0, 0, 0];
  readonly worst = { v: 0, a: 0, j: 0 };

  constructor(
    readonly hz: number,
    readonly limits: { v: number; a: number; j: number },
  ) {}

  /** Acceleration and jerk are not held against an emergency stop, nor is what follows in the next tick. */
  step(tick: number, step: readonly number[], excused = false): void {
    if (this.#tick !== null && tick !== this.#tick + 1) {
      this.#v = [0, 0, 0];
      this.#a = [0, 0, 0];
    }
    const v = step.map((d) => d * this.hz);
    const a = v.map((x, i) => (x - (this.#v[i] as number)) * this.hz);
    const j = a.map((x, i) => (x - (this.#a[i] as number)) * this.hz);
    this.worst.v = Math.max(this.worst.v, Math.hypot(...v) / this.limits.v);
    if (!excused) {
      this.worst.a = Math.max(this.worst.a, Math.hypot(...a) / this.limits.a);
      this.worst.j = Math.max(this.worst.j, Math.hypot(...j) / this.limits.j);
    }
    this.#tick = tick;
    this.#v = v;
    this.#a = a;
  }

  /** Forget the past: the loop was reset. */
  reset(): void {
    this.#tick = null;
    this.#v = [0, 0, 0];
    this.#a = [0, 0, 0];
  }
}
