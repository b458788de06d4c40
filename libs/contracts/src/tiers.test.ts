import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { INFERENCE_MICRO_DOLLARS, isCharged, limitsOf, TIER_LIMITS, TIERS } from './tiers.js';

test('every tier has its limits and its price, and none has less than the one before', () => {
  const tiers = TIERS.map((tier) => TIER_LIMITS[tier]);
  expect(tiers).toEqual([
    { requests_per_minute: 60, sessions: 10, frames_per_second: 500, monthly_inferences: 250_000 },
    { requests_per_minute: 300, sessions: 100, frames_per_second: 5_000, monthly_inferences: 10_000_000 },
    { requests_per_minute: 100_000, sessions: 2_000, frames_per_second: 100_000, monthly_inferences: null },
  ]);
  for (const price of Object.values(INFERENCE_MICRO_DOLLARS)) expect(Number.isInteger(price)).toBe(true);
});

describe('the limits of a customer', () => {
  test('are those of the tier, but for the single ones that it was given', () => {
    expect(limitsOf('pro')).toEqual(TIER_LIMITS.pro);
    expect(limitsOf('free', { sessions: 25 })).toEqual({ ...TIER_LIMITS.free, sessions: 25 });
    expect(limitsOf('free', { monthly_inferences: null })).toEqual({ ...TIER_LIMITS.free, monthly_inferences: null });
  });

  test('an unknown tier is the smallest', () => {
    expect(limitsOf('platinum')).toEqual(TIER_LIMITS.free);
  });

  test('an override that is no limit lifts nothing, and no other one', () => {
    const odd = { sessions: '25', frames_per_second: -1, requests_per_minute: 0, monthly_inferences: 5, unheard_of: 1 };
    expect(limitsOf('free', odd)).toEqual({ ...TIER_LIMITS.free, monthly_inferences: 5 });
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(TIER_LIMITS.free)), fc.anything(), (name, value) => {
        const limits = limitsOf('free', { [name]: value });
        for (const limit of [limits.requests_per_minute, limits.sessions, limits.frames_per_second]) {
          expect(Number.isInteger(limit) && limit >= 0).toBe(true);
        }
      }),
    );
  });
});

test('what a policy answered is charged, what came to nothing is not', () => {
  const statuses = ['ok', 'safety_rejected', 'rejected', 'error', 'expired'];
  expect(statuses.filter(isCharged)).toEqual(['ok', 'safety_rejected']);
});
