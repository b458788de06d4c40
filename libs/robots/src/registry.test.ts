import { describe, expect, it } from 'vitest';
import { ALIASES } from './aliases.js';
import { GEOMETRY } from './geometry/index.js';
import { editDistance, findRobot, nearestRobots } from './lookup.js';
import { ROBOTS } from './registry.js';
import { RobotRecord } from './schema.js';

const SUM = 134210.95565000008;

describe('the robot registry', () => {
  it('holds sixty records with ids of their own', () => {
    expect(ROBOTS).toHaveLength(60);
    expect(new Set(ROBOTS.map((robot) => robot.id)).size).toBe(60);
  });

  it.each(ROBOTS.map((robot) => [robot.id, robot] as const))('%s satisfies the schema', (_id, robot) => {
    expect(RobotRecord.parse(robot)).toEqual(robot);
  });

  it('names every source and never a limit that is zero, infinite or upside down', () => {
    for (const robot of ROBOTS) {
      expect(robot.source.length).toBeGreaterThan(0);
      for (const joint of robot.joints) {
        expect(joint.lower, `${robot.id} ${joint.name}`).toBeLessThan(joint.upper);
        for (const limit of [joint.velocity, joint.acceleration, joint.jerk]) {
          if (limit !== null) expect(Number.isFinite(limit) && limit > 0, `${robot.id} ${joint.name}`).toBe(true);
        }
      }
      expect(new Set(robot.joints.map((joint) => joint.name)).size).toBe(robot.dof);
    }
  });

  it('keeps the figures of the vendors unrounded', () => {
    const panda = findRobot('franka_panda');
    expect(panda?.cartesian).toEqual({ v: 1.7, a: 13, j: 6500, w: 2.5, dw: 25, ddw: 12500 });
    expect(panda?.joints[3]).toEqual({
      name: 'panda_joint4',
      lower: -3.0718,
      upper: -0.0698,
      velocity: 2.175,
      acceleration: 12.5,
      jerk: 6250,
    });
    expect(findRobot('abb_yumi_irb14000_arm')?.joints.map((joint) => joint.name)).toEqual(
      [1, 2, 7, 3, 4, 5, 6].map((i) => `yumi_joint_${i}_l`),
    );
    // The sum of every number notices a digit lost in an edit.
    const sum = (value: unknown): number =>
      typeof value === 'number'
        ? value
        : typeof value === 'object' && value !== null
          ? Object.values(value).reduce((total: number, entry) => total + sum(entry), 0)
          : 0;
    expect(sum(ROBOTS.map(({ geometry: _, ...figures }) => figures))).toBeCloseTo(SUM, 6);
  });

  it('names what every geometry is from, what its point is, and one row a joint', () => {
    for (const { id, dof, geometry } of ROBOTS) {
      if (geometry === null) continue;
      expect(geometry.rows, id).toHaveLength(dof);
      for (const source of geometry.source)
        expect(source, id).toMatch(/^(github:[\w.-]+\/[\w.-]+@[0-9a-f]{7,8} |[\w-]+\.com )/);
    }
    expect(Object.keys(GEOMETRY).filter((id) => findRobot(id) === undefined)).toEqual([]);
    expect(ROBOTS.filter(({ geometry }) => geometry === null)).toEqual([]);
  });
});

describe('the schema', () => {
  const panda = findRobot('franka_panda')!;
  const withJoint = (change: Record<string, unknown>) => ({
    ...panda,
    joints: panda.joints.map((joint, i) => (i === 2 ? { ...joint, ...change } : joint)),
  });
  const withGeometry = (change: Record<string, unknown>) => ({ ...panda, geometry: { ...panda.geometry, ...change } });

  it.each([
    ['a joint upside down', withJoint({ lower: 3, upper: -3 }), 'joints.2.lower'],
    ['a joint without room', withJoint({ lower: 1, upper: 1 }), 'joints.2.lower'],
    ['a bound that is not finite', withJoint({ upper: Infinity }), 'joints.2.upper'],
    ['a bound that is no number', withJoint({ lower: Number.NaN }), 'joints.2.lower'],
    ['a speed of nothing', withJoint({ velocity: 0 }), 'joints.2.velocity'],
    ['a negative acceleration', withJoint({ acceleration: -1 }), 'joints.2.acceleration'],
    ['a jerk without end', withJoint({ jerk: Infinity }), 'joints.2.jerk'],
    ['a name that is missing', withJoint({ name: '' }), 'joints.2.name'],
    ['a joint too few', { ...panda, joints: panda.joints.slice(1) }, 'joints'],
    ['a reach of nothing', { ...panda, reach_m: 0 }, 'reach_m'],
    ['a tool speed of nothing', { ...panda, cartesian: { ...panda.cartesian, v: 0 } }, 'cartesian.v'],
    ['an id in capitals', { ...panda, id: 'Panda' }, 'id'],
    ['a field nobody knows', { ...panda, colour: 'white' }, ''],
    ['a geometry without its source', withGeometry({ source: [] }), 'geometry.source'],
    ['a geometry of other joints', withGeometry({ rows: panda.geometry!.rows.slice(1) }), 'geometry.rows'],
    ['a geometry mounted nowhere', withGeometry({ mount: undefined }), 'geometry.mount'],
    ['an unknown convention', withGeometry({ convention: 'dhm' }), 'geometry.convention'],
    [
      'an axis that is no direction',
      withGeometry({
        convention: 'origins',
        rows: panda.joints.map(() => ({ xyz: [0, 0, 0], rpy: [0, 0, 0], axis: [0, 0, 2] })),
      }),
      'geometry.rows.0.axis',
    ],
  ])('refuses %s, naming the field', (_what, record, path) => {
    const result = RobotRecord.safeParse(record);
    expect(result.error?.issues[0]?.path.join('.')).toBe(path);
  });
});

describe('aliases', () => {
  it('belong to records that exist, each to one, and none is an id', () => {
    const ids = new Set(ROBOTS.map((robot) => robot.id));
    for (const { alias, id } of ALIASES) {
      expect(ids.has(id), alias).toBe(true);
      expect(ids.has(alias), alias).toBe(false);
    }
    expect(new Set(ALIASES.map(({ alias }) => alias)).size).toBe(ALIASES.length);
    expect(ROBOTS.reduce((count, robot) => count + robot.aliases.length, 0)).toBe(ALIASES.length);
  });

  it.each(ALIASES)('$alias is $id', ({ alias, id }) => {
    expect(findRobot(alias)?.id).toBe(id);
    expect(findRobot(id)?.aliases).toContain(alias);
  });

  it('do not guess: names that several robots answer to are none', () => {
    for (const name of ['franka', 'widowx', 'xarm', 'jaco_2', 'kuka_iiwa', 'gen3', 'kinova_gen3', 'aloha', 'ur'])
      expect(findRobot(name), name).toBeUndefined();
  });
});

describe('look-ups', () => {
  it('finds by exact name only', () => {
    expect(findRobot('ur5e')?.model).toBe('UR5e');
    expect(findRobot('UR5e')).toBeUndefined();
    expect(findRobot('Panda')).toBeUndefined();
    expect(findRobot(' panda')).toBeUndefined();
    expect(findRobot('__proto__')).toBeUndefined();
    expect(findRobot('')).toBeUndefined();
  });

  it('suggests the nearest names', () => {
    expect(nearestRobots('franka_pandas')[0]).toBe('franka_panda');
    expect(nearestRobots('UR-5e')[0]).toBe('ur5e');
    expect(nearestRobots('Panda')[0]).toBe('franka_panda');
    expect(nearestRobots('xarm-7')[0]).toBe('ufactory_xarm7');
    expect(nearestRobots('widowx', 2)).toEqual(['trossen_widowx_250', 'trossen_widowx_250s']);
    expect(nearestRobots('franka', 2).sort()).toEqual(['franka_fr3', 'franka_panda']);
    expect(nearestRobots('kinova_gen3')[0]).toBe('kinova_gen3_7dof');
    expect(nearestRobots('xyz', 5)).toHaveLength(5);
    expect(nearestRobots('', 0)).toEqual([]);
  });

  it('measures edits', () => {
    expect(editDistance('kitten', 'sitting')).toBe(3);
    expect(editDistance('', 'abc')).toBe(3);
    expect(editDistance('abc', '')).toBe(3);
  });
});
