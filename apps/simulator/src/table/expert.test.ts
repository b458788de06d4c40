import { describe, expect, it } from 'vitest';
import { expertAction, expertChunk } from './expert.js';
import { step } from './physics.js';
import { createWorld } from './scene.js';
import { TASKS, type World } from './world.js';

function play(world: World): World {
  const action = new Float64Array(7);
  while (world.outcome === 'running') {
    expertAction(world, action);
    step(world, action);
  }
  return world;
}

describe('the expert', () => {
  it.each(TASKS)('solves %s in each of 100 episodes, lifting no other cube', (task) => {
    const worlds = Array.from({ length: 100 }, (_, seed) => play(createWorld(seed, 'home', task)));
    expect(worlds.filter(({ outcome }) => outcome === 'success')).toHaveLength(100);
    expect(worlds.filter(({ wrongLift }) => wrongLift)).toHaveLength(0);
  });

  it('finds its way from anywhere, also with a wrong cube in the gripper', () => {
    const worlds = Array.from({ length: 100 }, (_, seed) => play(createWorld(seed, 'scattered')));
    expect(worlds.filter(({ outcome }) => outcome === 'success').length).toBeGreaterThanOrEqual(95);
  });

  it('looks ahead without touching the world', () => {
    const world = createWorld(4);
    const before = structuredClone(world);
    const chunk = new Float32Array(8 * 7);
    expertChunk(world, 8, chunk);
    expect(world).toEqual(before);
    const action = new Float64Array(7);
    for (let k = 0; k < 8; k++) {
      expertAction(world, action);
      expect([...chunk.subarray(k * 7, (k + 1) * 7)]).toEqual([...Float32Array.from(action)]);
      step(world, action);
    }
  });
});
