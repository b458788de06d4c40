import { describe, expect, it } from 'vitest';
import { ControlLoop } from './control-loop.js';
import { PoseFilter } from './smoothing.js';
import { Pose } from './target.js';
import { chunk, tabletopSpec } from './testing/kit.js';

const KINDS = ['ema', 'one_euro'] as const;
const ROTATIONS = ['euler_xyz', 'rotvec'] as const;
const HOME = Float64Array.of(0, 0, 0.1, 0, 0, 0, 1);

function poseAt(x: number, yaw: number): Pose {
  const pose = new Pose();
  pose.position.set(x, 0, 0);
  pose.euler.set(0, 0, yaw);
  pose.quat.fromEuler(0, 0, yaw);
  return pose;
}

const yawOf = (pose: Pose, rotation: 'euler_xyz' | 'rotvec') =>
  rotation === 'euler_xyz' ? pose.euler.z : 2 * Math.atan2(pose.quat.z, pose.quat.w);

describe('smoothing', () => {
  for (const kind of KINDS) {
    for (const rotation of ROTATIONS) {
      it(`[F2] ${kind} (${rotation}) starts at the commanded pose, closes in without overshoot, arrives`, () => {
        const filter = new PoseFilter(kind, 0.05, rotation);
        let x = 0;
        let yaw = 0;
        for (let i = 0; i < 400; i++) {
          const target = poseAt(0.1, 1);
          filter.apply(target, poseAt(0, 0));
          expect(target.position.x).toBeGreaterThanOrEqual(x);
          expect(target.position.x).toBeLessThanOrEqual(0.1 + 1e-12);
          expect(yawOf(target, rotation)).toBeGreaterThanOrEqual(yaw - 1e-12);
          x = target.position.x;
          yaw = yawOf(target, rotation);
        }
        expect(x).toBeCloseTo(0.1, 9);
        expect(yaw).toBeCloseTo(1, 9);
      });

      it(`[F2] ${kind} (${rotation}) takes roughness out of a noisy target`, () => {
        const filter = new PoseFilter(kind, 0.02, rotation);
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
        const filter = new PoseFilter(kind, 0.05, rotation);
        for (let i = 0; i < 20; i++) filter.apply(poseAt(1, 1), poseAt(0, 0));
        filter.reset();
        const again = poseAt(0.3, 0.2);
        filter.apply(again, poseAt(0.3, 0.2));
        expect([again.position.x, yawOf(again, rotation)].map((v) => v.toFixed(12))).toEqual(
          [0.3, 0.2].map((v) => v.toFixed(12)),
        );
      });
    }
  }

  it('[F1] none leaves every bit of a target alone', () => {
    const target = poseAt(0.123, 0.456);
    new PoseFilter('none', 0.1, 'euler_xyz').apply(target, poseAt(0, 0));
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
