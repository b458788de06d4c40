import sharp from 'sharp';

const JPEG_COMMENT = 0xfe;
/** Two length bytes and their content: the most that one segment may hold (ITU-T T.81, B.1.1.4). */
const LONGEST_SEGMENT = 65_535;

/** A picture that decodes, `bytes` long: a small JPEG filled up with comment segments, which decoders skip. */
export async function jpegOfSize(width: number, height: number, bytes: number): Promise<Uint8Array> {
  const picture = await sharp(gradient(width, height), { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 85 })
    .toBuffer();
  return withComments(picture, bytes);
}

/** Fills up to exactly `bytes`; a picture that is as long already stays as it is. */
export function withComments(jpeg: Buffer, bytes: number): Uint8Array {
  const segments: Buffer[] = [];
  let missing = bytes - jpeg.length;
  while (missing >= 4) {
    // Four bytes are the least a segment takes: what is left must be nothing or that much.
    let size = Math.min(missing, LONGEST_SEGMENT + 2);
    if (missing - size > 0 && missing - size < 4) size -= 4;
    const segment = Buffer.alloc(size);
    segment[0] = 0xff;
    segment[1] = JPEG_COMMENT;
    segment.writeUInt16BE(size - 2, 2);
    segments.push(segment);
    missing -= size;
  }
  return Buffer.concat([jpeg.subarray(0, 2), ...segments, jpeg.subarray(2)]);
}

/** [height, width, 3] */
export function gradient(width: number, height: number): Uint8Array {
  const pixels = new Uint8Array(width * height * 3);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      pixels[at++] = (x * 255) / width;
      pixels[at++] = (y * 255) / height;
      pixels[at++] = ((x ^ y) * 5) & 0xff;
    }
  }
  return pixels;
}
