import type { WireImage } from '@sinew/protocol';

type Images = Readonly<Record<string, WireImage>>;

/**
 * Where a waiting observation's images lie. They arrive in the socket's buffer, which dies with the event, and most are
 * replaced by newer ones before a worker asks (S5): one buffer that is written over costs a copy, where a fresh one a frame
 * made the garbage collector the largest consumer of a loaded gateway.
 */
export class ImageSlab {
  #bytes: Uint8Array | null = null;

  /** Copies the images; what it stored before is written over. */
  store(images: Images): Images {
    let total = 0;
    for (const name of Object.keys(images)) total += images[name]?.data.length ?? 0;
    let bytes = this.#bytes;
    // One large frame must not hold its memory for the rest of the session.
    if (bytes === null || bytes.length < total || bytes.length > 4 * total) bytes = new Uint8Array(total);
    this.#bytes = bytes;
    const kept: Record<string, WireImage> = Object.create(null);
    let at = 0;
    for (const name of Object.keys(images)) {
      const image = images[name];
      if (image === undefined) continue;
      const end = at + image.data.length;
      bytes.set(image.data, at);
      kept[name] = { ...image, data: bytes.subarray(at, end) };
      at = end;
    }
    return kept;
  }

  /** What is stored belongs to the caller from now on and stays as it is. */
  handOver(): void {
    this.#bytes = null;
  }
}
