/** How late `path` follows `way`, seconds: the shift by which they differ least; and what is left of the difference then, RMS. */
export function lag(path: readonly number[], way: (t: number) => number, periodS: number): { s: number; rms: number } {
  const rms = (shift: number): number => {
    const squares = path.map((x, i) => (x - way((i + 1) * periodS - shift)) ** 2);
    return Math.sqrt(mean(squares));
  };
  let best = 0;
  for (let shift = 0; shift <= 0.6; shift += 0.0005) if (rms(shift) < rms(best)) best = shift;
  return { s: best, rms: rms(best) };
}

/** Mean squared jerk of positions at the control period, m²/s⁶. */
export function roughness(path: readonly number[], periodS: number): number {
  const jerks = path.slice(3).map((x, i) => {
    const [a = 0, b = 0, c = 0] = path.slice(i, i + 3);
    return (x - 3 * c + 3 * b - a) / periodS ** 3;
  });
  return mean(jerks.map((jerk) => jerk * jerk));
}

const mean = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / Math.max(1, values.length);
