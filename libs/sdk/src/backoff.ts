const FIRST_MS = 100;
const LONGEST_MS = 2000;

/**
 * How long to wait before reconnect attempt 0, 1, 2 …: "full jitter", uniform in [0, min(2 s, 100 ms · 2^attempt)], so that
 * a fleet that lost its gateway does not come back in one instant.
 */
export function backoffMs(attempt: number, random: () => number): number {
  return random() * Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 30));
}
