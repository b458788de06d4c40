import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ControlLoop } from './control-loop.js';
import { PoseFilter } from './smoothing.js';
import { Pose } from './target.js';
import { chunk, mulberry32, pandaLimits, tabletopSpec } from './testing/kit.js';

const KINDS = ['ema', 'one_euro', 'butterworth2', 'jerk_limited'] as const;
/** Share of a step by which a target that stands may be passed. */
const OVERSHOOT = { ema: 0, one_euro: 0, butterworth2: 0.05, jerk_limited: 0 } as const;
const overshoot = (kind: Exclude<Kind, 'none'>, hz: number) =>
  kind === 'butterworth2' && hz <= 10 ? 0.125 : OVERSHOOT[kind];
const ROTATIONS = ['euler_xyz', 'rotvec'] as const;
const HOME = Float64Array.of(0, 0, 0.1, 0, 0, 0, 1);

type Kind = (typeof KINDS)[number] | 'none';
type Rotation = (typeof ROTATIONS)[number];

function filterOf(kind: Kind, hz: number, rotation: Rotation): PoseFilter {
  return new PoseFilter(kind, 1 / hz, rotation, pandaLimits(hz).cartesian);
}

function poseAt(x: number, yaw: number): Pose {
  const pose = new Pose();
  pose.position.set(x, 0, 0);
  pose.euler.set(0, 0, yaw);
  pose.quat.fromEuler(0, 0, yaw);
  return pose;
}

const yawOf = (pose: Pose, rotation: Rotation) =>
  rotation === 'euler_xyz' ? pose.euler.z : 2 * Math.atan2(pose.quat.z, pose.quat.w);

describe('smoothing', () => {
  for (const kind of KINDS) {
    for (const rotation of ROTATIONS) {
      it.each([10, 30, 100])(
        `[F2] ${kind} (${rotation}) starts at the commanded pose, passes its target by no more than stated, arrives (%i Hz)`,
        (hz) => {
          const filter = filterOf(kind, hz, rotation);
          let x = 0;
          let yaw = 0;
          let farthest = 0;
          for (let i = 0; i < 40 * hz; i++) {
            const target = poseAt(0.1, 1);
            filter.apply(target, poseAt(0, 0));
            if (i === 0) expect(target.position.x).toBeLessThan(0.1);
            if (OVERSHOOT[kind] === 0) {
              expect(target.position.x).toBeGreaterThanOrEqual(x - 1e-12);
              expect(yawOf(target, rotation)).toBeGreaterThanOrEqual(yaw - 1e-12);
            }
            x = target.position.x;
            yaw = yawOf(target, rotation);
            farthest = Math.max(farthest, x / 0.1, yaw);
          }
          expect(farthest).toBeLessThanOrEqual(1 + overshoot(kind, hz) + 1e-12);
          expect(x).toBeCloseTo(0.1, 9);
          expect(yaw).toBeCloseTo(1, 9);
        },
      );

      it(`[F2] ${kind} (${rotation}) takes roughness out of a noisy target`, () => {
        const filter = filterOf(kind, 50, rotation);
        let raw = 0;
        let smooth = 0;
        let before = 0;
        let last = 0;
        for (let i = 0; i < 300; i++) {
          const noisy = i % 2 === 0 ? 0.001 : -0.001;
          const target = poseAt(noisy, noisy);
          filter.apply(target, poseAt(0, 0));
          raw += Math.abs(noisy - before);
          smooth += Math.abs(target.position.x - last);
          before = noisy;
          last = target.position.x;
        }
        expect(smooth).toBeLessThan(0.4 * raw);
      });

      it(`[F3] ${kind} (${rotation}) starts anew after a reset`, () => {
        const filter = filterOf(kind, 20, rotation);
        for (let i = 0; i < 20; i++) filter.apply(poseAt(1, 1), poseAt(0, 0));
        filter.reset();
        const again = poseAt(0.3, 0.2);
        filter.apply(again, poseAt(0.3, 0.2));
        expect([again.position.x, yawOf(again, rotation)].map((v) => v.toFixed(12))).toEqual(
          [0.3, 0.2].map((v) => v.toFixed(12)),
        );
      });

      it(`[F3] ${kind} (${rotation}) goes on from what it saved, to the bit`, () => {
        const random = mulberry32(7);
        const filter = filterOf(kind, 30, rotation);
        const next = () => {
          const target = poseAt(random() - 0.5, random() - 0.5);
          filter.apply(target, poseAt(0, 0));
          return [target.position.x, yawOf(target, rotation)];
        };
        for (let i = 0; i < 30; i++) next();
        const rows = new Float64Array(3 + filter.row);
        filter.save(rows, 3);
        const state = random();
        const once = [0.1, 0.4, state].map((x) => {
          const target = poseAt(x, x);
          filter.apply(target, poseAt(0, 0));
          return [target.position.x, yawOf(target, rotation)];
        });
        for (let i = 0; i < 5; i++) next();
        filter.load(rows, 3);
        const again = [0.1, 0.4, state].map((x) => {
          const target = poseAt(x, x);
          filter.apply(target, poseAt(0, 0));
          return [target.position.x, yawOf(target, rotation)];
        });
        expect(again).toEqual(once);
      });
    }

    it(`[F2] ${kind} turns any two orientations into each other the short way, and arrives`, () => {
      const unit = fc.double({ min: -3, max: 3, noNaN: true });
      fc.assert(
        fc.property(fc.tuple(unit, unit, unit), fc.tuple(unit, unit, unit), (a, b) => {
          const filter = filterOf(kind, 30, 'rotvec');
          const start = new Pose();
          start.quat.fromEuler(...a);
          const goal = new Pose();
          goal.quat.fromEuler(...b);
          const now = new Pose();
          for (let i = 0; i < 1200; i++) filter.apply(now.copy(goal), start);
          const cosine =
            now.quat.w * goal.quat.w + now.quat.x * goal.quat.x + now.quat.y * goal.quat.y + now.quat.z * goal.quat.z;
          expect(Math.abs(cosine)).toBeGreaterThan(1 - 1e-9);
        }),
        { numRuns: 30 },
      );
    });
  }

  it.each(KINDS)('[F6] %s cannot break a limit: the governor comes after it', (smoothing) => {
    for (const hz of [10, 50]) {
      const spec = tabletopSpec({ smoothing, hz });
      const { v, a } = spec.limits.cartesian;
      const loop = new ControlLoop(spec);
      const random = mulberry32(hz);
      let before = new Float64Array(3);
      const state = HOME.slice();
      for (let n = 0; n < 400; n++) {
        // A policy that throws the arm about, and now and then a hold, which resets the filter at speed.
        loop.observe(state, n);
        if (n % 4 === 0) {
          const actions = Float32Array.from({ length: 56 }, (_, i) => (i % 7 === 6 ? 1 : (random() - 0.5) * 0.05));
          loop.adopt(chunk(actions, state, n, n));
        }
        const { values } = loop.tick(n, random() < 0.05 ? 'stale' : null);
        const velocity = values.slice(0, 3).map((x) => x * hz);
        expect(Math.hypot(...velocity)).toBeLessThanOrEqual(v.value * (1 + 1e-9));
        const change = Math.hypot(...velocity.map((x, i) => x - before[i]!)) * hz;
        expect(change).toBeLessThanOrEqual(a.value * (1 + 1e-9) + 1e-9);
        for (let i = 0; i < 6; i++) state[i] = state[i]! + values[i]!;
        for (let i = 0; i < 3; i++) {
          expect(state[i]).toBeGreaterThanOrEqual(spec.limits.workspace!.min[i]! - 1e-9);
          expect(state[i]).toBeLessThanOrEqual(spec.limits.workspace!.max[i]! + 1e-9);
        }
        before = velocity;
      }
    }
  });

  it.each(KINDS)('[F3] with %s a plan equals its ticks, rewound into the middle of motion', (smoothing) => {
    const random = mulberry32(3);
    const actions = Float32Array.from({ length: 56 }, (_, i) => (i % 7 === 6 ? 1 : (random() - 0.5) * 0.02));
    const begun = () => {
      const loop = new ControlLoop(tabletopSpec({ smoothing, hz: 50 }));
      loop.observe(HOME, 0);
      loop.adopt(chunk(actions, HOME, 0, 0));
      return loop;
    };
    const ticked = begun();
    const sent = Array.from({ length: 8 }, (_, n) => [...ticked.tick(n, null).values]);
    const planned = begun();
    planned.plan(0, 8);
    expect([...planned.plan(3, 5).values]).toEqual(sent.slice(3).flat());
  });

  it('[F1] none leaves every bit of a target alone', () => {
    const target = poseAt(0.123, 0.456);
    filterOf('none', 10, 'euler_xyz').apply(target, poseAt(0, 0));
    expect(target).toEqual(poseAt(0.123, 0.456));
  });

  it.each(KINDS)('[F1] %s acts on way-points only: the gripper is neither late nor in between', (smoothing) => {
    const loop = new ControlLoop(tabletopSpec({ smoothing }));
    loop.observe(HOME, 0);
    const actions = Float32Array.from({ length: 56 }, (_, i) =>
      i % 7 === 0 ? 0.01 : i % 7 === 6 ? (i < 28 ? 1 : 0) : 0,
    );
    loop.adopt(chunk(actions, HOME, 0, 0));
    const grippers: number[] = [];
    const steps: number[] = [];
    for (let n = 0; n < 8; n++) {
      const r = loop.tick(n, null);
      grippers.push(r.values[6] as number);
      steps.push(r.values[0] as number);
    }
    expect(grippers).toEqual([1, 1, 1, 1, 0, 0, 0, 0]);
    expect(steps[0]).toBeLessThan(0.008);
    expect(steps[7]).toBeGreaterThan(steps[0] as number);
  });
});
