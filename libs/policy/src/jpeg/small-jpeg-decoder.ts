import { upsampleAcross, upsampleBoth, writeRgbRow } from './colour.js';
import { type JpegComponent, type JpegFrame, readFrameHeader } from './frame-header.js';
import { inverseDct } from './inverse-dct.js';
import { ScanDecoder } from './scan-decoder.js';

/** Whole blocks of one component; `width` and `height` are its real samples. */
interface Plane {
  samples: Uint8ClampedArray;
  stride: number;
  width: number;
  height: number;
}

/**
 * Decodes what cameras send: baseline YCbCr JPEGs. At 96×96 the library's decoder spends most of its 0.8 ms on its pipeline,
 * not on pixels; this one needs a third of that. It gives the library's very bytes or nothing: whatever is unusual or
 * broken it leaves to the library, which then also gives the reason. One at a time; it keeps its buffers.
 */
export class SmallJpegDecoder {
  readonly #coefficients = new Int32Array(64);
  readonly #planes: Plane[] = [0, 1, 2].map(() => ({
    samples: new Uint8ClampedArray(0),
    stride: 0,
    width: 0,
    height: 0,
  }));
  #chroma: [Uint8ClampedArray, Uint8ClampedArray] = [new Uint8ClampedArray(0), new Uint8ClampedArray(0)];

  /** RGB bytes of a `width`×`height` image at `at` of `out`. False: not an image for this decoder; `out` may be half written. */
  decode(bytes: Uint8Array, width: number, height: number, out: Uint8Array, at: number): boolean {
    const frame = readFrameHeader(bytes);
    if (frame === null || frame.width !== width || frame.height !== height) return false;
    if (!this.#decodeScan(bytes, frame)) return false;
    this.#writeRgb(frame, new Uint8ClampedArray(out.buffer, out.byteOffset + at, width * height * 3));
    return true;
  }

  #decodeScan(bytes: Uint8Array, frame: JpegFrame): boolean {
    const { components, width, height, restartInterval } = frame;
    const [luma] = components;
    if (luma === undefined) return false;
    const across = Math.ceil(width / (8 * luma.h));
    const down = Math.ceil(height / (8 * luma.v));
    components.forEach((component, i) => {
      this.#preparePlane(i, component, luma, frame, across, down);
    });
    const scan = new ScanDecoder(bytes, frame.scanStart);
    const predictions = [0, 0, 0];
    for (let mcu = 0; mcu < across * down; mcu++) {
      if (restartInterval > 0 && mcu > 0 && mcu % restartInterval === 0) {
        if (scan.broken) return false;
        scan.restart(mcu / restartInterval - 1);
        predictions.fill(0);
      }
      const column = mcu % across;
      const row = (mcu - column) / across;
      for (let i = 0; i < 3; i++) {
        const component = components[i];
        const plane = this.#planes[i];
        if (component === undefined || plane === undefined) return false;
        const dc = frame.dc[component.dcTable];
        const ac = frame.ac[component.acTable];
        const quant = frame.quant[component.quantTable];
        if (dc === undefined || ac === undefined || quant === undefined) return false;
        const { h, v } = component;
        for (let y = 0; y < v; y++) {
          for (let x = 0; x < h; x++) {
            predictions[i] = scan.block(dc, ac, quant, predictions[i] ?? 0, this.#coefficients);
            const at = (row * v + y) * 8 * plane.stride + (column * h + x) * 8;
            inverseDct(this.#coefficients, plane.samples, at, plane.stride);
          }
        }
      }
      if (column === across - 1 && scan.broken) return false;
    }
    return !scan.broken && scan.atEnd();
  }

  #preparePlane(
    i: number,
    { h, v }: JpegComponent,
    luma: JpegComponent,
    frame: JpegFrame,
    across: number,
    down: number,
  ): void {
    const plane = this.#planes[i];
    if (plane === undefined) return;
    plane.stride = across * h * 8;
    plane.width = Math.ceil((frame.width * h) / luma.h);
    plane.height = Math.ceil((frame.height * v) / luma.v);
    const size = plane.stride * down * v * 8;
    if (plane.samples.length < size) plane.samples = new Uint8ClampedArray(size);
    if (this.#chroma[0].length < 2 * plane.width)
      this.#chroma = [new Uint8ClampedArray(2 * plane.width), new Uint8ClampedArray(2 * plane.width)];
  }

  #writeRgb({ width, height, components }: JpegFrame, out: Uint8ClampedArray): void {
    const [luma, blue, red] = this.#planes;
    const { h = 1, v = 1 } = components[0] ?? {};
    if (luma === undefined || blue === undefined || red === undefined) return;
    const [cb, cr] = this.#chroma;
    for (let y = 0; y < height; y++) {
      const to = y * width * 3;
      if (h === 1) {
        const at = y * blue.stride;
        writeRgbRow(luma.samples, y * luma.stride, blue.samples, at, red.samples, at, width, out, to);
        continue;
      }
      chromaLine(blue, y, v, cb);
      chromaLine(red, y, v, cr);
      writeRgbRow(luma.samples, y * luma.stride, cb, 0, cr, 0, width, out, to);
    }
  }
}

/** The chroma of output line `y` where it is halved across, and for `v` = 2 down. Beyond the edge the edge repeats. */
function chromaLine({ samples, stride, width, height }: Plane, y: number, v: number, out: Uint8ClampedArray): void {
  if (v === 1) {
    upsampleAcross(samples, y * stride, width, out);
    return;
  }
  const near = y >> 1;
  const far = Math.min(Math.max((y & 1) === 0 ? near - 1 : near + 1, 0), height - 1);
  upsampleBoth(samples, near * stride, far * stride, width, out);
}
