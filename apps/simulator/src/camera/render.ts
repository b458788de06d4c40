import { CUBE_HALF, type Cube, GRIPPER, type Light, type Rgb, type World } from '../table/world.js';
import { Canvas } from './canvas.js';
import { depth, FRAME_SIZE, facesCamera, project } from './projection.js';

export const FRAME_BYTES = FRAME_SIZE * FRAME_SIZE * 3;

const TABLE_HALF = [0.27, 0.2] as const;
const BOWL_CORNERS = 12;
const SHADOW: Rgb = [15, 15, 20];
const SHADOW_ALPHA = 80;
const CUBE_HALVES: Rgb = [CUBE_HALF, CUBE_HALF, CUBE_HALF];
/** Corners of a face in the order around it, in half-sizes along its two edges. */
const CORNERS = [
  [-1, -1],
  [1, -1],
  [1, 1],
  [-1, 1],
] as const;
const UPWARDS: Rgb = [0, 0, 1];

/** A solid to draw: centre, axes (3×3, row-major, columns are the box's axes), half-sizes, colour. */
interface Box {
  readonly center: Rgb;
  readonly axes: Float64Array;
  readonly halves: Rgb;
  readonly paint: Rgb;
}

/** The camera of one process: draws any world into a frame. Pure but for its scratch memory. */
export class Renderer {
  readonly #canvas = new Canvas();
  readonly #polygon = new Float64Array(2 * BOWL_CORNERS);

  /** What the camera sees at this tick: RGB rows from the top, [96 × 96 × 3], into `frame`. */
  render(world: World, frame: Uint8Array): void {
    const { light } = world;
    const gain = light.gain;
    this.#canvas.clear([light.background[0] * gain, light.background[1] * gain, light.background[2] * gain]);
    this.#table(light);
    for (const bowl of world.bowls) {
      this.#disc(light, bowl.x, bowl.y, 0, 0.046, bowl.paint, 0.45);
      this.#disc(light, bowl.x, bowl.y, 0.014, 0.055, bowl.paint, 1);
      this.#disc(light, bowl.x, bowl.y, 0.01, 0.045, bowl.paint, 0.6);
    }
    const gripper = gripperBoxes(world.tool);
    const yaw = world.tool[5] ?? 0;
    const [leftFinger, rightFinger, wrist] = gripper;
    for (const part of [wrist, leftFinger, rightFinger])
      this.#shadow(part.center[0], part.center[1], yaw, part.halves[0], part.halves[1]);
    for (const cube of world.cubes) if (cube.z > 0.03) this.#shadow(cube.x, cube.y, cube.yaw, CUBE_HALF, CUBE_HALF);
    for (const box of farToNear([...world.cubes.map(cubeBox), ...gripper])) this.#box(light, box);
    this.#canvas.develop(noiseSeed(world), frame);
  }

  /** A frame of nothing but one brightness and this moment's noise: a blind camera. */
  renderPlain(brightness: number, world: World, frame: Uint8Array): void {
    this.#canvas.clear([brightness, brightness, brightness]);
    this.#canvas.develop(noiseSeed(world), frame);
  }

  #table(light: Light): void {
    for (const [i, [sx, sy]] of CORNERS.entries()) project(sx * TABLE_HALF[0], sy * TABLE_HALF[1], 0, this.#polygon, i);
    this.#paint(4, light.table, shade(light, UPWARDS));
  }

  #disc(light: Light, x: number, y: number, z: number, radius: number, paint: Rgb, brightness: number): void {
    for (let k = 0; k < BOWL_CORNERS; k++) {
      const angle = (k * Math.PI) / 6;
      project(x + radius * Math.cos(angle), y + radius * Math.sin(angle), z, this.#polygon, k);
    }
    this.#paint(BOWL_CORNERS, paint, shade(light, UPWARDS), brightness);
  }

  /** Straight down onto the table: it tells the height. */
  #shadow(x: number, y: number, yaw: number, halfX: number, halfY: number): void {
    const cos = Math.cos(yaw);
    const sin = Math.sin(yaw);
    for (const [i, [sx, sy]] of CORNERS.entries()) {
      const a = halfX * sx;
      const b = halfY * sy;
      project(x + cos * a - sin * b, y + sin * a + cos * b, 0, this.#polygon, i);
    }
    this.#canvas.fill(this.#polygon, 4, SHADOW[0], SHADOW[1], SHADOW[2], SHADOW_ALPHA);
  }

  #box(light: Light, { center, axes, halves, paint }: Box): void {
    for (const axis of [0, 1, 2] as const) {
      const edge1 = ((axis + 1) % 3) as 0 | 1 | 2;
      const edge2 = ((axis + 2) % 3) as 0 | 1 | 2;
      for (const sign of [-1, 1]) {
        const normal: Rgb = [(axes[axis] ?? 0) * sign, (axes[3 + axis] ?? 0) * sign, (axes[6 + axis] ?? 0) * sign];
        const x = center[0] + normal[0] * halves[axis];
        const y = center[1] + normal[1] * halves[axis];
        const z = center[2] + normal[2] * halves[axis];
        if (!facesCamera(x, y, z, normal[0], normal[1], normal[2])) continue;
        for (const [i, [s1, s2]] of CORNERS.entries()) {
          const a = halves[edge1];
          const b = halves[edge2];
          project(
            x + (axes[edge1] ?? 0) * a * s1 + (axes[edge2] ?? 0) * b * s2,
            y + (axes[3 + edge1] ?? 0) * a * s1 + (axes[3 + edge2] ?? 0) * b * s2,
            z + (axes[6 + edge1] ?? 0) * a * s1 + (axes[6 + edge2] ?? 0) * b * s2,
            this.#polygon,
            i,
          );
        }
        this.#paint(4, paint, shade(light, normal));
      }
    }
  }

  #paint(corners: number, paint: Rgb, shading: number, brightness = 1): void {
    const [red, green, blue] = paint;
    this.#canvas.fill(
      this.#polygon,
      corners,
      red * shading * brightness,
      green * shading * brightness,
      blue * shading * brightness,
    );
  }
}

function noiseSeed(world: World): number {
  return Math.imul(world.noiseSeed, 31) + Math.imul(world.tick, 7919);
}

/** Lambert: ambient plus the light that falls on a face with this normal. */
function shade({ ambient, diffuse, gain, direction }: Light, normal: Rgb): number {
  const facing = normal[0] * direction[0] + normal[1] * direction[1] + normal[2] * direction[2];
  return (ambient + diffuse * Math.max(0, facing)) * gain;
}

function cubeBox(cube: Cube): Box {
  const cos = Math.cos(cube.yaw);
  const sin = Math.sin(cube.yaw);
  return {
    center: [cube.x, cube.y, cube.z],
    axes: Float64Array.of(cos, -sin, 0, sin, cos, 0, 0, 0, 1),
    halves: CUBE_HALVES,
    paint: cube.paint,
  };
}

const FINGER = { halves: [0.005, 0.009, 0.032], paint: [60, 60, 66] } as const;
const WRIST = { halves: [0.05, 0.016, 0.014], paint: [205, 205, 210] } as const;

/** Two fingers and the wrist in the tool's frame, R = Rz(yaw)·Ry(pitch)·Rx(roll). */
function gripperBoxes(tool: Float64Array): [Box, Box, Box] {
  const [x = 0, y = 0, z = 0, roll = 0, pitch = 0, yaw = 0] = tool;
  const [cr, sr] = [Math.cos(roll), Math.sin(roll)];
  const [cp, sp] = [Math.cos(pitch), Math.sin(pitch)];
  const [cy, sy] = [Math.cos(yaw), Math.sin(yaw)];
  const axes = Float64Array.of(
    cy * cp,
    cy * sp * sr - sy * cr,
    cy * sp * cr + sy * sr,
    sy * cp,
    sy * sp * sr + cy * cr,
    sy * sp * cr - cy * sr,
    -sp,
    cp * sr,
    cp * cr,
  );
  const at = (dx: number, dz: number): Rgb => [
    x + (axes[0] ?? 0) * dx + (axes[2] ?? 0) * dz,
    y + (axes[3] ?? 0) * dx + (axes[5] ?? 0) * dz,
    z + (axes[6] ?? 0) * dx + (axes[8] ?? 0) * dz,
  ];
  const spread = (tool[GRIPPER] ?? 0) * 0.035 + 0.006;
  return [
    { center: at(-spread, 0.018), axes, ...FINGER },
    { center: at(spread, 0.018), axes, ...FINGER },
    { center: at(0, 0.06), axes, ...WRIST },
  ];
}

/** The painter's order. The sort is stable: equal depths keep their order, so a frame never depends on the engine. */
function farToNear(boxes: readonly Box[]): Box[] {
  return boxes
    .map((box) => ({ box, far: depth(box.center[0], box.center[1], box.center[2]) }))
    .sort((a, b) => b.far - a.far)
    .map(({ box }) => box);
}
