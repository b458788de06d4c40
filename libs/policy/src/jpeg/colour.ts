// Chroma upsampling ("fancy", triangle filter) and YCbCr → RGB (JFIF), with libjpeg's rounding, so that the pixels are the
// same, bit for bit. Lines are given by their start in the plane: a view a line costs more than the line.

/** One chroma line of `width` samples at `near`, twice as wide. */
export function upsampleAcross(plane: Uint8ClampedArray, near: number, width: number, out: Uint8ClampedArray): void {
  let before = plane[near] as number;
  let here = before;
  for (let i = 0; i < width; i++) {
    const after = i + 1 < width ? (plane[near + i + 1] as number) : here;
    out[2 * i] = (here * 3 + before + 1) >> 2;
    out[2 * i + 1] = (here * 3 + after + 2) >> 2;
    before = here;
    here = after;
  }
}

/** The same from the nearest line (weight 3) and the next nearest, for chroma that is halved vertically too. */
export function upsampleBoth(
  plane: Uint8ClampedArray,
  near: number,
  far: number,
  width: number,
  out: Uint8ClampedArray,
): void {
  let before = (plane[near] as number) * 3 + (plane[far] as number);
  let here = before;
  for (let i = 0; i < width; i++) {
    const after = i + 1 < width ? (plane[near + i + 1] as number) * 3 + (plane[far + i + 1] as number) : here;
    out[2 * i] = (here * 3 + before + 8) >> 4;
    out[2 * i + 1] = (here * 3 + after + 7) >> 4;
    before = here;
    here = after;
  }
}

/** A line of `width` pixels as RGB bytes at `to` of `out`, which clamps. `cb` and `cr` are starts in their lines' arrays. */
export function writeRgbRow(
  luma: Uint8ClampedArray,
  y: number,
  blues: Uint8ClampedArray,
  cb: number,
  reds: Uint8ClampedArray,
  cr: number,
  width: number,
  out: Uint8ClampedArray,
  to: number,
): void {
  for (let x = 0; x < width; x++) {
    const light = luma[y + x] as number;
    const b = (blues[cb + x] as number) - 128;
    const r = (reds[cr + x] as number) - 128;
    // 16-bit fixed point: 1.402, 0.34414 and 0.71414, 1.772.
    out[to] = light + ((91881 * r + 32768) >> 16);
    out[to + 1] = light + ((32768 - 22554 * b - 46802 * r) >> 16);
    out[to + 2] = light + ((116130 * b + 32768) >> 16);
    to += 3;
  }
}
