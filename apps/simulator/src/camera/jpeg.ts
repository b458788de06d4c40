import sharp from 'sharp';
import { FRAME_SIZE } from './projection.js';

// One frame is small: a pool of threads for each would cost more than it saves.
sharp.concurrency(1);
sharp.cache(false);

/** As cameras do it: chroma at half the resolution. About 2.8 KB a frame. */
const JPEG = { quality: 90, chromaSubsampling: '4:2:0' } as const;

/** RGB [96 × 96 × 3] to the bytes that a robot sends. `frame` must not change before this resolves. */
export function encodeJpeg(frame: Uint8Array): Promise<Uint8Array> {
  return sharp(frame, { raw: { width: FRAME_SIZE, height: FRAME_SIZE, channels: 3 } })
    .jpeg(JPEG)
    .toBuffer();
}

/** What a receiver makes of it: RGB [96 × 96 × 3]. */
export function decodeJpeg(bytes: Uint8Array): Promise<Uint8Array> {
  return sharp(bytes).raw().toBuffer();
}
