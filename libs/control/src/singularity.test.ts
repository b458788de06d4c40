import { findRobot } from '@sinew/robots';
import { describe, expect, it } from 'vitest';
import { ControlLoop } from './control-loop.js';
import { checkSpec } from './control-spec.js';
import { FLAG } from './flags.js';
import { type Kinematics, kinematicsOf } from './kinematics/kinematics.js';
import { resolveLimits } from './limits.js';
import { logRotation, Quat } from './rotation.js';
import { SingularityGuard } from './singularity.js';
import { Pose } from './target.js';
import { chunk, constantChunk, POSE_STATE, tabletopSpec } from './testing/kit.js';
import { Vec3 } from './vec3.js';

const PANDA = findRobot('franka_panda')!;
const ARM = kinematicsOf(PANDA) as Kinematics;
const JOINTS = [7, 8, 9, 10, 11, 12, 13];
const HZ = 20;

/** The elbow ever straighter, until the conditioning is this. */
function stretched(conditioning: number): Float64Array {
  let [bent, straight] = [-2, -0.05];
  const at = (elbow: number) => Float64Array.of(0.2, 0.3, 0.1, elbow, 0.2, 1.8, 0.5);
  for (let i = 0; i < 60; i++) {
    const middle = (bent + straight) / 2;
    if (ARM.conditioning(at(middle)) < conditioning) bent = middle;
    else straight = middle;
  }
  return at(bent);
}

/** One tool step (translation, rotation vector) that turns the elbow by `by` and nothing else. */
function elbowStep(q: Float64Array, by: number): [Vec3, Vec3] {
  const [from, to] = [new Pose(), new Pose()];
  ARM.pose(q, from);
  const moved = q.slice();
  moved[3]! += by;
  ARM.pose(moved, to);
  const turn = new Quat().product(to.quat, new Quat().inverse(from.quat));
  return [new Vec3().addScaled(to.position, from.position, -1), logRotation(turn, new Vec3())];
}

function share(q: Float64Array, by: number): number {
  const guard = new SingularityGuard(ARM, [0, 1, 2, 3, 4, 5, 6]);
  guard.observe(q);
  return guard.share(...elbowStep(q, by));
}

function loopAt(q: Float64Array, rotation: 'euler_xyz' | 'rotvec'): { loop: ControlLoop; state: Float64Array } {
  const resolved = resolveLimits({ robot: PANDA, actionSpace: 'ee_delta', mode: 'reduced', hz: HZ });
  if (!resolved.ok) throw new Error(resolved.reason);
  const action = { ...POSE_STATE, rotation, joints: JOINTS };
  const loop = new ControlLoop(tabletopSpec({ limits: resolved.limits, hz: HZ, action }));
  const pose = ARM.pose(q, new Pose());
  const { position, euler } = pose;
  const state = Float64Array.of(position.x, position.y, position.z, euler.x, euler.y, euler.z, 1, ...q);
  return { loop, state };
}

describe('near a singularity of the arm', () => {
  it('[J8] full speed up to 17, then ever less towards it, nothing from 30 on, and always a way out', () => {
    expect(share(stretched(10), 1e-4)).toBe(1);
    expect(share(stretched(16.9), 1e-4)).toBe(1);
    expect(share(stretched(23.5), 1e-4)).toBeCloseTo(0.5, 6);
    expect(share(stretched(23.5), -1e-4)).toBeCloseTo(0.75, 6);
    expect(share(stretched(31), 1e-4)).toBe(0);
    expect(share(stretched(31), -1e-4)).toBeCloseTo(1 - 14 / 26, 6);
    // Nearly straight, pulled back towards the shoulder and pushed on.
    const q = stretched(60);
    const tool = ARM.position(q, new Vec3());
    const back = new Vec3().set(-tool.x, -tool.y, 0.333 - tool.z);
    const guard = new SingularityGuard(ARM, [0, 1, 2, 3, 4, 5, 6]);
    guard.observe(q);
    expect(guard.share(back.scaled(back, 1e-3), new Vec3())).toBe(0.1);
    expect(guard.share(back.scaled(back, -1), new Vec3())).toBe(0);
  });

  it.each(['euler_xyz', 'rotvec'] as const)('[J8] the tool is slowed down as a whole and says so (%s)', (rotation) => {
    for (const [conditioning, by, most] of [
      [23.5, 1, 0.5],
      [23.5, -1, 0.75],
      [40, 1, 0],
      [40, -1, 0.15],
    ] as const) {
      const q = stretched(conditioning);
      const { loop, state } = loopAt(q, rotation);
      const [translation] = elbowStep(q, by * 1e-4);
      const size = Math.hypot(translation.x, translation.y, translation.z);
      const step = [translation.x, translation.y, translation.z].map((x) => (0.0125 * x) / size);
      loop.observe(state, 0);
      loop.adopt(chunk(constantChunk([...step, 0, 0, 0, 1]), state, 0));
      let fastest = 0;
      for (let n = 0; n < 8; n++) {
        const r = loop.tick(n, null);
        fastest = Math.max(fastest, Math.hypot(...r.values.subarray(0, 3)) * HZ);
        expect(r.flags & FLAG.singularity).not.toBe(0);
        expect(r.clamped).toBe(true);
      }
      // The translation alone leads elsewhere than the elbow does, but not past the singularity's share.
      expect(fastest).toBeLessThanOrEqual(0.25 * Math.max(most, by < 0 ? 0.75 : 0.5) + 1e-9);
      if (most === 0) expect(fastest).toBeLessThanOrEqual(0.25 * 0.1154 + 1e-9);
    }
  });

  it('[J8] far from one, and for a policy whose state holds no joints, nothing changes', () => {
    const run = (joints: boolean, q: Float64Array) => {
      const { loop, state } = loopAt(q, 'rotvec');
      const { joints: _, ...plain } = loop.spec.action;
      const used = joints ? loop : new ControlLoop({ ...loop.spec, action: plain });
      used.observe(state, 0);
      used.adopt(chunk(constantChunk([0.01, 0.002, -0.003, 0, 0, 0.01, 1]), state, 0));
      return Array.from({ length: 12 }, (_, n) => [...used.tick(n, null).values]);
    };
    expect(run(true, stretched(12))).toEqual(run(false, stretched(12)));
    expect(run(true, stretched(29))).not.toEqual(run(false, stretched(29)));
  });

  it('[J8] joints that are not finite are not taken, and their number must be the robot’s', () => {
    const guard = new SingularityGuard(ARM, [0, 1, 2, 3, 4, 5, 6]);
    guard.observe(stretched(25));
    guard.observe(Float64Array.of(0, 0, 0, Number.NaN, 0, 0, 0));
    guard.observe(Float64Array.of(0, 0));
    const [translation, rotation] = elbowStep(stretched(25), 1e-4);
    expect(guard.share(translation, rotation)).toBeLessThan(1);
    guard.forget();
    expect(guard.share(translation, rotation)).toBe(1);
    const { loop } = loopAt(stretched(12), 'rotvec');
    const action = { ...loop.spec.action, joints: [7, 8, 9] };
    expect(checkSpec({ ...loop.spec, action })?.field).toBe('action.joints');
  });
});
