import { clamp, distance } from './geometry.js';
import { episodeRandom, type Random } from './random.js';
import {
  type Bowl,
  COLORS,
  type Color,
  CUBE_HALF,
  CUBE_OPENING,
  type Cube,
  type Goal,
  GRIPPER,
  type Grasp,
  type Light,
  PITCH,
  type Rgb,
  ROLL,
  type Task,
  WORKSPACE,
  type World,
  X,
  Y,
  YAW,
  Z,
} from './world.js';

/**
 * Where the tool starts. `home`: near the middle, as in an episode. `anywhere`: any pose, for training. `scattered`:
 * anywhere, and often with a cube between the fingers or beside one, so that the tool's place says nothing about the
 * target's.
 */
export type Start = 'home' | 'anywhere' | 'scattered';

const PAINTS: Readonly<Record<Color, Rgb>> = {
  red: [210, 50, 45],
  green: [55, 165, 70],
  blue: [50, 90, 205],
  yellow: [225, 195, 50],
  purple: [145, 65, 180],
};
const TABLE_PAINT: Rgb = [185, 168, 145];
const BACKGROUND_PAINT: Rgb = [95, 102, 110];
const PLACING_TRIES = 60;

/**
 * The world of episode `seed` (uint32): 3-5 cubes and 1-2 bowls of distinct colours, a goal, light. The order in which
 * random numbers are drawn is part of the format: changing it changes every episode.
 */
export function createWorld(seed: number, start: Start = 'home', task?: Task): World {
  const random = episodeRandom(seed);
  const drawn = random.unit();
  const chosen = task ?? (drawn < 0.25 ? 'pick' : drawn < 0.75 ? 'put' : 'move');
  const cubeCount = 3 + random.below(3);
  const bowlCount = 1 + random.below(2);
  const colors = [...COLORS];
  shuffle(random, colors);
  const cubeColors = colors.slice(0, cubeCount);
  shuffle(random, colors);
  const bowlColors = colors.slice(0, bowlCount);
  const cube = random.below(cubeCount);
  const bowl = random.below(bowlCount);
  const side = random.unit() < 0.5 ? -1 : 1;
  const goal: Goal = { task: chosen, cube, bowl, side, phrase: random.below(1000) };

  const { cubePlaces, bowlPlaces } = placeObjects(random, goal, cubeCount, bowlCount);
  const tool = startPose(random, start);
  const grasp = start === 'scattered' ? scatter(random, tool, cubePlaces, goal.cube) : null;
  const light = drawLight(random);
  return {
    goal,
    cubes: cubePlaces.map((place, i): Cube => {
      const color = cubeColors[i] ?? 'red';
      return { ...place, color, paint: vary(random, PAINTS[color], 12) };
    }),
    bowls: bowlPlaces.map((place, i): Bowl => {
      const color = bowlColors[i] ?? 'red';
      return { ...place, color, paint: vary(random, PAINTS[color], 12) };
    }),
    light,
    noiseSeed: random.state,
    tool,
    grasp,
    tick: 0,
    streak: 0,
    outcome: 'running',
    wrongLift: false,
  };
}

interface Place {
  x: number;
  y: number;
}
interface CubePlace extends Place {
  z: number;
  yaw: number;
}

function placeObjects(random: Random, goal: Goal, cubeCount: number, bowlCount: number) {
  for (;;) {
    const bowlPlaces = placeBowls(random, bowlCount);
    const cubePlaces = bowlPlaces && placeCubes(random, goal, cubeCount, bowlPlaces);
    if (bowlPlaces && cubePlaces) return { cubePlaces, bowlPlaces };
  }
}

function placeBowls(random: Random, count: number): Place[] | null {
  const bowls: Place[] = [];
  while (bowls.length < count) {
    const place = tryPlace(random, 0.16, 0.1, ({ x, y }) => bowls.every((o) => distance(x, y, o.x, o.y) >= 0.125));
    if (place === null) return null;
    bowls.push(place);
  }
  return bowls;
}

function placeCubes(random: Random, goal: Goal, count: number, bowls: readonly Place[]): CubePlace[] | null {
  const cubes: CubePlace[] = [];
  while (cubes.length < count) {
    const moves = goal.task === 'move' && cubes.length === goal.cube;
    const place = tryPlace(random, 0.18, 0.12, ({ x, y }) => {
      // A cube that is to be moved to a side must not lie there already.
      if (moves && goal.side * x > 0.06) return false;
      if (bowls.some((o) => distance(x, y, o.x, o.y) < 0.09)) return false;
      return cubes.every((o) => distance(x, y, o.x, o.y) >= 0.07);
    });
    // Drawn also when the place was not found: the draw's order is fixed.
    const yaw = random.between(-Math.PI / 4, Math.PI / 4);
    if (place === null) return null;
    cubes.push({ ...place, z: CUBE_HALF, yaw });
  }
  return cubes;
}

function tryPlace(random: Random, halfX: number, halfY: number, fits: (place: Place) => boolean): Place | null {
  for (let tries = 0; tries <= PLACING_TRIES; tries++) {
    const place = { x: random.between(-halfX, halfX), y: random.between(-halfY, halfY) };
    if (fits(place)) return place;
  }
  return null;
}

function startPose(random: Random, start: Start): Float64Array {
  const tool = new Float64Array(7);
  tool[X] = random.between(-0.05, 0.05);
  tool[Y] = random.between(-0.05, 0.05);
  tool[Z] = random.between(0.12, 0.16);
  tool[YAW] = random.between(-0.3, 0.3);
  tool[GRIPPER] = 1;
  tool[ROLL] = random.between(-0.1, 0.1);
  tool[PITCH] = random.between(-0.1, 0.1);
  if (start === 'home') return tool;
  tool[X] = random.between(-0.2, 0.2);
  tool[Y] = random.between(-0.14, 0.14);
  tool[Z] = random.between(0.02, 0.2);
  tool[YAW] = random.between(-0.9, 0.9);
  tool[GRIPPER] = random.unit() < 0.7 ? 1 : random.unit();
  return tool;
}

/** 35 %: a cube in the gripper (mostly the target); 30 %: the tool beside some cube. Writes `tool` and `cubes`. */
function scatter(random: Random, tool: Float64Array, cubes: readonly CubePlace[], target: number): Grasp | null {
  const kind = random.unit();
  const held = random.unit() < 0.7 ? target : random.below(cubes.length);
  if (kind < 0.35) {
    const cube = cubes[held];
    if (cube === undefined) return null;
    tool[GRIPPER] = CUBE_OPENING;
    const grasp = { cube: held, along: random.between(-0.01, 0.01), up: random.between(-0.01, 0.01) };
    const [x = 0, y = 0, z = 0, , , yaw = 0] = tool;
    cube.x = x - Math.sin(yaw) * grasp.along;
    cube.y = y + Math.cos(yaw) * grasp.along;
    cube.z = Math.max(CUBE_HALF, z + grasp.up);
    cube.yaw = yaw;
    return grasp;
  }
  const beside = kind < 0.65 ? cubes[random.below(cubes.length)] : undefined;
  if (beside === undefined) return null;
  tool[X] = clamp(beside.x + random.between(-0.03, 0.03), WORKSPACE.min[0], WORKSPACE.max[0]);
  tool[Y] = clamp(beside.y + random.between(-0.03, 0.03), WORKSPACE.min[1], WORKSPACE.max[1]);
  tool[Z] = random.between(0.015, 0.1);
  tool[YAW] = beside.yaw + random.between(-0.5, 0.5);
  return null;
}

function drawLight(random: Random): Light {
  const ambient = random.between(0.45, 0.6);
  const diffuse = random.between(0.4, 0.55);
  const gain = random.between(0.85, 1.1);
  const x = random.between(-0.5, 0.5);
  const y = random.between(-0.8, 0.1);
  const length = Math.sqrt(x * x + y * y + 1);
  const table: [number, number, number] = [0, 0, 0];
  const background: [number, number, number] = [0, 0, 0];
  for (const channel of [0, 1, 2] as const) {
    table[channel] = TABLE_PAINT[channel] + random.between(-20, 20);
    background[channel] = BACKGROUND_PAINT[channel] + random.between(-25, 25);
  }
  return { ambient, diffuse, gain, direction: [x / length, y / length, 1 / length], table, background };
}

function vary(random: Random, paint: Rgb, by: number): Rgb {
  return [paint[0] + random.between(-by, by), paint[1] + random.between(-by, by), paint[2] + random.between(-by, by)];
}

/** Fisher-Yates, from the end. */
function shuffle<T>(random: Random, items: T[]): void {
  for (let i = items.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    const a = items[i] as T;
    items[i] = items[j] as T;
    items[j] = a;
  }
}
