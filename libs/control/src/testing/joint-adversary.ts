import type { Blend, KeepOut, Smoothing } from '@sinew/protocol';
import { ROBOTS, type RobotRecord } from '@sinew/robots';
import { ControlLoop } from '../control-loop.js';
import { checkSpec } from '../control-spec.js';
import { FLAG } from '../flags.js';
import { kinematicsOf } from '../kinematics/kinematics.js';
import { type LimitsInForce, resolveLimits } from '../limits.js';
import { Vec3 } from '../vec3.js';
import { JointAuditor } from './joint-auditor.js';
import { mulberry32 } from './kit.js';

export const JOINT_SPACES = ['joint_position', 'joint_delta', 'joint_velocity'] as const;
export type JointSpace = (typeof JOINT_SPACES)[number];

const BLENDS: readonly Blend[] = ['latest', 'latest', 'weighted', 'temporal_ensemble'];
const SMOOTHINGS: readonly Smoothing[] = ['none', 'none', 'ema', 'one_euro', 'butterworth2', 'jerk_limited'];
const CAUSES = ['stale', 'draining', 'model_error', 'safety', 'starved'] as const;

export interface JointAttack {
  readonly robot: RobotRecord;
  readonly space: JointSpace;
  readonly mode: 'reduced' | 'full';
  readonly hz: number;
  readonly seed: number;
  readonly ticks: number;
  /** The robot does exactly as it is told: then nothing may ever outrank a limit. */
  readonly faithful?: boolean;
}

/** Joint sessions over all robots whose joints are known, all spaces, modes and rates, until `ticks` were audited. */
export function* jointCampaign(ticks: number, seed: number): Generator<{ attack: JointAttack; auditor: JointAuditor }> {
  const random = mulberry32(seed);
  const robots = ROBOTS.filter((robot) => robot.joints.every(({ velocity }) => velocity !== null));
  let done = 0;
  for (let k = 0; done < ticks; k++) {
    const attack: JointAttack = {
      robot: robots[k % robots.length] as RobotRecord,
      space: JOINT_SPACES[Math.floor(k / robots.length) % 3] as JointSpace,
      mode: Math.floor(k / (3 * robots.length)) % 2 === 0 ? 'reduced' : 'full',
      hz: [5, 10, 20, 50, 100][Math.floor(5 * random())] as number,
      seed: Math.floor(random() * 2 ** 31),
      ticks: 400,
      faithful: random() < 0.5,
    };
    const auditor = attackJoints(attack);
    done += auditor.ticks;
    yield { attack, auditor };
  }
}

type Random = () => number;

/**
 * One joint session in which everything goes wrong that can: a policy that answers garbage, in degrees, late or not at all,
 * measurements that jump, are noisy or stick, gaps in the ticks, holds of every cause, e-stops, episodes that end.
 */
export function attackJoints({ robot, space, mode, hz, seed, ticks, faithful = false }: JointAttack): JointAuditor {
  const random = mulberry32(seed);
  const between = (lo: number, hi: number) => lo + (hi - lo) * random();
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const { dof } = robot;
  const limits = randomLimits(random, robot, space, mode, hz);
  const kinematics = kinematicsOf(robot);
  const chunkSize = 1 + Math.floor(random() * 16);
  const dim = dof + (random() < 0.5 ? 1 : 0);
  // The joints anywhere in the state, in any order, or at its beginning.
  const named = random() < 0.5;
  const places = Array.from({ length: dof + 3 }, (_, i) => i);
  if (named)
    for (let i = places.length - 1; i > 0; i--) {
      const k = Math.floor(random() * (i + 1));
      [places[i], places[k]] = [places[k] as number, places[i] as number];
    }
  const spec = {
    limits,
    actionSpace: space,
    dim,
    chunkSize,
    hz,
    execute: 1 + Math.floor(random() * chunkSize),
    blend: pick(BLENDS),
    smoothing: pick(SMOOTHINGS),
    action: {
      frame: 'base' as const,
      rotation: 'rotvec' as const,
      gripper: 'absolute_0_closed_1_open' as const,
      pose: null,
      ...(named ? { joints: places.slice(0, dof + 1) } : {}),
    },
    minSafetyScore: pick([0, 0, 0.7]),
  };
  const fault = checkSpec(spec);
  if (fault !== null) throw new Error(`${fault.field}: ${fault.reason}`);
  const loop = new ControlLoop(spec);
  const auditor = new JointAuditor(limits, robot, kinematics);

  const joints = limits.joints ?? [];
  const q = Float64Array.from(joints, ({ lower, upper }) => {
    const [lo, hi] = [lower.value, upper.value];
    // At a bound, in the middle, or (seldom) found outside.
    const share = pick([0, 1, 0.5, between(0, 1), between(0, 1), between(0, 1), faithful ? 0.5 : between(-0.05, 1.05)]);
    return lo + share * (hi - lo);
  });
  const stateOf = (at: Float64Array): Float64Array => {
    const state = new Float64Array(dof + 3).fill(0.25);
    for (let i = 0; i < dof; i++) state[places[i] as number] = at[i] as number;
    return state;
  };
  const noise = faithful ? 0 : pick([0, 0, 1e-9, 1e-4, 3e-3]);
  const kidnaps = faithful ? 0 : pick([0, 0, 0.002, 0.02]);
  const lag = faithful ? 0 : pick([0, 0, 1]);
  const history: Float64Array[] = [];
  const told = q.slice();
  let n = 0;
  let mood = 0;
  let anchored = Number.NEGATIVE_INFINITY;
  let estopLeft = 0;
  let holdLeft = 0;
  let stuck = 0;
  let cause: (typeof CAUSES)[number] = 'stale';
  const seenAt = (seen: Float64Array) =>
    space === 'joint_position'
      ? seen.map((x, i) => (joints[i]?.continuous === true ? near(x, told[i] as number) : x))
      : seen;
  for (let i = 0; i < ticks; i++) {
    if (random() < 0.01) {
      const until = n + 1 + Math.floor(random() * 4);
      for (; n < until; n++) history[n % 64] = q.slice();
    }
    if (random() < 0.05) mood = Math.floor(random() * 10);
    if (random() < kidnaps) {
      const far = pick([0.001, 0.03, 0.5]);
      for (let d = 0; d < dof; d++) q[d] = (q[d] as number) + between(-far, far);
    }
    history[n % 64] = q.slice();
    let found: Float64Array | null = null;
    if (random() < 0.7 || i === 0) {
      const b = Math.max(0, n - (random() < 0.3 ? Math.floor(random() * 4) : 0));
      const then = history[b % 64];
      if (then !== undefined && b >= anchored && n - b < 8) {
        const seen = then.map((x) => x + between(-noise, noise));
        const state = stateOf(seen);
        if (random() < 0.03) {
          state[places[Math.floor(random() * dof)] as number] = pick([Number.NaN, Number.POSITIVE_INFINITY, -1e300]);
          loop.observe(state, b);
        } else {
          loop.observe(state, b);
          const before = plausible(seen, limits);
          if (before) {
            auditor.measured(seenAt(seen), b);
            found = seenAt(seen);
            anchored = b;
          }
        }
      }
    }
    if (random() < 0.5) {
      const b = Math.max(0, n - (random() < 0.4 ? Math.floor(random() * 5) : 0));
      const then = history[b % 64] ?? q;
      const actions = garbage(random, mood, chunkSize, dim, limits, space, then);
      const { adopted } = loop.adopt({ actions, state: stateOf(then), baseTick: b, nextTick: n, ref: i });
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
    // Nothing is known of where it is: such ticks are not sent.
    if (!loop.knowsRest) {
      n++;
      continue;
    }
    if ((r.flags & FLAG.relocated) !== 0 && found !== null) auditor.found(found);
    auditor.tick(n, {
      values: r.values,
      kind: r.kind,
      reason: r.reason,
      emergency: (r.flags & FLAG.emergency) !== 0,
    });
    if (stuck > 0) stuck--;
    else if (!faithful && random() < 0.003) stuck = Math.floor(random() * hz);
    for (let d = 0; d < dof; d++) {
      const value = r.values[d] as number;
      if (space === 'joint_position') {
        told[d] = value;
        if (stuck === 0) q[d] = lag === 0 ? value : (q[d] as number) + 0.6 * (value - (q[d] as number));
      } else if (stuck === 0) q[d] = (q[d] as number) + (space === 'joint_velocity' ? value / hz : value);
    }
    if (random() < 0.002) loop.tick(pick([n, n - 3, Number.NaN, n + 0.5]), null);
    n++;
  }
  return auditor;
}

function near(x: number, to: number): number {
  return x + Math.round((to - x) / (2 * Math.PI)) * 2 * Math.PI;
}

function plausible(q: Float64Array, { joints = [] }: LimitsInForce): boolean {
  return joints.every(({ continuous, lower, upper }, i) => {
    const range = upper.value - lower.value;
    const x = q[i] as number;
    return continuous ? Math.abs(x) < 300 : x > lower.value - range && x < upper.value + range;
  });
}

function randomLimits(
  random: Random,
  robot: RobotRecord,
  space: JointSpace,
  mode: 'reduced' | 'full',
  hz: number,
): LimitsInForce {
  const between = (lo: number, hi: number) => lo + (hi - lo) * random();
  const kinematics = kinematicsOf(robot);
  const request = { robot, actionSpace: space, mode, hz } as const;
  const scale = random() < 0.5 ? {} : { joint_scale: between(0.05, 1) };
  if (kinematics === null) return resolved(resolveLimits({ ...request, tighten: scale }));
  const middle = kinematics.position(
    Float64Array.from(robot.joints, ({ lower, upper }) => between(lower, upper)),
    new Vec3(),
  );
  const keepOut: KeepOut[] = [];
  if (random() < 0.4) keepOut.push({ normal: [0, 0, 1], offset: middle.z - between(0.01, 0.3) });
  if (random() < 0.4) {
    keepOut.push({ center: [middle.x + between(0.1, 0.4), middle.y + between(-0.3, 0.3), middle.z], radius: 0.09 });
  }
  const size = between(0.1, 0.9);
  const box =
    random() < 0.5
      ? {}
      : {
          workspace: {
            min: [middle.x - size / 2, middle.y - size / 2, middle.z - size / 2],
            max: [middle.x + size / 2, middle.y + size / 2, middle.z + size / 2],
          },
        };
  const tight = { ...scale, ...(random() < 0.3 ? { v: between(0.02, 0.25) } : {}) };
  for (const attempt of [
    { ...request, ...box, keepOut, tighten: tight },
    { ...request, ...box, tighten: tight },
  ]) {
    const result = resolveLimits(attempt);
    if (result.ok) return result.limits;
  }
  return resolved(resolveLimits({ ...request, tighten: scale }));
}

function resolved(result: ReturnType<typeof resolveLimits>): LimitsInForce {
  if (!result.ok) throw new Error(`${result.field}: ${result.reason}`);
  return result.limits;
}

function garbage(
  random: Random,
  mood: number,
  rows: number,
  dim: number,
  limits: LimitsInForce,
  space: JointSpace,
  at: Float64Array,
): Float32Array {
  const centered = () => 2 * random() - 1;
  const joints = limits.joints ?? [];
  const hz = limits.control_hz;
  const scale = [0.3, 1, 1, 3, 15][Math.floor(random() * 5)] as number;
  const heading = Array.from({ length: dim }, centered);
  const aim = joints.map(({ lower, upper }) => lower.value + (1.4 * random() - 0.2) * (upper.value - lower.value));
  const length = random() < 0.01 ? Math.floor(random() * dim * rows) : dim * rows;
  const q = at.slice();
  return Float32Array.from({ length }, (_, k) => {
    const i = k % dim;
    const joint = joints[i];
    if (joint === undefined) return mood === 4 ? 1e9 * centered() : 1.2 * random() - 0.1;
    const most = joint.v.value / hz;
    const now = q[i] as number;
    let step: number;
    switch (mood) {
      case 0:
        step = 0;
        break;
      case 1:
        step = most * scale * (heading[i] as number);
        break;
      case 2:
        step = most * scale * centered();
        break;
      case 3:
        step = k === Math.floor(random() * length) ? Number.NaN : most * centered();
        break;
      case 4:
        return [Number.NaN, Number.POSITIVE_INFINITY, 3e38, -1e7, 1e-45, -0][Math.floor(random() * 6)] as number;
      case 5:
        // To a place, perhaps beyond a range or where the tool may not be.
        step = Math.max(-4 * most, Math.min(4 * most, ((aim[i] as number) - now) / 3));
        break;
      case 6:
        step = (k % (2 * dim) < dim ? most : -most) * (heading[i] as number);
        break;
      case 7:
        // In degrees.
        step = (most * centered() * 180) / Math.PI;
        break;
      case 8:
        step = (aim[i] as number) - now;
        break;
      default:
        step = most * 0.5 * (heading[i] as number) * Math.sin(k / 20);
    }
    q[i] = now + step;
    if (space === 'joint_position') return q[i] as number;
    return space === 'joint_velocity' ? step * hz : step;
  });
}
