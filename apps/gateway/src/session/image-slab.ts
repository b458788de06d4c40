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
  /** What was answered last, as long as nobody else holds it: the next images of the same form only replace its bytes. */
  #stored: Record<string, WireImage> | null = null;

  constructor(pool: SlabPool) {
    this.#pool = pool;
  }

  /** Copies the images of the model's cameras; what it stored before is written over. */
  store(images: Images): Images {
    const again = this.#again(images);
    if (again !== null) return again;
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
    this.#stored = kept;
    return kept;
  }

  /** Writes the bytes alone where the images have the form of those before: raw pixels always do. */
  #again(images: Images): Images | null {
    const stored = this.#stored;
    if (stored === null) return null;
    let cameras = 0;
    for (const name in images) {
      const [image, before] = [images[name], stored[name]];
      if (image === undefined || before === undefined || image.kind !== before.kind) return null;
      if (image.data.length !== before.data.length) return null;
      if (image.kind === 'rgb8' && before.kind === 'rgb8') {
        if (image.width !== before.width || image.height !== before.height) return null;
      }
      cameras++;
    }
    for (const name in stored) cameras -= stored[name] === undefined ? 0 : 1;
    if (cameras !== 0) return null;
    for (const name in images) stored[name]?.data.set(images[name]?.data ?? []);
    return stored;
  }

  /** What is stored belongs to the caller from now on and stays as it is until the caller gives it back to the pool. */
  handOver(): Uint8Array | null {
    const bytes = this.#bytes;
    this.#bytes = null;
    this.#stored = null;
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
