/** Free buffers beyond this are left to the garbage collector. */
const MOST_FREE_BYTES = 16 * 1024 * 1024;
const SMALLEST_SLAB_BYTES = 4_096;

/**
 * Buffers for images on their way to a policy, used again. V8 counts every fresh one as memory outside its heap, and begins a
 * mark-compact for 20 MB of it: at 500 inferences a second with frames of 20 KB that was one every 0.6 s, which held up all
 * robots for 10 to 16 ms.
 */
export class SlabPool {
  readonly #free = new Map<number, Uint8Array[]>();
  #freeBytes = 0;

  /** At least `bytes` long, at most a quarter longer; its content is of the past. */
  take(bytes: number): Uint8Array {
    const size = slabSize(bytes);
    const slab = this.#free.get(size)?.pop();
    if (slab === undefined) return new Uint8Array(size);
    this.#freeBytes -= size;
    return slab;
  }

  /** The caller must not look at it any more. */
  give(slab: Uint8Array): void {
    if (this.#freeBytes + slab.length > MOST_FREE_BYTES) return;
    this.#freeBytes += slab.length;
    const free = this.#free.get(slab.length);
    if (free === undefined) this.#free.set(slab.length, [slab]);
    else free.push(slab);
  }
}

/** Four sizes to a doubling, so that frames of about one size share their buffers. */
function slabSize(bytes: number): number {
  if (bytes <= SMALLEST_SLAB_BYTES) return SMALLEST_SLAB_BYTES;
  const quarter = 2 ** (Math.ceil(Math.log2(bytes)) - 3);
  return Math.ceil(bytes / quarter) * quarter;
}
