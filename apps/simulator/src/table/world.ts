/**
 * Everything on the table. Metres and radians in the table's frame: x right, y away from the camera, z up, the table's
 * top at z = 0.
 */
export const COLORS = ['red', 'green', 'blue', 'yellow', 'purple'] as const;
export type Color = (typeof COLORS)[number];
export const TASKS = ['pick', 'put', 'move'] as const;
export type Task = (typeof TASKS)[number];
export type Rgb = readonly [number, number, number];

export interface Cube {
  readonly color: Color;
  /** The colour as it appears in this episode, 0-255 a channel. */
  readonly paint: Rgb;
  x: number;
  y: number;
  /** Height of the centre. */
  z: number;
  yaw: number;
}

export interface Bowl {
  readonly color: Color;
  readonly paint: Rgb;
  readonly x: number;
  readonly y: number;
}

export interface Light {
  readonly ambient: number;
  readonly diffuse: number;
  readonly gain: number;
  /** Unit vector towards the light. */
  readonly direction: Rgb;
  readonly table: Rgb;
  readonly background: Rgb;
}

/** The tool's state as the robot measures it; the order is the wire's. Opening: 0 closed, 1 open. */
export const STATE_NAMES = ['x', 'y', 'z', 'roll', 'pitch', 'yaw', 'gripper'] as const;
export const X = 0;
export const Y = 1;
export const Z = 2;
export const ROLL = 3;
export const PITCH = 4;
export const YAW = 5;
export const GRIPPER = 6;

export interface Goal {
  readonly task: Task;
  /** Index of the cube that the instruction names. */
  readonly cube: number;
  /** Index of the bowl that it names (`put`). */
  readonly bowl: number;
  /** `move`: -1 left, 1 right. */
  readonly side: -1 | 1;
  /** Picks the wording. */
  readonly phrase: number;
}

/** A cube between the fingers keeps its place relative to them. */
export interface Grasp {
  readonly cube: number;
  /** Offset of the cube's centre along the fingers' plane and upwards. */
  readonly along: number;
  readonly up: number;
}

export type Outcome = 'running' | 'success' | 'timeout';

export interface World {
  readonly goal: Goal;
  readonly cubes: readonly Cube[];
  readonly bowls: readonly Bowl[];
  readonly light: Light;
  /** Seeds the camera's noise together with the tick. */
  readonly noiseSeed: number;
  /** [7], see STATE_NAMES. */
  readonly tool: Float64Array;
  grasp: Grasp | null;
  tick: number;
  /** Ticks in a row in which the goal was met. */
  streak: number;
  outcome: Outcome;
  /** A cube that the instruction does not name was lifted. */
  wrongLift: boolean;
}

/** Limits of the tool: the workspace box that the robot declares when it opens a session. */
export const WORKSPACE = { min: [-0.22, -0.16, 0.015], max: [0.22, 0.16, 0.22] } as const;
export const CUBE_HALF = 0.02;
/** Opening at which the fingers touch a cube: 4 cm of 7 cm. */
export const CUBE_OPENING = 0.571;
export const RELEASE_OPENING = 0.65;
export const EPISODE_TICKS = 120;

/** A copy whose moving parts are its own: for looking ahead. */
export function copyWorld(world: World): World {
  return { ...world, cubes: world.cubes.map((cube) => ({ ...cube })), tool: world.tool.slice() };
}

export function targetCube(world: World): Cube {
  return cubeAt(world, world.goal.cube);
}

export function cubeAt(world: World, index: number): Cube {
  const cube = world.cubes[index];
  if (cube === undefined) throw new RangeError(`no cube ${index}`);
  return cube;
}

export function goalBowl(world: World): Bowl {
  const bowl = world.bowls[world.goal.bowl];
  if (bowl === undefined) throw new RangeError(`no bowl ${world.goal.bowl}`);
  return bowl;
}
