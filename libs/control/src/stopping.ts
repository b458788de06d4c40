/**
 * Stopping in discrete time. Speed `s` is held for this step of length `h`, then falls by `d` every step until it is zero:
 * s, s-d, s-2d … These two are exact inverses of each other; read `d` as A·h for a distance, or as J·h with `s` an
 * acceleration to get the change of speed while an acceleration is ramped down.
 */

/** Path length from now until standstill, the present step included. */
export function stopDistance(s: number, d: number, h: number): number {
  const m = Math.floor(s / d);
  return h * ((m + 1) * s - (d * m * (m + 1)) / 2);
}

/** The largest speed from which a stop fits into `length`. */
export function stopSpeed(length: number, d: number, h: number): number {
  if (!(length > 0)) return 0;
  const m = Math.floor((Math.sqrt(1 + (8 * length) / (d * h)) - 1) / 2);
  return (length / h + (d * m * (m + 1)) / 2) / (m + 1);
}
