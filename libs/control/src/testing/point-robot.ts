import { mulberry32 } from './kit.js';

/**
 * A point robot above a table with one block: it moves exactly as told up to its own limits, the gripper closes a quarter a
 * tick and grasps only what is precisely between its fingers. Enough of a task that late or doubled motion fails it.
 */
export interface World {
  state: Float64Array;
  block: [x: number, y: number, z: number, yaw: number];
  held: boolean;
}

const BLOCK_WIDTH = 0.571;

export function newWorld(seed: number): World {
  const random = mulberry32(seed);
  const between = (lo: number, hi: number) => lo + (hi - lo) * random();
  return {
    state: Float64Array.of(
      between(-0.05, 0.05),
      between(-0.05, 0.05),
      between(0.12, 0.16),
      between(-0.1, 0.1),
      between(-0.1, 0.1),
      between(-0.3, 0.3),
      1,
    ),
    block: [between(-0.18, 0.18), between(-0.12, 0.12), 0.02, between(-0.6, 0.6)],
    held: false,
  };
}

export function copyWorld(world: World): World {
  return { state: world.state.slice(), block: [...world.block], held: world.held };
}

const LO = [-0.22, -0.16, 0.015, -0.3, -0.3, -1.8];
const HI = [0.22, 0.16, 0.22, 0.3, 0.3, 1.8];

export function move(world: World, action: ArrayLike<number>): void {
  const s = world.state;
  for (let i = 0; i < 6; i++) {
    const most = i < 3 ? 0.03 : 0.2;
    s[i] = clamp((s[i] as number) + clamp(action[i] as number, -most, most), LO[i] as number, HI[i] as number);
  }
  const before = s[6] as number;
  let gripper = before + clamp(clamp(action[6] as number, 0, 1) - before, -0.25, 0.25);
  const [x, y, z, , , yaw] = s as unknown as [number, number, number, number, number, number];
  const [bx, by, bz, byaw] = world.block;
  if (world.held) {
    if (gripper > 0.65) world.held = false;
    gripper = Math.max(gripper, BLOCK_WIDTH);
  } else if (gripper < before && before > BLOCK_WIDTH && gripper <= BLOCK_WIDTH + 1e-9) {
    if (Math.hypot(x - bx, y - by) < 0.012 && Math.abs(z - bz) < 0.015 && Math.abs(yaw - byaw) < 0.35) {
      world.held = true;
      gripper = BLOCK_WIDTH;
    }
  }
  s[6] = gripper;
  if (world.held) world.block = [x, y, Math.max(0.02, z), yaw];
}

export function lifted(world: World): boolean {
  return world.held && world.block[2] >= 0.08;
}

/** A feedback law of the whole state, as the policy would have learned it: half the error a tick, capped. */
export function expert({ state, block, held }: World): number[] {
  const [x, y, z, roll, pitch, yaw, gripper] = state as unknown as number[] as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const [bx, by, bz, byaw] = block;
  const off = Math.hypot(bx - x, by - y);
  const turn = byaw - yaw;
  let height = bz + Math.min(0.08, Math.max(0, 4 * (off - 0.006)) + Math.max(0, 0.2 * (Math.abs(turn) - 0.12)));
  let close = off < 0.008 && Math.abs(turn) < 0.17 && Math.abs(z - bz) < 0.008;
  close ||= gripper < 0.95 && off < 0.011 && Math.abs(turn) < 0.3 && Math.abs(z - bz) < 0.013;
  if (!held && gripper < 0.56) {
    close = false;
    height = bz + 0.06;
  }
  if (held) {
    close = true;
    height = 0.14;
  }
  let dx = (bx - x) / 2;
  let dy = (by - y) / 2;
  const size = Math.hypot(dx, dy);
  if (size > 0.025) {
    dx *= 0.025 / size;
    dy *= 0.025 / size;
  }
  const bounded = (value: number, most: number) => clamp(value / 2, -most, most);
  return [
    dx,
    dy,
    bounded(height - z, 0.025),
    bounded(-roll, 0.15),
    bounded(-pitch, 0.15),
    bounded(turn, 0.15),
    close ? 0 : 1,
  ];
}

/** What a perfect policy answers for this world: the expert rolled out, [size, 7]. */
export function expertChunk(world: World, size: number): Float32Array {
  const copy = copyWorld(world);
  const actions = new Float32Array(size * 7);
  for (let k = 0; k < size; k++) {
    const action = expert(copy);
    actions.set(action, k * 7);
    move(copy, action);
  }
  return actions;
}

function clamp(value: number, lo: number, hi: number): number {
  return Math.min(hi, Math.max(lo, value));
}
