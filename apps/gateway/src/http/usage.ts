import { limitsOf, MOST_USAGE_DAYS, tierOf, type Usage, usageRoute } from '@sinew/contracts';
import type { UsageDay } from '@sinew/db';
import { SinewError } from '@sinew/protocol';
import { bind, type Route } from './bind.js';
import { json } from './reply.js';

export interface UsageDeps {
  readonly ofCustomer: (customerId: string, days: { from: string; to: string }) => Promise<UsageDay[]>;
  /** Unix milliseconds. */
  readonly wallNow: () => number;
}

const DAY_MS = 86_400_000;

/** GET `/v1/usage`: one's own inferences, a day and a month. */
export function usageRoutes({ ofCustomer, wallNow }: UsageDeps): Route[] {
  return [
    bind(usageRoute, async ({ principal, query }) => {
      const today = new Date(wallNow()).toISOString().slice(0, 10);
      const month = today.slice(0, 7);
      const to = query.end_date ?? today;
      const from = query.start_date ?? `${to.slice(0, 7)}-01`;
      checkPeriod(from, to);
      const [rows, thisMonth] = await Promise.all([
        ofCustomer(principal.customerId, { from, to }),
        ofCustomer(principal.customerId, { from: `${month}-01`, to: today }),
      ]);
      const limits = limitsOf(principal.tier, principal.limits);
      const used = thisMonth.reduce((sum, { inferences }) => sum + inferences, 0);
      const limit = limits.monthly_inferences;
      const answer: Usage = {
        tier: tierOf(principal.tier),
        limits,
        quota: { month, used, limit, remaining: limit === null ? null : Math.max(0, limit - used) },
        months: byMonth(rows),
        days: rows.map((row) => ({ ...row, tier: tierOf(row.tier) })),
      };
      return json(answer);
    }),
  ];
}

function checkPeriod(from: string, to: string): void {
  const days = (Date.parse(to) - Date.parse(from)) / DAY_MS + 1;
  const reason =
    days < 1
      ? 'must not be after end_date, which is today where it is not given'
      : days > MOST_USAGE_DAYS
        ? `must be within ${MOST_USAGE_DAYS} days of end_date`
        : null;
  if (reason !== null) {
    throw new SinewError('validation_failed', `start_date: ${reason}`, { field: 'start_date', reason });
  }
}

function byMonth(rows: readonly UsageDay[]): Usage['months'] {
  const months = new Map<string, Usage['months'][number]>();
  for (const { day, inferences, micro_dollars, rejected } of rows) {
    const month = day.slice(0, 7);
    const sum = months.get(month) ?? { month, inferences: 0, rejected: 0, micro_dollars: 0 };
    sum.inferences += inferences;
    sum.rejected += rejected;
    sum.micro_dollars += micro_dollars;
    months.set(month, sum);
  }
  return [...months.values()];
}
