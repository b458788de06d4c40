import { copyWorld, FRAME_BYTES, Renderer, type World } from '@sinew/simulator';

/** More pictures than observations of one fleet can be under way: a robot has one waiting and one in flight. */
const KEPT = 16_384;

/**
 * A camera whose pictures are drawn only when a policy looks at them: most observations are superseded before. What travels is
 * as long as a picture and holds its number; the world is kept as it was at that moment.
 */
export class LateCamera {
  readonly #renderer = new Renderer();
  readonly #worlds: World[] = [];
  #next = 0;

  readonly photograph = (world: World, frame: Uint8Array): void => {
    this.#worlds[this.#next % KEPT] = copyWorld(world);
    new DataView(frame.buffer, frame.byteOffset).setUint32(0, this.#next++);
  };

  /** The picture that was meant. */
  develop(frame: Uint8Array): Uint8Array {
    const number = new DataView(frame.buffer, frame.byteOffset).getUint32(0);
    const world = this.#worlds[number % KEPT];
    if (world === undefined || number + KEPT < this.#next) throw new Error(`picture ${number} is not kept any more`);
    const picture = new Uint8Array(FRAME_BYTES);
    this.#renderer.render(world, picture);
    return picture;
  }
}
