import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { syntheticJpeg } from '../testing/synthetic-jpeg.js';
import { SmallJpegDecoder } from './small-jpeg-decoder.js';

const decoder = new SmallJpegDecoder();

/** Edges, gradients and noise: what upsampling, clamping and long codes are about. */
function picture(width: number, height: number, seed: number, noise: number): Buffer {
  const pixels = Buffer.alloc(width * height * 3);
  let random = seed;
  for (let i = 0; i < pixels.length; i++) {
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
    const [x, y, c] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width), i % 3];
    const shape =
      120 + 90 * Math.sin((x * (c + 1)) / 9 + seed) + 70 * Math.cos(y / 7) + (((x >> 3) + (y >> 3)) & 1) * 60;
    pixels[i] = Math.min(255, Math.max(0, shape + ((random >>> 24) / 255 - 0.5) * noise));
  }
  return pixels;
}

const raw = (width: number, height: number, seed = 1, noise = 20) =>
  sharp(picture(width, height, seed, noise), { raw: { width, height, channels: 3 } });

function decode(jpeg: Uint8Array, width: number, height: number): Uint8Array | null {
  const out = new Uint8Array(width * height * 3);
  return decoder.decode(jpeg, width, height, out, 0) ? out : null;
}

/** What stands in for an unusual encoder: the bytes with one changed. */
const patched = (bytes: Uint8Array, at: number, value: number) => {
  const copy = Uint8Array.from(bytes);
  copy[at] = value;
  return copy;
};

describe('[P5] our decoder gives the library’s very bytes, or nothing', () => {
  test('any size, quality, chroma sampling and content', async () => {
    const side = fc.integer({ min: 8, max: 130 });
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          width: side,
          height: side,
          quality: fc.integer({ min: 1, max: 100 }),
          chromaSubsampling: fc.constantFrom('4:2:0', '4:4:4'),
          optimiseCoding: fc.boolean(),
          seed: fc.nat(1000),
          noise: fc.constantFrom(0, 20, 255),
        }),
        async ({ width, height, seed, noise, ...options }) => {
          const jpeg = await raw(width, height, seed, noise).jpeg(options).toBuffer();
          const expected = await sharp(jpeg).raw().toBuffer();
          // Compared as buffers: a readable difference of 50,000 numbers helps nobody.
          const own = decode(jpeg, width, height);
          expect(own !== null && expected.equals(own)).toBe(true);
        },
      ),
      { numRuns: 150 },
    );
  }, 60_000);

  test('4:2:2, restart markers and long codes, which webcams use', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          width: fc.integer({ min: 8, max: 80 }),
          height: fc.integer({ min: 8, max: 80 }),
          h: fc.constantFrom(1, 2),
          v: fc.constant(1),
          restartInterval: fc.constantFrom(0, 1, 3, 7),
          codeLength: fc.constantFrom(8, 9, 10, 16),
          seed: fc.nat(),
        }),
        async (options) => {
          const jpeg = syntheticJpeg(options);
          const expected = await sharp(jpeg).raw().toBuffer();
          const own = decode(jpeg, options.width, options.height);
          expect(own !== null && expected.equals(own)).toBe(true);
        },
      ),
      { numRuns: 150 },
    );
  }, 60_000);

  test('other samplings are left to the library', () => {
    const options = { width: 64, height: 64, restartInterval: 0, codeLength: 8, seed: 1 };
    expect(decode(syntheticJpeg({ ...options, h: 2, v: 2 }), 64, 64)).not.toBeNull();
    expect(decode(syntheticJpeg({ ...options, h: 1, v: 2 }), 64, 64)).toBeNull();
    expect(decode(syntheticJpeg({ ...options, h: 4, v: 1 }), 64, 64)).toBeNull();
  });

  test('writes its rows where it is told and nowhere else', async () => {
    const jpeg = await raw(16, 16).jpeg().toBuffer();
    const out = new Uint8Array(16 * 16 * 3 + 20).fill(77);
    expect(decoder.decode(jpeg, 16, 16, out, 10)).toBe(true);
    expect([...out.subarray(0, 10), ...out.subarray(-10)]).toEqual(Array(20).fill(77));
  });

  test('leaves to the library what is not a plain three-colour baseline JPEG of that size', async () => {
    const image = () => raw(64, 64);
    const jpeg = await image().jpeg().toBuffer();
    const profile = await image().withIccProfile('p3').jpeg().toBuffer();
    const others = [
      await image().jpeg({ progressive: true }).toBuffer(),
      await image().toColourspace('b-w').jpeg().toBuffer(),
      await image().toColourspace('cmyk').jpeg().toBuffer(),
      profile,
      await image().png().toBuffer(),
      Buffer.from('no picture at all'),
      Buffer.alloc(0),
    ];
    expect(others.map((bytes) => decode(bytes, 64, 64))).toEqual(others.map(() => null));
    expect(decode(jpeg, 64, 65)).toBeNull();
    expect(decode(jpeg, 64, 64)).not.toBeNull();
  });

  test('leaves every truncated JPEG to the library, which refuses it', async () => {
    const jpeg = await raw(32, 32).jpeg().toBuffer();
    for (let length = 0; length < jpeg.length; length++) expect(decode(jpeg.subarray(0, length), 32, 32)).toBeNull();
  });

  test('never throws, hangs or writes outside, whatever the bytes', async () => {
    const jpeg = await raw(48, 40, 3, 255).jpeg({ quality: 95 }).toBuffer();
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(jpeg.length - 1), fc.nat(255)), { minLength: 1, maxLength: 12 }),
        (changes) => {
          const broken = changes.reduce((bytes, [at, value]) => patched(bytes, at, value), Uint8Array.from(jpeg));
          const out = new Uint8Array(48 * 40 * 3 + 1).fill(77);
          decoder.decode(broken, 48, 40, out, 0);
          expect(out[48 * 40 * 3]).toBe(77);
        },
      ),
      { numRuns: 400 },
    );
  });

  test('where a broken JPEG is decoded all the same, the library decodes it too, to the same bytes', async () => {
    const jpeg = await raw(48, 40, 3, 255).jpeg({ quality: 95 }).toBuffer();
    const start = jpeg.length - 800;
    await fc.assert(
      fc.asyncProperty(fc.nat(790), fc.nat(255), async (at, value) => {
        const broken = patched(jpeg, start + at, value);
        const own = decode(broken, 48, 40);
        if (own === null) return;
        const expected = await sharp(broken, { failOn: 'truncated' }).raw().toBuffer();
        expect(expected.equals(own)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });
});
