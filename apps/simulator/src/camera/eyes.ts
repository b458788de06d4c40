import { recolour } from '../table/instructions.js';
import { step } from '../table/physics.js';
import { createWorld } from '../table/scene.js';
import type { World } from '../table/world.js';
import type { Renderer } from './render.js';

/**
 * Ways to take from a policy what it needs, so that its success has to vanish. `grey`: a grey picture with the sensor's
 * noise; `swap`: the picture of another episode; `recolour`: every colour word replaced by the next.
 */
export const BLINDS = ['grey', 'swap', 'recolour'] as const;
export type Blind = (typeof BLINDS)[number];

const GREY = 128;

/** What one episode's robot sees and is told. */
export class Eyes {
  readonly #renderer: Renderer;
  readonly #blind: Blind | null;
  readonly #other: World | null;

  /** `seed`: of the episode that the robot is in. */
  constructor(renderer: Renderer, blind: Blind | null, seed: number) {
    this.#renderer = renderer;
    this.#blind = blind;
    this.#other = blind === 'swap' ? createWorld((seed ^ 0x40000000) >>> 0) : null;
  }

  /** The frame of this moment, RGB [96 × 96 × 3], into `frame`. */
  see(world: World, frame: Uint8Array): void {
    if (this.#blind === 'grey') this.#renderer.renderPlain(GREY, world, frame);
    else this.#renderer.render(this.#other ?? world, frame);
  }

  read(instruction: string): string {
    return this.#blind === 'recolour' ? recolour(instruction) : instruction;
  }

  /** The robot has moved. Another episode's arm moves as this one's: only its table tells them apart. */
  moved(action: ArrayLike<number>): void {
    if (this.#other !== null) step(this.#other, action);
  }
}
