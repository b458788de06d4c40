/** What may lie between two samples: an interval that misses the true shift in at most `alpha` of the cases. */
export interface ShiftInterval {
  /** The Hodges-Lehmann estimate: the median of all differences b − a. */
  readonly estimate: number;
  /** Infinite where so few values cannot bound it at this level. */
  readonly low: number;
  readonly high: number;
}

/** Above this many values in either sample the exact distribution is not counted out. */
const EXACT_UP_TO = 50;

/**
 * Distribution-free interval for the shift from `a` to `b`: the Wilcoxon rank-sum (Mann-Whitney) test turned round, as in Hollander,
 * Wolfe and Chicken, "Nonparametric Statistical Methods", 4.3. Under two samples of one distribution it excludes 0 in at most
 * `alpha` of the cases, whatever the distribution; ties only make it wider.
 */
export function shiftInterval(a: readonly number[], b: readonly number[], alpha: number): ShiftInterval {
  const differences = b.flatMap((y) => a.map((x) => y - x)).sort((x, y) => x - y);
  const count = differences.length;
  const middle = count >> 1;
  const at = (index: number): number => differences[index] ?? Number.NaN;
  const estimate = count % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2;
  const cut = differencesToCut(a.length, b.length, alpha);
  if (cut === 0) return { estimate, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };
  return { estimate, low: at(cut - 1), high: at(count - cut) };
}

/** Whether samples of these sizes can tell anything at this level: 5 and 5 can at 1 %, 4 and 4 cannot. */
export function canTell(a: number, b: number, alpha: number): boolean {
  return differencesToCut(a, b, alpha) > 0;
}

/** The largest c with P(U ≤ c − 1) ≤ alpha / 2: the c-th smallest and c-th largest difference bound the interval. */
function differencesToCut(m: number, n: number, alpha: number): number {
  if (m === 0 || n === 0) return 0;
  if (m > EXACT_UP_TO || n > EXACT_UP_TO) {
    const deviation = Math.sqrt((m * n * (m + n + 1)) / 12);
    return Math.max(0, Math.floor((m * n) / 2 - normalQuantile(1 - alpha / 2) * deviation));
  }
  const shares = distributionOfU(m, n);
  let below = 0;
  for (let u = 0; u < shares.length; u++) {
    below += shares[u] ?? 0;
    if (below > alpha / 2) return u;
  }
  return 0;
}

/** P(U = u) for u = 0 … mn without ties: the Gaussian binomial of m + n over n, term by term. */
function distributionOfU(m: number, n: number): Float64Array {
  const size = m * n + 1;
  let shares = new Float64Array(size);
  shares[0] = 1;
  // Times (1 − q^(m+i)) / (1 − q^i) for each i, and over the number of ways, so that the sum stays 1.
  for (let i = 1; i <= n; i++) {
    const next = new Float64Array(size);
    for (let u = 0; u < size; u++) next[u] = (shares[u] ?? 0) - (u >= m + i ? (shares[u - m - i] ?? 0) : 0);
    for (let u = i; u < size; u++) next[u] = (next[u] ?? 0) + (next[u - i] ?? 0);
    shares = next.map((share) => (share * i) / (m + i));
  }
  return shares;
}

/** By bisection: for a rank it is exact enough. */
function normalQuantile(p: number): number {
  let low = -10;
  let high = 10;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (normalBelow(middle) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Abramowitz and Stegun 26.2.17: within 7.5e-8. */
function normalBelow(x: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(x));
  const density = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
  const tail =
    density * t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return x >= 0 ? 1 - tail : tail;
}
