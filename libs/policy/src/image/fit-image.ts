import { type ImageHeader, readImageHeader, WIRE_LIMITS } from '@sinew/protocol';
import sharp, { type Sharp } from 'sharp';
import type { CameraSpec } from '../bundle/manifest.js';

/** Larger images are refused before any pixel is decoded (W5). */
const MAX_PIXELS = WIRE_LIMITS.maxImageSide ** 2;

const FIT = { stretch: 'fill', crop: 'cover', letterbox: 'contain', exact: 'fill' } as const;

// One decode uses one thread of the pool: batches are parallel already. A cache of frames that never repeat is waste.
sharp.concurrency(1);
sharp.cache(false);

/** A frame that cannot be used; its message is the reason that the client reads. */
export class ImageError extends Error {
  override readonly name = 'ImageError';
}

/** What the bytes say they are. Only these three formats reach the library: it would also parse SVG, GIF, TIFF and more. */
function imageHeader(bytes: Uint8Array): ImageHeader {
  const header = readImageHeader(bytes);
  if (header === null) throw new ImageError('is not JPEG, PNG or WebP');
  if (header.channels !== 3) throw new ImageError(`has ${header.channels} channels, not 3`);
  return header;
}

/** JPEG, PNG or WebP → RGB of the camera's size, in the library's own threads. Throws an ImageError for broken bytes. */
export async function fitEncoded(bytes: Uint8Array, camera: CameraSpec): Promise<Uint8Array> {
  const { width, height } = imageHeader(bytes);
  checkSize(width, height, camera);
  try {
    const image = sharp(bytes, { failOn: 'warning', limitInputPixels: MAX_PIXELS, sequentialRead: true });
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
  checkSize(width, height, camera);
  return await pixels(sharp(bytes, { raw: { width, height, channels: 3 }, limitInputPixels: MAX_PIXELS }), camera);
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

function checkSize(width: number, height: number, camera: CameraSpec): void {
  if (camera.resize === 'exact' && (width !== camera.width || height !== camera.height))
    throw new ImageError(`must be ${camera.width}×${camera.height}`);
}

function firstLine(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).split('\n', 1)[0] ?? '';
}
