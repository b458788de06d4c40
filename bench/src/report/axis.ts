/** One axis of a plot: what stands where, and the values that are written along it. */
export interface Scale {
  /** 0 … 1 along the axis. */
  at(value: number): number;
  readonly ticks: readonly number[];
}

const TICKS = 6;

/** Covers the values; linear ones begin at zero where all are near enough to it that nothing is lost. */
export function scaleOf(values: readonly number[], log: boolean): Scale {
  const usable = values.filter((value) => Number.isFinite(value) && (!log || value > 0));
  if (usable.length === 0) return linear(0, 1);
  const low = usable.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
  const high = usable.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  return log ? logarithmic(low, high) : linear(low > 0 && low < 0.5 * high ? 0 : low, high);
}

function linear(low: number, high: number): Scale {
  const size = Math.max(Math.abs(low), Math.abs(high));
  // Values that differ in their last digits alone, or hardly from zero, have no scale of their own.
  if (high - low <= Math.max(1e-9 * size, 1e-100))
    return linear(low - Math.max(1, size) / 2, high + Math.max(1, size) / 2);
  const step = niceStep((high - low) / TICKS);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
  const [from, to] = [first * step, last * step];
  return { at: (value) => (value - from) / (to - from), ticks };
}

/** Whole powers of ten at both ends; 2 and 5 between them where there is room. */
function logarithmic(low: number, high: number): Scale {
  const from = Math.floor(Math.log10(low) + 1e-9);
  const to = Math.max(from + 1, Math.ceil(Math.log10(high) - 1e-9));
  const factors = to - from <= 2 ? [1, 2, 5] : [1];
  const ticks: number[] = [];
  for (let power = from; power <= to; power++) {
    for (const factor of factors)
      if (power < to || factor === 1) ticks.push(Number((factor * 10 ** power).toPrecision(12)));
  }
  return { at: (value) => (Math.log10(value) - from) / (to - from), ticks };
}

function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  for (const factor of [1, 2, 2.5, 5]) if (factor * power >= rough * (1 - 1e-9)) return factor * power;
  return 10 * power;
}
