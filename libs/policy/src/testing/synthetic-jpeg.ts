/** What the image library's encoder cannot be asked for: 4:2:2, restart markers, long codes. Random coefficients do. */
export interface SyntheticJpeg {
  readonly width: number;
  readonly height: number;
  /** Sampling of the luma; chroma is 1×1. */
  readonly h: number;
  readonly v: number;
  /** MCUs between restart markers; 0: none. */
  readonly restartInterval: number;
  /** Bits of every code but the few of the DC table: 8…16. */
  readonly codeLength: number;
  readonly seed: number;
}

const segment = (marker: number, body: readonly number[]) => [
  0xff,
  marker,
  (body.length + 2) >> 8,
  (body.length + 2) & 255,
  ...body,
];

/** A valid baseline JPEG with a code of one length for every symbol (ITU-T T.81 annexes B and F). */
export function syntheticJpeg(options: SyntheticJpeg): Uint8Array {
  const { width, height, h, v, restartInterval, codeLength } = options;
  let random = options.seed;
  const next = (below: number) => {
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
    return (random >>> 16) % below;
  };
  const counts = (length: number, count: number) =>
    Array.from({ length: 16 }, (_, i) => (i + 1 === length ? count : 0));
  const dcSymbols = Array.from({ length: 12 }, (_, i) => i);
  const acSymbols = Array.from({ length: 250 }, (_, i) => i).filter(
    (s) => (s & 15) <= 10 && ((s & 15) > 0 || s === 0 || s === 0xf0),
  );
  const out: number[] = [
    0xff,
    0xd8,
    ...segment(0xdb, [0, ...Array.from({ length: 64 }, (_, k) => 2 + (k >> 2))]),
    ...segment(0xc0, [
      8,
      height >> 8,
      height & 255,
      width >> 8,
      width & 255,
      3,
      1,
      (h << 4) | v,
      0,
      2,
      0x11,
      0,
      3,
      0x11,
      0,
    ]),
    ...segment(0xc4, [0, ...counts(4, dcSymbols.length), ...dcSymbols]),
    ...segment(0xc4, [0x10, ...counts(codeLength, acSymbols.length), ...acSymbols]),
    ...(restartInterval > 0 ? segment(0xdd, [restartInterval >> 8, restartInterval & 255]) : []),
    ...segment(0xda, [3, 1, 0, 2, 0, 3, 0, 0, 63, 0]),
  ];

  let bits = 0;
  let count = 0;
  const byte = (value: number) => out.push(value, ...(value === 255 ? [0] : []));
  const put = (value: number, length: number) => {
    for (let i = length - 1; i >= 0; i--) {
      bits = (bits << 1) | ((value >> i) & 1);
      if (++count === 8) {
        byte(bits);
        bits = 0;
        count = 0;
      }
    }
  };
  const align = () => {
    if (count > 0) put(0xff, 8 - count);
  };
  const value = (size: number) => put(next(1 << size), size);
  const block = () => {
    const dc = next(5);
    put(dc, 4);
    value(dc);
    for (let k = 1; k < 64 && next(4) > 0; ) {
      const run = Math.min(next(6), 63 - k);
      const size = 1 + next(4);
      put(acSymbols.indexOf((run << 4) | size), codeLength);
      value(size);
      k += run + 1;
      if (k === 64) return;
    }
    put(acSymbols.indexOf(0), codeLength);
  };
  const mcus = Math.ceil(width / (8 * h)) * Math.ceil(height / (8 * v));
  for (let mcu = 0; mcu < mcus; mcu++) {
    if (restartInterval > 0 && mcu > 0 && mcu % restartInterval === 0) {
      align();
      out.push(0xff, 0xd0 + ((mcu / restartInterval - 1) & 7));
    }
    for (let i = 0; i < h * v + 2; i++) block();
  }
  align();
  return Uint8Array.from([...out, 0xff, 0xd9]);
}
