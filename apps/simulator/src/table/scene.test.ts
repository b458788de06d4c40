import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { distance } from './geometry.js';
import { createWorld, type Start } from './scene.js';
import { goalMet } from './tasks.js';
import { targetCube, WORKSPACE } from './world.js';

const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });

describe('createWorld', () => {
  it('gives the same world for the same seed', () => {
    fc.assert(
      fc.property(uint32, fc.constantFrom<Start>('home', 'anywhere', 'scattered'), (seed, start) => {
        expect(createWorld(seed, start)).toEqual(createWorld(seed, start));
      }),
    );
  });

  it('places objects apart, names a cube that is there, and starts with the goal open', () => {
    fc.assert(
      fc.property(uint32, (seed) => {
        const world = createWorld(seed);
        const { cubes, bowls, goal } = world;
        for (const [i, a] of cubes.entries()) {
          for (const b of cubes.slice(i + 1)) expect(distance(a.x, a.y, b.x, b.y)).toBeGreaterThanOrEqual(0.07);
          for (const b of bowls) expect(distance(a.x, a.y, b.x, b.y)).toBeGreaterThanOrEqual(0.09);
        }
        expect(new Set(cubes.map(({ color }) => color)).size).toBe(cubes.length);
        expect(new Set(bowls.map(({ color }) => color)).size).toBe(bowls.length);
        expect(goal.cube).toBeLessThan(cubes.length);
        expect(goal.bowl).toBeLessThan(bowls.length);
        expect(goalMet(world)).toBe(false);
      }),
    );
  });

  it('starts within the workspace, with a held cube between the fingers', () => {
    fc.assert(
      fc.property(uint32, (seed) => {
        const world = createWorld(seed, 'scattered');
        for (const axis of [0, 1, 2] as const) {
          expect(world.tool[axis]!).toBeGreaterThanOrEqual(WORKSPACE.min[axis]);
          expect(world.tool[axis]!).toBeLessThanOrEqual(WORKSPACE.max[axis]);
        }
        if (world.grasp === null) return;
        const cube = world.cubes[world.grasp.cube]!;
        expect(distance(cube.x, cube.y, world.tool[0]!, world.tool[1]!)).toBeLessThan(0.0101);
      }),
    );
  });

  it('draws all tasks, and the task that is asked for', () => {
    const tasks = Array.from({ length: 400 }, (_, seed) => createWorld(seed).goal.task);
    const share = (task: string) => tasks.filter((t) => t === task).length / tasks.length;
    expect(share('pick')).toBeCloseTo(0.25, 1);
    expect(share('put')).toBeCloseTo(0.5, 1);
    expect(share('move')).toBeCloseTo(0.25, 1);
    expect(createWorld(1, 'home', 'move').goal.task).toBe('move');
    expect(targetCube(createWorld(1)).z).toBe(0.02);
  });
});
