import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { readImageHeader } from './image-header.js';

const picture = (channels: 3 | 4, width = 131, height = 77) =>
  sharp({ create: { width, height, channels, background: { r: 200, g: 40, b: 90, alpha: 0.5 } } });

describe('image headers of real encoders', () => {
  it('[W5] gives size and channels of JPEG, baseline and progressive, colour and grey', async () => {
    const colour = { format: 'jpeg', width: 131, height: 77, channels: 3 };
    expect(readImageHeader(await picture(3).jpeg().toBuffer())).toEqual(colour);
    expect(readImageHeader(await picture(3).jpeg({ progressive: true }).withMetadata().toBuffer())).toEqual(colour);
    expect(readImageHeader(await picture(3).toColourspace('b-w').jpeg().toBuffer())).toMatchObject({ channels: 1 });
    expect(readImageHeader(await picture(3).toColourspace('cmyk').jpeg().toBuffer())).toMatchObject({ channels: 4 });
  });

  it('[W5] gives size and channels of PNG', async () => {
    expect(readImageHeader(await picture(3).png().toBuffer())).toEqual({
      format: 'png',
      width: 131,
      height: 77,
      channels: 3,
    });
    expect(readImageHeader(await picture(4).png().toBuffer())).toMatchObject({ channels: 4 });
    expect(readImageHeader(await picture(3).toColourspace('b-w').png().toBuffer())).toMatchObject({ channels: 1 });
  });

  it('[W5] gives size and channels of WebP: lossy, lossless, extended', async () => {
    expect(readImageHeader(await picture(3).webp().toBuffer())).toEqual({
      format: 'webp',
      width: 131,
      height: 77,
      channels: 3,
    });
    expect(readImageHeader(await picture(3).webp({ lossless: true }).toBuffer())).toEqual({
      format: 'webp',
      width: 131,
      height: 77,
      channels: 3,
    });
    expect(readImageHeader(await picture(4).webp().toBuffer())).toMatchObject({ width: 131, height: 77, channels: 4 });
    expect(readImageHeader(await picture(4, 2000, 1500).webp({ lossless: true }).toBuffer())).toMatchObject({
      width: 2000,
      height: 1500,
      channels: 4,
    });
  });

  it('[W5] refuses other formats and headers cut off', async () => {
    expect(readImageHeader(await picture(3).gif().toBuffer())).toBeNull();
    for (const encoded of [
      await picture(3).png().toBuffer(),
      await picture(3).jpeg().toBuffer(),
      await picture(3).webp().toBuffer(),
    ])
      expect(readImageHeader(encoded.subarray(0, 20))).toBeNull();
  });
});
