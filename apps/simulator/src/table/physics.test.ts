import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { step } from './physics.js';
import { createWorld } from './scene.js';
import { CUBE_OPENING, EPISODE_TICKS, GRIPPER, targetCube, WORKSPACE, type World } from './world.js';

/** The tool exactly around the target, open. */
function above(world: World): void {
  const cube = targetCube(world);
  world.tool.set([cube.x, cube.y, cube.z, 0, 0, cube.yaw, 1]);
}

const close = (world: World, ticks = 3): void => {
  for (let i = 0; i < ticks; i++) step(world, [0, 0, 0, 0, 0, 0, 0]);
};
const lift = (world: World, ticks: number): void => {
  for (let i = 0; i < ticks; i++) step(world, [0, 0, 0.03, 0, 0, 0, 0]);
};
const open = (world: World): void => step(world, [0, 0, 0, 0, 0, 0, 1]);

describe('step', () => {
  let world: World;
  beforeEach(() => {
    world = createWorld(11, 'home', 'pick');
    above(world);
  });

  it('grasps a cube that the fingers close around, and carries it', () => {
    close(world);
    expect(world.grasp?.cube).toBe(world.goal.cube);
    expect(world.tool[GRIPPER]).toBe(CUBE_OPENING);
    lift(world, 2);
    expect(targetCube(world).z).toBeCloseTo(0.08, 9);
  });

  it('closes on nothing where the cube is too far, too low or turned', () => {
    const offsets = [
      [0.013, 0, 0],
      [0, 0.016, 0],
      [0, 0, 0.36],
    ];
    for (const [dx = 0, dz = 0, dyaw = 0] of offsets) {
      world = createWorld(11, 'home', 'pick');
      above(world);
      world.tool[0]! += dx;
      world.tool[2]! += dz;
      world.tool[5]! += dyaw;
      close(world, 5);
      expect(world.grasp).toBeNull();
      expect(world.tool[GRIPPER]).toBe(0);
    }
  });

  it('does not grasp with fingers that were closed already', () => {
    world.tool[GRIPPER] = 0.5;
    close(world);
    expect(world.grasp).toBeNull();
  });

  it('drops a cube on the table, into a bowl, or onto another cube', () => {
    const resting = (place: (world: World) => { x: number; y: number } | null): number => {
      const w = createWorld(11, 'home', 'move');
      above(w);
      close(w);
      lift(w, 3);
      const spot = place(w);
      if (spot !== null) w.tool.set([spot.x, spot.y], 0);
      close(w, 1);
      open(w);
      expect(w.grasp).toBeNull();
      return targetCube(w).z;
    };
    expect(resting(() => null)).toBe(0.02);
    expect(resting((w) => w.bowls[0]!)).toBe(0.024);
    expect(resting((w) => w.cubes.find((_, i) => i !== w.goal.cube)!)).toBeCloseTo(0.06, 9);
  });

  it('needs the goal for three ticks in a row, then stands still', () => {
    close(world);
    lift(world, 2); // the target is at 8 cm with the second of these
    expect(world.outcome).toBe('running');
    close(world, 1);
    expect(world.outcome).toBe('running');
    close(world, 1);
    expect(world.outcome).toBe('success');
    const before = [...world.tool];
    lift(world, 1);
    expect([...world.tool]).toEqual(before);
  });

  it('ends an episode after its time', () => {
    for (let i = 0; i < EPISODE_TICKS - 1; i++) open(world);
    expect(world.outcome).toBe('running');
    open(world);
    expect(world.outcome).toBe('timeout');
  });

  it('notices that a wrong cube was lifted', () => {
    const wrong = world.cubes.find((_, i) => i !== world.goal.cube)!;
    world.tool.set([wrong.x, wrong.y, wrong.z, 0, 0, wrong.yaw, 1]);
    close(world);
    lift(world, 2);
    expect(world.wrongLift).toBe(true);
  });

  it('never leaves the workspace or a tick’s largest step, whatever it is told', () => {
    const wild = fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: 7, maxLength: 7 });
    fc.assert(
      fc.property(fc.nat(), fc.array(wild, { maxLength: 20 }), (seed, actions) => {
        const w = createWorld(seed, 'anywhere');
        for (const action of actions) {
          const before = [...w.tool];
          step(w, action);
          for (const axis of [0, 1, 2] as const) {
            expect(w.tool[axis]!).toBeGreaterThanOrEqual(WORKSPACE.min[axis]);
            expect(w.tool[axis]!).toBeLessThanOrEqual(WORKSPACE.max[axis]);
            expect(Math.abs(w.tool[axis]! - before[axis]!)).toBeLessThanOrEqual(0.03 + 1e-12);
          }
          expect(w.tool[GRIPPER]!).toBeGreaterThanOrEqual(0);
          expect(w.tool[GRIPPER]!).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});
