import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { CameraSpec } from '../bundle/manifest.js';
import { fitEncoded, fitRgb, ImageError } from './fit-image.js';

const camera = (resize: CameraSpec['resize'], width = 64, height = 64) =>
  CameraSpec.parse({ name: 'main', tensor: 'image', width, height, resize });

/** Left half red, right half blue. */
function halves(width: number, height: number): Uint8Array {
  const pixels = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) pixels[i * 3 + (i % width < width / 2 ? 0 : 2)] = 255;
  return pixels;
}
const at = (rgb: Uint8Array, x: number, y: number, width = 64) => [
  ...rgb.subarray((y * width + x) * 3, (y * width + x) * 3 + 3),
];
const RED = [255, 0, 0];
const BLUE = [0, 0, 255];
const BLACK = [0, 0, 0];

describe('[P5] a frame of another size', () => {
  test('stretch ignores the aspect', async () => {
    const rgb = await fitRgb(halves(128, 64), 128, 64, camera('stretch'));
    expect(rgb).toHaveLength(64 * 64 * 3);
    expect([at(rgb, 0, 0), at(rgb, 63, 63), at(rgb, 28, 30), at(rgb, 35, 30)]).toEqual([RED, BLUE, RED, BLUE]);
  });

  test('letterbox keeps everything and pads with black, evenly', async () => {
    const rgb = await fitRgb(halves(128, 64), 128, 64, camera('letterbox'));
    expect([at(rgb, 0, 15), at(rgb, 0, 16), at(rgb, 63, 47), at(rgb, 63, 48)]).toEqual([BLACK, RED, BLUE, BLACK]);
  });

  test('crop cuts the longer side evenly', async () => {
    const rgb = await fitRgb(halves(256, 64), 256, 64, camera('crop'));
    expect([at(rgb, 0, 0), at(rgb, 31, 63), at(rgb, 32, 0), at(rgb, 63, 63)]).toEqual([RED, RED, BLUE, BLUE]);
  });

  test('exact refuses it', async () => {
    await expect(fitRgb(halves(128, 64), 128, 64, camera('exact'))).rejects.toThrow('must be 64×64');
    const png = await sharp(halves(128, 64), { raw: { width: 128, height: 64, channels: 3 } })
      .png()
      .toBuffer();
    await expect(fitEncoded(png, camera('exact'))).rejects.toThrow('must be 64×64');
  });

  test('a frame of the camera’s size passes as it is', async () => {
    const frame = halves(64, 64);
    expect(await fitRgb(frame, 64, 64, camera('exact'))).toBe(frame);
  });
});

describe('[P5] bytes that are no usable image', () => {
  const encoded = async (channels: 3 | 4, side: number) =>
    sharp({ create: { width: side, height: side, channels, background: '#123456' } });
  const noise = () =>
    sharp(
      Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => Math.imul(i, 2654435761) >>> 24),
      {
        raw: { width: 64, height: 64, channels: 3 },
      },
    );
  test.each<[string, () => Promise<Uint8Array>, string]>([
    ['nothing', async () => new Uint8Array(0), 'is not JPEG'],
    ['a GIF', async () => (await encoded(3, 64)).gif().toBuffer(), 'is not JPEG'],
    ['a TIFF', async () => (await encoded(3, 64)).tiff().toBuffer(), 'is not JPEG'],
    [
      'an SVG',
      async () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"/>'),
      'is not JPEG',
    ],
    ['a PNG with alpha', async () => (await encoded(4, 64)).png().toBuffer(), '4 channels'],
    ['a PNG of too many pixels', async () => (await encoded(3, 3000)).png().toBuffer(), 'cannot be decoded'],
    ['a JPEG of a header only', async () => (await (await encoded(3, 64)).jpeg().toBuffer()).subarray(0, 200), ''],
    ['a WebP cut in half', async () => (await noise().webp().toBuffer()).subarray(0, 1_000), ''],
  ])('%s', async (_what, make, reason) => {
    const fault: unknown = await fitEncoded(await make(), camera('stretch')).catch((error: unknown) => error);
    expect(fault).toBeInstanceOf(ImageError);
    expect((fault as Error).message).toContain(reason);
    expect((fault as Error).message).not.toContain('\n');
  });
});
