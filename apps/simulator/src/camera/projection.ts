/** A fixed camera in front of the table, looking down at it. Pinhole, no distortion. */
export const FRAME_SIZE = 96;
/** The picture is drawn at twice its size and averaged down: smooth edges. */
export const OVERSAMPLING = 2;
export const CANVAS_SIZE = FRAME_SIZE * OVERSAMPLING;

const POSITION = [0, -0.46, 0.56] as const;
const LOOK_AT = [0, 0.01, 0.03] as const;
const FOCAL_PX = 140;

const toTarget = [LOOK_AT[0] - POSITION[0], LOOK_AT[1] - POSITION[1], LOOK_AT[2] - POSITION[2]] as const;
const length = Math.sqrt(toTarget[0] * toTarget[0] + toTarget[1] * toTarget[1] + toTarget[2] * toTarget[2]);
/** Unit vectors; the camera's right is the world's x. */
const FORWARD = [toTarget[0] / length, toTarget[1] / length, toTarget[2] / length] as const;
const UP = [0, -FORWARD[2], FORWARD[1]] as const;

/** Metres along the camera's axis. */
export function depth(x: number, y: number, z: number): number {
  return (x - POSITION[0]) * FORWARD[0] + (y - POSITION[1]) * FORWARD[1] + (z - POSITION[2]) * FORWARD[2];
}

/** Writes the point's place on the canvas, in canvas pixels, to `polygon` as its vertex `vertex`. */
export function project(x: number, y: number, z: number, polygon: Float64Array, vertex: number): void {
  const along = depth(x, y, z);
  const right = x - POSITION[0];
  const up = (y - POSITION[1]) * UP[1] + (z - POSITION[2]) * UP[2];
  polygon[2 * vertex] = OVERSAMPLING * (FRAME_SIZE / 2 + (FOCAL_PX * right) / along);
  polygon[2 * vertex + 1] = OVERSAMPLING * (FRAME_SIZE / 2 - (FOCAL_PX * up) / along);
}

/** True where a face at (x, y, z) with normal n looks towards the camera. */
export function facesCamera(x: number, y: number, z: number, nx: number, ny: number, nz: number): boolean {
  return nx * (POSITION[0] - x) + ny * (POSITION[1] - y) + nz * (POSITION[2] - z) > 0;
}
