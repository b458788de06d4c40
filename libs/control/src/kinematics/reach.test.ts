import { ROBOTS, type RobotGeometry, type RobotRecord } from '@sinew/robots';
import { describe, expect, it } from 'vitest';
import { mulberry32 } from '../testing/kit.js';
import { distance, Vec3 } from '../vec3.js';
import { Kinematics } from './kinematics.js';

const NONE = { xyz: [0, 0, 0], rpy: [0, 0, 0] } as const;

/** The longest distance from the shoulder (joint 2) to `tip` within the joint limits: hill climbing from `starts` postures. */
function farthest(robot: RobotRecord, tip: Kinematics, shoulder: Kinematics, starts = 6): number {
  const random = mulberry32(7);
  const q = new Float64Array(robot.dof);
  const a = new Vec3();
  const b = new Vec3();
  const measure = (): number => distance(tip.position(q, a), shoulder.position(q, b));
  let best = 0;
  for (let start = 0; start < starts; start++) {
    for (const [i, joint] of robot.joints.entries()) q[i] = joint.lower + random() * (joint.upper - joint.lower);
    let here = measure();
    for (let step = 0.8; step > 1e-4; step /= 2) {
      for (let moved = true; moved; ) {
        moved = false;
        for (const [i, joint] of robot.joints.entries()) {
          const before = q[i]!;
          for (const sign of [1, -1]) {
            q[i] = Math.min(joint.upper, Math.max(joint.lower, before + sign * step));
            const there = measure();
            if (there > here + 1e-9) {
              here = there;
              moved = true;
              break;
            }
            q[i] = before;
          }
        }
      }
    }
    best = Math.max(best, here);
  }
  return best;
}

/** The arm up to its second joint: where its shoulder is. In Denavit-Hartenberg's own convention frame 1 lies on axis 2. */
function shoulderOf(geometry: RobotGeometry): Kinematics {
  const common = { ...geometry, flange: NONE, tool: null };
  if (common.convention === 'origins') return new Kinematics({ ...common, rows: common.rows.slice(0, 2) });
  return new Kinematics({ ...common, rows: common.rows.slice(0, common.convention === 'dh' ? 1 : 2) });
}

function upTo(geometry: RobotGeometry, end: 'last joint' | 'flange' | 'tool'): Kinematics {
  return new Kinematics({
    ...geometry,
    ...(end === 'last joint' ? { flange: NONE } : {}),
    ...(end === 'tool' ? {} : { tool: null }),
  });
}

const COMPUTED = ROBOTS.flatMap(({ geometry, ...robot }) =>
  geometry === null || robot.reach_computed_m === undefined
    ? []
    : [{ id: robot.id, robot: { ...robot, geometry }, geometry, reach: robot.reach_computed_m }],
);
const STATED = ROBOTS.flatMap(({ geometry, ...robot }) =>
  geometry === null || robot.reach_m === null
    ? []
    : [{ id: robot.id, robot: { ...robot, geometry }, geometry, reach: robot.reach_m }],
);

describe('geometry against the reach of the records', () => {
  it.each(COMPUTED)('[Q4] $id: stretched, the arm is as long as its record computes', ({ robot, geometry, reach }) => {
    const to = robot.reach_computed_to ?? '';
    const end = to.includes('child frame') ? 'last joint' : to === 'ee_gripper_link' ? 'tool' : 'flange';
    expect(Math.abs(farthest(robot, upTo(geometry, end), shoulderOf(geometry)) - reach)).toBeLessThan(0.001);
  });

  // Vendors measure to the flange, the wrist or the fingertips, and seldom say: an arm in the wrong unit or order fails this.
  it.each(STATED)(
    '[Q4] $id: stretched, the arm is about as long as its vendor states',
    ({ robot, geometry, reach }) => {
      const ratio = farthest(robot, upTo(geometry, 'flange'), shoulderOf(geometry)) / reach;
      expect(ratio).toBeGreaterThan(0.8);
      expect(ratio).toBeLessThan(1.25);
    },
  );
});
