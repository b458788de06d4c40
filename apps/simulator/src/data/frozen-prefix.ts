import { expertAction } from '../table/expert.js';
import { step } from '../table/physics.js';
import type { Random } from '../table/random.js';
import { copyWorld, GRIPPER, type World } from '../table/world.js';

/** Standard deviation of what the older plan was wrong about, x y z roll pitch yaw: metres, then radians. */
const MISTAKE = [0.006, 0.006, 0.006, 0.03, 0.03, 0.06] as const;
const GRIPPER_MISTAKE = 0.03;

/**
 * What a robot does between an observation and the first action from it: 0 to `most` actions, decided before, that no new chunk
 * can change. They are the expert's for a slightly different world, as a plan made from an older frame would be. Writes them to
 * the first rows of `chunk` [8 × 7], plays them in `world`, and returns how many there are.
 */
export function playFrozenPrefix(world: World, random: Random, most: number, chunk: Float32Array): number {
  const given = random.below(most + 1);
  const believed = copyWorld(world);
  const mistake = random.unit() < 0.3 ? 0 : random.unit() * 1.5;
  for (const [i, deviation] of MISTAKE.entries()) {
    believed.tool[i] = (believed.tool[i] ?? 0) + deviation * mistake * random.normal();
  }
  const action = new Float64Array(7);
  for (let k = 0; k < given; k++) {
    expertAction(believed, action);
    if (random.unit() < GRIPPER_MISTAKE * mistake) action[GRIPPER] = 1 - (action[GRIPPER] ?? 0);
    chunk.set(action, k * 7);
    for (const each of [believed, world]) {
      each.outcome = 'running';
      step(each, action);
    }
  }
  return given;
}
