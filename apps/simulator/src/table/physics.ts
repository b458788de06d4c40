import { clamp, distance, wrapQuarter } from './geometry.js';
import { judge } from './tasks.js';
import {
  CUBE_HALF,
  CUBE_OPENING,
  cubeAt,
  GRIPPER,
  RELEASE_OPENING,
  ROLL,
  WORKSPACE,
  type World,
  X,
  YAW,
  Z,
} from './world.js';

const MAX_STEP_M = 0.03;
const MAX_TURN_RAD = 0.2;
const MAX_TILT_RAD = 0.3;
const MAX_YAW_RAD = 1.8;
const MAX_OPENING_STEP = 0.25;
const BOWL_FLOOR_Z = 0.024;

/**
 * One control tick: `action` [7] is metres and radians a tick, and the commanded opening. No contact forces: a cube
 * moves only between the fingers. Does nothing once the episode has ended.
 */
export function step(world: World, action: ArrayLike<number>): void {
  if (world.outcome !== 'running') return;
  const before = world.tool[GRIPPER] ?? 0;
  moveTool(world.tool, action);
  moveFingers(world, before, clamp(action[GRIPPER] ?? 0, 0, 1));
  carryCube(world);
  judge(world);
}

function moveTool(tool: Float64Array, action: ArrayLike<number>): void {
  for (let axis = X; axis <= Z; axis++) {
    const moved = (tool[axis] ?? 0) + clamp(action[axis] ?? 0, -MAX_STEP_M, MAX_STEP_M);
    tool[axis] = clamp(moved, WORKSPACE.min[axis] ?? 0, WORKSPACE.max[axis] ?? 0);
  }
  for (let axis = ROLL; axis <= YAW; axis++) {
    const limit = axis === YAW ? MAX_YAW_RAD : MAX_TILT_RAD;
    const turned = (tool[axis] ?? 0) + clamp(action[axis] ?? 0, -MAX_TURN_RAD, MAX_TURN_RAD);
    tool[axis] = clamp(turned, -limit, limit);
  }
}

/** Fingers close at a limited speed; they grasp in the one tick in which they reach a cube's width. */
function moveFingers(world: World, before: number, commanded: number): void {
  let opening = before + clamp(commanded - before, -MAX_OPENING_STEP, MAX_OPENING_STEP);
  if (world.grasp !== null) {
    opening = Math.max(opening, CUBE_OPENING);
    if (opening > RELEASE_OPENING) drop(world);
  } else if (opening < before && before > CUBE_OPENING && opening <= CUBE_OPENING + 1e-9 && tryGrasp(world)) {
    opening = CUBE_OPENING;
  }
  world.tool[GRIPPER] = opening;
}

function tryGrasp(world: World): boolean {
  const [x = 0, y = 0, z = 0, , , yaw = 0] = world.tool;
  const index = world.cubes.findIndex(
    (cube) =>
      distance(x, y, cube.x, cube.y) < 0.012 &&
      Math.abs(z - cube.z) < 0.015 &&
      Math.abs(wrapQuarter(yaw - cube.yaw)) < (20 * Math.PI) / 180,
  );
  if (index < 0) return false;
  const cube = cubeAt(world, index);
  // The fingers centre the cube between them; along their plane and in height it stays where it was.
  const along = -Math.sin(yaw) * (cube.x - x) + Math.cos(yaw) * (cube.y - y);
  world.grasp = { cube: index, along, up: cube.z - z };
  return true;
}

/** The cube falls at once: onto the table, into a bowl, or onto a lower cube. */
function drop(world: World): void {
  const held = world.grasp?.cube;
  if (held === undefined) return;
  const cube = cubeAt(world, held);
  let z = CUBE_HALF;
  for (const bowl of world.bowls) if (distance(cube.x, cube.y, bowl.x, bowl.y) < 0.05) z = Math.max(z, BOWL_FLOOR_Z);
  for (const [i, other] of world.cubes.entries())
    if (i !== held && other.z < cube.z && distance(cube.x, cube.y, other.x, other.y) < 0.034)
      z = Math.max(z, other.z + 2 * CUBE_HALF);
  cube.z = z;
  world.grasp = null;
}

function carryCube(world: World): void {
  if (world.grasp === null) return;
  const { cube: index, along, up } = world.grasp;
  const cube = cubeAt(world, index);
  const [x = 0, y = 0, z = 0, , , yaw = 0] = world.tool;
  cube.x = x - Math.sin(yaw) * along;
  cube.y = y + Math.cos(yaw) * along;
  cube.z = Math.max(CUBE_HALF, z + up);
  cube.yaw = yaw;
  if (index !== world.goal.cube && cube.z > 0.05) world.wrongLift = true;
}
