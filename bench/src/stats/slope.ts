import { median } from './median.js';

export interface Slope {
  /** Units of y for each unit of x. */
  readonly slope: number;
  readonly low: number;
  readonly high: number;
}

/** 95 %, two-sided. */
const NORMAL = 1.96;
const LEAST_POINTS = 5;

/**
 * Theil-Sen: the median of the slopes between all pairs of points, which a quarter of wild ones does not move; the interval by Sen
 * (1968), from the variance of Kendall's S. Points that follow their neighbours (memory does) make it narrower than it should be.
 * Null for fewer than five points.
 */
export function robustSlope(points: readonly (readonly [number, number])[]): Slope | null {
  if (points.length < LEAST_POINTS) return null;
  const slopes: number[] = [];
  points.forEach(([x1, y1], i) => {
    for (const [x2, y2] of points.slice(i + 1)) if (x2 !== x1) slopes.push((y2 - y1) / (x2 - x1));
  });
  if (slopes.length === 0) return null;
  slopes.sort((a, b) => a - b);
  const n = points.length;
  const reach = NORMAL * Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18);
  const at = (rank: number): number => slopes[Math.min(slopes.length - 1, Math.max(0, Math.round(rank)))] ?? Number.NaN;
  const middle = slopes.length / 2;
  return { slope: median(slopes), low: at(middle - reach / 2 - 1), high: at(middle + reach / 2) };
}
