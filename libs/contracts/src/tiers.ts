import { z } from 'zod';

export const TIERS = ['free', 'pro', 'enterprise'] as const;
export type Tier = (typeof TIERS)[number];

/** What a customer may do; null: without a limit. */
export interface CustomerLimits {
  /** REST requests, over all of its keys. */
  readonly requests_per_minute: number;
  /** Sessions at a time, over all gateways. */
  readonly sessions: number;
  /** Frames that one gateway takes from it, over all of its sessions. */
  readonly frames_per_second: number;
  /** Inferences in a calendar month (UTC), by stream and REST. */
  readonly monthly_inferences: number | null;
}

export const TIER_LIMITS: Readonly<Record<Tier, CustomerLimits>> = {
  free: { requests_per_minute: 60, sessions: 10, frames_per_second: 500, monthly_inferences: 250_000 },
  pro: { requests_per_minute: 300, sessions: 100, frames_per_second: 5_000, monthly_inferences: 10_000_000 },
  enterprise: { requests_per_minute: 100_000, sessions: 2_000, frames_per_second: 100_000, monthly_inferences: null },
};

/** What one inference costs, in millionths of a US dollar: integers, so that sums are exact. */
export const INFERENCE_MICRO_DOLLARS: Readonly<Record<Tier, number>> = { free: 0, pro: 200, enterprise: 100 };

const most = z.int().min(0).max(1_000_000_000);

/** Single limits of one customer that differ from its tier's (`customers.limits`). */
export const LimitOverrides = z.strictObject({
  requests_per_minute: most.min(1).optional(),
  sessions: most.optional(),
  frames_per_second: most.min(1).optional(),
  monthly_inferences: z.int().min(0).max(Number.MAX_SAFE_INTEGER).nullable().optional(),
});
export type LimitOverrides = z.infer<typeof LimitOverrides>;

/**
 * The limits in force. An override that is no valid limit is as if it were not there, one by one: a slip of the pen in the
 * database must not lift the other limits. An unknown tier is the smallest one.
 */
export function limitsOf(tier: string, overrides: Readonly<Record<string, unknown>> | null = null): CustomerLimits {
  const base = TIER_LIMITS[tierOf(tier)];
  if (overrides === null) return base;
  const single = Object.entries(overrides).flatMap(([name, value]) => {
    const parsed = LimitOverrides.safeParse({ [name]: value });
    return parsed.success && value !== undefined ? [[name, value]] : [];
  });
  return { ...base, ...Object.fromEntries(single) };
}

export function tierOf(tier: string): Tier {
  return TIERS.find((known) => known === tier) ?? 'free';
}

/** Which inferences are paid for: those that a policy answered. An error of ours, or a chunk that came to nothing, is not. */
export function isCharged(status: string): boolean {
  return status === 'ok' || status === 'safety_rejected';
}
