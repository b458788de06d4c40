/** A JPEG as far as its frame header, filled up with zeros. */
export function jpegHeader(width: number, height: number, channels = 3, bytes = 2048): Uint8Array {
  const data = new Uint8Array(bytes);
  data.set([0xff, 0xd8, 0xff, 0xc0, 0, 17, 8, height >> 8, height & 255, width >> 8, width & 255, channels]);
  return data;
}

/** A PNG as far as its IHDR; colour type 2 is colour, 0 grey, 6 colour with alpha. */
export function pngHeader(width: number, height: number, colourType: number): Uint8Array {
  const data = new Uint8Array(2048);
  data.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52]);
  const view = new DataView(data.buffer);
  view.setUint32(16, width);
  view.setUint32(20, height);
  view.setUint8(25, colourType);
  return data;
}
