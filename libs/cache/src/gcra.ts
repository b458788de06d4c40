import type { Rate, Taken } from './shared-state.js';

/** Sums of thirds of a second do not end where they began, nor do those of a clock with fractions. */
export const ROUNDING_MS = 0.001;

/**
 * The token bucket as one number, GCRA's theoretical arrival time (ITU-T I.371): when the bucket will be full again. `arrivalMs`
 * in the past, or 0, is a full bucket. The Redis script decides by the same sums.
 */
export function takeAt(
  arrivalMs: number,
  nowMs: number,
  rate: Rate,
  cost: number,
): { readonly arrivalMs: number; readonly taken: Taken } {
  const eachMs = 60_000 / rate.perMinute;
  const from = Math.max(arrivalMs, nowMs);
  const next = from + cost * eachMs;
  const allowed = next - nowMs - rate.burst * eachMs <= ROUNDING_MS;
  const until = allowed ? next : from;
  return { arrivalMs: until, taken: describe(allowed, until - nowMs, rate, cost) };
}

/** `aheadMs`: how long from now until the bucket is full, after what was taken. */
export function describe(allowed: boolean, aheadMs: number, { perMinute, burst }: Rate, cost: number): Taken {
  const eachMs = 60_000 / perMinute;
  const overMs = aheadMs + (cost - burst) * eachMs;
  return {
    allowed,
    limit: burst,
    remaining: Math.max(0, Math.floor(burst - (aheadMs - ROUNDING_MS) / eachMs)),
    resetS: Math.ceil(Math.max(0, aheadMs - ROUNDING_MS) / 1_000),
    retryS: allowed ? 0 : Math.max(1, Math.ceil((overMs - ROUNDING_MS) / 1_000)),
  };
}
