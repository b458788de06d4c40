import type { WireImage } from '@sinew/protocol';
import type { SlabPool } from './slab-pool.js';

type Images = Readonly<Record<string, WireImage>>;

/**
 * Where a waiting observation's images lie. They arrive in the socket's buffer, which dies with the event, and most are
 * replaced by newer ones before a worker asks (S5): one buffer that is written over costs a copy, where a fresh one a frame
 * made the garbage collector the largest consumer of a loaded gateway.
 */
export class ImageSlab {
  readonly #pool: SlabPool;
  #bytes: Uint8Array | null = null;

  constructor(pool: SlabPool) {
    this.#pool = pool;
  }

  /** Copies the images of the model's cameras; what it stored before is written over. */
  store(images: Images): Images {
    let total = 0;
    for (const name in images) total += images[name]?.data.length ?? 0;
    const bytes = this.#room(total);
    const kept: Record<string, WireImage> = {};
    let at = 0;
    for (const name in images) {
      const image = images[name];
      if (image === undefined) continue;
      const end = at + image.data.length;
      bytes.set(image.data, at);
      const data = bytes.subarray(at, end);
      kept[name] =
        image.kind === 'encoded'
          ? { kind: 'encoded', data }
          : { kind: 'rgb8', data, width: image.width, height: image.height };
      at = end;
    }
    return kept;
  }

  /** What is stored belongs to the caller from now on and stays as it is until the caller gives it back to the pool. */
  handOver(): Uint8Array | null {
    const bytes = this.#bytes;
    this.#bytes = null;
    return bytes;
  }

  #room(total: number): Uint8Array {
    const before = this.#bytes;
    // One large frame must not hold its memory for the rest of the session.
    if (before !== null && before.length >= total && before.length <= Math.max(4 * total, SMALL_BYTES)) return before;
    if (before !== null) this.#pool.give(before);
    this.#bytes = this.#pool.take(total);
    return this.#bytes;
  }
}

const SMALL_BYTES = 16_384;
