import { build } from 'hdr-histogram-js';

/** Milliseconds. */
export interface Percentiles {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly p9999: number;
  readonly max: number;
}

const MICROSECONDS = 1_000;
const LONGEST_MS = 120_000;

/** An HDR histogram of durations from 1 µs to two minutes, three significant digits. */
export class Latencies {
  #histogram = empty();

  /** Negative values are clock noise around zero and count as zero; longer ones as two minutes. */
  record(ms: number): void {
    this.#histogram.recordValue(Math.round(Math.min(LONGEST_MS, Math.max(0, ms)) * MICROSECONDS));
  }

  clear(): void {
    this.#histogram.reset();
  }

  get count(): number {
    return this.#histogram.totalCount;
  }

  /** Null when nothing was recorded: a percentile of nothing is not zero. */
  summary(): Percentiles | null {
    const histogram = this.#histogram;
    if (histogram.totalCount === 0) return null;
    const at = (percent: number): number => histogram.getValueAtPercentile(percent) / MICROSECONDS;
    return {
      count: histogram.totalCount,
      mean: Math.round(histogram.mean) / MICROSECONDS,
      p50: at(50),
      p90: at(90),
      p99: at(99),
      p999: at(99.9),
      p9999: at(99.99),
      max: histogram.maxValue / MICROSECONDS,
    };
  }
}

function empty() {
  return build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: LONGEST_MS * MICROSECONDS,
    numberOfSignificantValueDigits: 3,
    bitBucketSize: 32,
  });
}

export function percentilesText(percentiles: Percentiles | null): string {
  if (percentiles === null) return 'nothing recorded';
  const { p50, p90, p99, p999, max } = percentiles;
  const [a, b, c, d, e] = [p50, p90, p99, p999, max].map((ms) => ms.toFixed(ms < 10 ? 2 : 1));
  return `p50 ${a}  p90 ${b}  p99 ${c}  p99.9 ${d}  max ${e} ms`;
}
