import { FRAME_BYTES, type Renderer } from '../camera/render.js';
import { CHUNK, CHUNK_VALUES } from '../policy/way-points.js';
import { TOKENS, type Words } from '../policy/words.js';
import { expertChunk } from '../table/expert.js';
import { instructionOf } from '../table/instructions.js';
import { Random } from '../table/random.js';
import { copyWorld, goalBowl, targetCube, type World } from '../table/world.js';
import { playFrozenPrefix } from './frozen-prefix.js';

export const LATENTS = 7;

/**
 * One training sample, a fixed layout on a pipe (little-endian): state float32 [7], chunk float32 [8 × 7], latents
 * float32 [7], tokens uint8 [16], how many of the chunk's actions are given (uint8), and for streams with pictures the frame
 * uint8 [96 × 96 × 3].
 */
export const LABEL_BYTES = 4 * (7 + CHUNK_VALUES + LATENTS) + TOKENS + 1;
export const SAMPLE_BYTES = LABEL_BYTES + FRAME_BYTES;

export class SampleWriter {
  readonly #renderer: Renderer;
  readonly #words: Words;
  readonly #mostGiven: number;
  readonly #random: Random;
  readonly #chunk = new Float32Array(CHUNK_VALUES);

  /** `mostGiven`: 0 … so many of a chunk's first actions are frozen (playFrozenPrefix), and only the others the expert's. */
  constructor(renderer: Renderer, words: Words, mostGiven = 0) {
    this.#renderer = renderer;
    this.#words = words;
    this.#mostGiven = mostGiven;
    this.#random = new Random(mostGiven);
  }

  /** What the policy should do in this world, with or without the frame that it will see. */
  sample(world: World, withFrame: boolean): Uint8Array {
    const bytes = new Uint8Array(withFrame ? SAMPLE_BYTES : LABEL_BYTES);
    const floats = new Float32Array(bytes.buffer, 0, 7 + CHUNK_VALUES + LATENTS);
    floats.set(world.tool, 0);
    const given = this.#label(world);
    floats.set(this.#chunk, 7);
    floats.set(latentsOf(world), 7 + CHUNK_VALUES);
    bytes.set(this.#words.encode(instructionOf(world), TOKENS), LABEL_BYTES - TOKENS - 1);
    bytes[LABEL_BYTES - 1] = given;
    if (withFrame) this.#renderer.render(world, bytes.subarray(LABEL_BYTES));
    return bytes;
  }

  /** Fills the chunk: what is given, then the expert's actions from where that leads. */
  #label(world: World): number {
    if (this.#mostGiven === 0) {
      expertChunk(world, CHUNK, this.#chunk);
      return 0;
    }
    const ahead = copyWorld(world);
    const given = playFrozenPrefix(ahead, this.#random, this.#mostGiven, this.#chunk);
    expertChunk(ahead, CHUNK - given, this.#chunk.subarray(given * 7));
    return given;
  }
}

/**
 * What perception has to find, scaled to about ±2: the named cube's x, y, z and yaw (as the sine and cosine of 4·yaw: a
 * cube has four equal sides) and the named bowl's x, y, which are 0 where the task has no bowl.
 */
export function latentsOf(world: World): number[] {
  const cube = targetCube(world);
  const bowl = world.goal.task === 'put' ? goalBowl(world) : { x: 0, y: 0 };
  return [
    cube.x / 0.1,
    cube.y / 0.08,
    (cube.z - 0.05) / 0.05,
    Math.sin(4 * cube.yaw),
    Math.cos(4 * cube.yaw),
    bowl.x / 0.1,
    bowl.y / 0.08,
  ];
}
