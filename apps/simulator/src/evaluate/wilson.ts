/** The 95 % interval of a rate from `successes` of `trials` (Wilson, 1927): honest near 0 and 1, where the usual one is not. */
export function wilson(successes: number, trials: number): [number, number] {
  if (trials === 0) return [0, 1];
  const z = 1.96;
  const rate = successes / trials;
  const scale = 1 + (z * z) / trials;
  const middle = (rate + (z * z) / (2 * trials)) / scale;
  const half = (z * Math.sqrt((rate * (1 - rate)) / trials + (z * z) / (4 * trials * trials))) / scale;
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}
