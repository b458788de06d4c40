import sharp, { type Sharp } from 'sharp';
import type { CameraSpec } from '../bundle/manifest.js';

/** Larger images are refused before any pixel is decoded: 2048×2048 is the wire's limit (W5). */
const MAX_PIXELS = 2048 * 2048;

const FIT = { stretch: 'fill', crop: 'cover', letterbox: 'contain', exact: 'fill' } as const;

// One decode uses one thread of the pool: batches are parallel already. A cache of frames that never repeat is waste.
sharp.concurrency(1);
sharp.cache(false);

/** A frame that cannot be used; its message is the reason that the client reads. */
export class ImageError extends Error {
  override readonly name = 'ImageError';
}

/** JPEG, PNG or WebP → RGB of the camera's size. Throws an ImageError for bytes that are truncated or no such image. */
export async function fitEncoded(bytes: Uint8Array, camera: CameraSpec): Promise<Uint8Array> {
  if (!isKnownFormat(bytes)) throw new ImageError('is not JPEG, PNG or WebP');
  const image = sharp(bytes, { failOn: 'truncated', limitInputPixels: MAX_PIXELS, sequentialRead: true });
  try {
    if (camera.resize === 'exact') {
      const { width, height } = await image.metadata();
      if (width !== camera.width || height !== camera.height) throw exactSize(camera);
    }
    return await pixels(image, camera);
  } catch (cause) {
    if (cause instanceof ImageError) throw cause;
    throw new ImageError(`cannot be decoded: ${firstLine(cause)}`, { cause });
  }
}

/** [height, width, 3] bytes → RGB of the camera's size. */
export async function fitRgb(
  bytes: Uint8Array,
  width: number,
  height: number,
  camera: CameraSpec,
): Promise<Uint8Array> {
  if (width === camera.width && height === camera.height) return bytes;
  if (camera.resize === 'exact') throw exactSize(camera);
  const image = sharp(bytes, { raw: { width, height, channels: 3 }, limitInputPixels: MAX_PIXELS });
  return await pixels(image, camera);
}

async function pixels(image: Sharp, { width, height, resize }: CameraSpec): Promise<Uint8Array> {
  // `linear` with shrinking takes every source pixel into account, as the training pipelines' bilinear resize does.
  const { data, info } = await image
    .resize({ width, height, fit: FIT[resize], kernel: 'linear', background: '#000' })
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== 3) throw new ImageError(`has ${info.channels} channels, not 3`);
  return data;
}

function exactSize({ width, height }: CameraSpec): ImageError {
  return new ImageError(`must be ${width}×${height}`);
}

/** Only these three ever reach the decoder library: it would also parse SVG, GIF, TIFF and more. */
function isKnownFormat(b: Uint8Array): boolean {
  const jpeg = b[0] === 0xff && b[1] === 0xd8 && b[2] === 0xff;
  const png = b[0] === 0x89 && b[1] === 0x50 && b[2] === 0x4e && b[3] === 0x47;
  const riff = b[0] === 0x52 && b[1] === 0x49 && b[2] === 0x46 && b[3] === 0x46;
  const webp = riff && b[8] === 0x57 && b[9] === 0x45 && b[10] === 0x42 && b[11] === 0x50;
  return jpeg || png || webp;
}

function firstLine(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).split('\n', 1)[0] ?? '';
}
