import { clamp, distance, wrapQuarter } from './geometry.js';
import { step } from './physics.js';
import { atSide, inBowl } from './tasks.js';
import { copyWorld, GRIPPER, goalBowl, PITCH, ROLL, targetCube, type World, X, Y, YAW, Z } from './world.js';

const GAIN = 0.5;
const SPEED_M = 0.025;
const SPEED_RAD = 0.15;
const CRUISE_Z = 0.12;

interface Aim {
  x: number;
  y: number;
  z: number;
  yaw: number;
  gripper: number;
}

/**
 * The teacher: a feedback law of the whole state with no memory, so that it can say what to do from any state a learner
 * gets into. Writes [7] into `action`.
 */
export function expertAction(world: World, action: Float64Array): void {
  const aim = chooseAim(world);
  const [x = 0, y = 0, z = 0, roll = 0, pitch = 0, yaw = 0] = world.tool;
  let dx = (aim.x - x) * GAIN;
  let dy = (aim.y - y) * GAIN;
  const speed = Math.sqrt(dx * dx + dy * dy);
  if (speed > SPEED_M) {
    dx *= SPEED_M / speed;
    dy *= SPEED_M / speed;
  }
  action[X] = dx;
  action[Y] = dy;
  action[Z] = clamp((aim.z - z) * GAIN, -SPEED_M, SPEED_M);
  action[ROLL] = clamp(-roll * GAIN, -SPEED_RAD, SPEED_RAD);
  action[PITCH] = clamp(-pitch * GAIN, -SPEED_RAD, SPEED_RAD);
  action[YAW] = clamp((aim.yaw - yaw) * GAIN, -SPEED_RAD, SPEED_RAD);
  action[GRIPPER] = aim.gripper;
}

/** The expert's next `length` actions from here without noise, row after row into `chunk` [length × 7]. */
export function expertChunk(world: World, length: number, chunk: Float32Array): void {
  const ahead = copyWorld(world);
  const action = new Float64Array(7);
  for (let k = 0; k < length; k++) {
    expertAction(ahead, action);
    chunk.set(action, k * 7);
    ahead.outcome = 'running'; // a chunk goes on past the end of an episode
    step(ahead, action);
  }
}

function chooseAim(world: World): Aim {
  if (world.grasp === null) return taskDone(world) ? rest(world, CRUISE_Z, 1) : approach(world);
  if (world.grasp.cube !== world.goal.cube) return putBack(world);
  return carry(world);
}

function rest(world: World, z: number, gripper: number): Aim {
  const [x = 0, y = 0, , , , yaw = 0] = world.tool;
  return { x, y, z, yaw, gripper };
}

function taskDone(world: World): boolean {
  return (world.goal.task === 'put' && inBowl(world)) || (world.goal.task === 'move' && atSide(world));
}

/** Lowers a wrong cube, then lets go. */
function putBack(world: World): Aim {
  const z = world.tool[Z] ?? 0;
  return rest(world, z > 0.05 ? 0.03 : z, z > 0.06 ? 0 : 1);
}

/** Down a funnel over the cube: low only where the fingers will fit around it. */
function approach(world: World): Aim {
  const cube = targetCube(world);
  const [x = 0, y = 0, z = 0, , , yaw = 0, opening = 0] = world.tool;
  const off = distance(cube.x, cube.y, x, y);
  let turn = wrapQuarter(cube.yaw - yaw);
  if (yaw + turn > 1.4) turn -= Math.PI / 2; // the next quarter turn, away from the wrist's end stop
  if (yaw + turn < -1.4) turn += Math.PI / 2;
  const height = Math.max(0, (off - 0.006) * 4) + Math.max(0, (Math.abs(turn) - 0.12) * 0.2);
  const aim = { x: cube.x, y: cube.y, z: cube.z + Math.min(0.08, height), yaw: yaw + turn, gripper: 1 };
  const missed = opening < 0.56;
  if (missed) return { ...aim, z: cube.z + 0.06 };
  const ready = off < 0.008 && Math.abs(turn) < 0.17 && Math.abs(z - cube.z) < 0.008;
  // Wider bounds once the fingers move: a tick of noise must not open them again.
  const closing = opening < 0.95 && off < 0.011 && Math.abs(turn) < 0.3 && Math.abs(z - cube.z) < 0.013;
  return ready || closing ? { ...aim, gripper: 0 } : aim;
}

/** Lifts the named cube, carries it over its goal, lowers it and opens. */
function carry(world: World): Aim {
  if (world.goal.task === 'pick') return rest(world, 0.14, 0);
  const cube = targetCube(world);
  const [x = 0, y = 0, z = 0, , , yaw = 0, opening = 0] = world.tool;
  const bowl = goalBowl(world);
  const put = world.goal.task === 'put';
  const goalX = put ? bowl.x : world.goal.side * 0.15;
  const goalY = put ? bowl.y : y;
  const off = distance(goalX, goalY, cube.x, cube.y);
  // No sideways motion until the cube is above its neighbours.
  const lifted = off < 0.02 ? 1 : clamp((z - 0.04) / 0.04, 0, 1);
  const low = put ? 0.045 : 0.024;
  const releases = (off < 0.018 && z < low + 0.012) || (opening > 0.58 && off < 0.02 && z < low + 0.02);
  return {
    x: x + (goalX - cube.x) * lifted,
    y: y + (goalY - cube.y) * lifted,
    z: low + Math.min(CRUISE_Z - low, Math.max(0, (off - 0.012) * 4)),
    yaw,
    gripper: releases ? 1 : 0,
  };
}
