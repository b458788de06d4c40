import { distance } from './geometry.js';
import { EPISODE_TICKS, GRIPPER, goalBowl, RELEASE_OPENING, targetCube, type World } from './world.js';

/** How near the middle of its bowl a cube counts as put. */
export const BOWL_RADIUS = 0.035;
/** How far to its side a cube counts as moved. */
export const SIDE_X = 0.1;
/** The goal must be met for so many ticks: a cube that flies past it does not count. */
const STREAK = 3;

/** True where the goal is met at this moment. */
export function goalMet(world: World): boolean {
  const cube = targetCube(world);
  const holds = world.grasp?.cube === world.goal.cube;
  const released = !holds && (world.tool[GRIPPER] ?? 0) > RELEASE_OPENING;
  switch (world.goal.task) {
    case 'pick':
      return holds && cube.z >= 0.08;
    case 'put':
      return released && cube.z < 0.03 && inBowl(world);
    case 'move':
      return released && atSide(world);
  }
}

export function inBowl(world: World): boolean {
  const cube = targetCube(world);
  const bowl = goalBowl(world);
  return distance(cube.x, cube.y, bowl.x, bowl.y) <= BOWL_RADIUS;
}

export function atSide(world: World): boolean {
  return world.goal.side * targetCube(world).x >= SIDE_X;
}

/** Ends the tick: counts it, and ends the episode on success or when its time is over. */
export function judge(world: World): void {
  world.streak = goalMet(world) ? world.streak + 1 : 0;
  world.tick += 1;
  if (world.streak >= STREAK) world.outcome = 'success';
  else if (world.tick >= EPISODE_TICKS) world.outcome = 'timeout';
}
