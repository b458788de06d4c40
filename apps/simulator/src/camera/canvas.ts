import { clamp } from '../table/geometry.js';
import type { Rgb } from '../table/world.js';
import { CANVAS_SIZE, FRAME_SIZE, OVERSAMPLING } from './projection.js';

export const OPAQUE = 256;

/** An RGB picture that convex polygons are painted on. Reused from frame to frame: drawing allocates nothing. */
export class Canvas {
  readonly #pixels = new Uint8Array(CANVAS_SIZE * CANVAS_SIZE * 3);

  /** Fills everything; channels are cut to integers. */
  clear(paint: Rgb): void {
    const row = this.#pixels.subarray(0, CANVAS_SIZE * 3);
    for (let i = 0; i < row.length; i += 3) {
      row[i] = clamp(paint[0], 0, 255);
      row[i + 1] = clamp(paint[1], 0, 255);
      row[i + 2] = clamp(paint[2], 0, 255);
    }
    for (let y = 1; y < CANVAS_SIZE; y++) this.#pixels.copyWithin(y * row.length, 0, row.length);
  }

  /**
   * Paints a convex polygon of `count` vertices (x, y pairs in canvas pixels). A pixel belongs to it when its centre
   * does. `alpha` 0-256.
   */
  fill(polygon: Float64Array, count: number, red: number, green: number, blue: number, alpha = OPAQUE): void {
    let top = Number.POSITIVE_INFINITY;
    let bottom = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < count; i++) {
      const y = polygon[2 * i + 1] ?? 0;
      if (y < top) top = y;
      if (y > bottom) bottom = y;
    }
    const firstRow = Math.max(0, Math.ceil(top - 0.5));
    const lastRow = Math.min(CANVAS_SIZE - 1, Math.ceil(bottom - 0.5) - 1);
    const r = Math.floor(clamp(red, 0, 255) + 0.5);
    const g = Math.floor(clamp(green, 0, 255) + 0.5);
    const b = Math.floor(clamp(blue, 0, 255) + 0.5);
    for (let row = firstRow; row <= lastRow; row++) {
      const centre = row + 0.5;
      let left = 1e9;
      let right = -1e9;
      for (let i = 0; i < count; i++) {
        const j = i + 1 === count ? 0 : i + 1;
        const ay = polygon[2 * i + 1] ?? 0;
        const by = polygon[2 * j + 1] ?? 0;
        if (ay <= centre === by <= centre) continue;
        const ax = polygon[2 * i] ?? 0;
        const x = ax + ((centre - ay) * ((polygon[2 * j] ?? 0) - ax)) / (by - ay);
        if (x < left) left = x;
        if (x > right) right = x;
      }
      const first = Math.max(0, Math.ceil(left - 0.5));
      const last = Math.min(CANVAS_SIZE - 1, Math.ceil(right - 0.5) - 1);
      if (alpha >= OPAQUE) this.#span(row, first, last, r, g, b);
      else this.#blend(row, first, last, r, g, b, alpha);
    }
  }

  #span(row: number, first: number, last: number, r: number, g: number, b: number): void {
    const end = (row * CANVAS_SIZE + last + 1) * 3;
    for (let at = (row * CANVAS_SIZE + first) * 3; at < end; at += 3) {
      this.#pixels[at] = r;
      this.#pixels[at + 1] = g;
      this.#pixels[at + 2] = b;
    }
  }

  #blend(row: number, first: number, last: number, r: number, g: number, b: number, alpha: number): void {
    const pixels = this.#pixels;
    const rest = OPAQUE - alpha;
    const end = (row * CANVAS_SIZE + last + 1) * 3;
    for (let at = (row * CANVAS_SIZE + first) * 3; at < end; at += 3) {
      pixels[at] = ((pixels[at] ?? 0) * rest + r * alpha) >> 8;
      pixels[at + 1] = ((pixels[at + 1] ?? 0) * rest + g * alpha) >> 8;
      pixels[at + 2] = ((pixels[at + 2] ?? 0) * rest + b * alpha) >> 8;
    }
  }

  /**
   * Averages the canvas down to a frame [96 × 96 × 3] in `frame` and adds the sensor's noise: uniform in -5…5, from a
   * linear congruential generator (Numerical Recipes' constants) that starts at `noiseSeed`.
   */
  develop(noiseSeed: number, frame: Uint8Array): void {
    const pixels = this.#pixels;
    const stride = CANVAS_SIZE * 3;
    let noise = noiseSeed | 1;
    let out = 0;
    for (let y = 0; y < FRAME_SIZE; y++) {
      let at = y * OVERSAMPLING * stride;
      for (let x = 0; x < FRAME_SIZE; x++, at += OVERSAMPLING * 3) {
        for (let channel = at; channel < at + 3; channel++) {
          const sum =
            (pixels[channel] ?? 0) +
            (pixels[channel + 3] ?? 0) +
            (pixels[channel + stride] ?? 0) +
            (pixels[channel + stride + 3] ?? 0);
          noise = (Math.imul(noise, 1664525) + 1013904223) | 0;
          const value = ((sum + 2) >> 2) + (((noise >>> 24) * 11) >> 8) - 5;
          frame[out++] = Math.max(0, Math.min(255, value));
        }
      }
    }
  }
}
