import type { Figure, Goal } from '../result.js';
import type { Percentiles } from './latencies.js';

const SHARES = [
  ['p50', 'p50'],
  ['p90', 'p90'],
  ['p99', 'p99'],
  ['p999', 'p99.9'],
  ['p9999', 'p99.99'],
  ['max', 'max'],
] as const;

/** A figure for each percentile that so many samples tell; none where nothing was recorded. The goal is for p99. */
export function percentileFigures(
  name: string,
  label: string,
  percentiles: Percentiles | null,
  p99: { readonly goal?: Goal; readonly rounds?: readonly number[] } = {},
): Figure[] {
  if (percentiles === null) return [];
  return SHARES.filter(([key]) => percentiles.count >= (NEEDED[key] ?? 1)).map(([key, text]) => ({
    name: `${name}.${key}_ms`,
    label: `${label}, ${text}`,
    unit: 'ms',
    better: 'lower',
    value: percentiles[key],
    ...(key === 'p99' ? p99 : {}),
  }));
}

/** Below this many samples the percentile is the maximum by another name. */
const NEEDED: Readonly<Record<string, number>> = { p99: 100, p999: 1_000, p9999: 10_000 };
