import type { Request } from './request-queue.js';

/** Who is served first when more wait than a batch takes. */
export const SCHEDULER_ORDERS = ['fifo', 'slack', 'wait_ratio'] as const;
export type SchedulerOrder = (typeof SCHEDULER_ORDERS)[number];

/** How urgent a waiting request is: lower classes first, within a class lower keys, ties by arrival. */
export interface Urgency {
  class: number;
  key: number;
}

/** Sets `out`; called for every waiting request whenever a batch is formed, so it allocates nothing. */
export type Rank = (request: Request, nowMs: number, out: Urgency) => void;

/** How long without any wait counts as a full round, where a requester does not tell its ratio. */
const ROUND_MS = 1_000;

/**
 * `overdueMs`: a starving request that has waited so long goes before all others, by arrival: what a requester says of itself
 * cannot keep another waiting for ever (Q4).
 */
export function rankOf(order: SchedulerOrder, overdueMs: number): Rank {
  const overdue = (request: Request, starving: boolean, nowMs: number, out: Urgency): boolean => {
    if (!starving || nowMs - request.queuedAtMs < overdueMs) return false;
    out.class = 0;
    out.key = 0;
    return true;
  };
  switch (order) {
    case 'fifo':
      return (_request, _nowMs, out) => {
        out.class = 0;
        out.key = 0;
      };
    case 'slack':
      return (request, nowMs, out) => {
        const { requester } = request;
        const starving = requester.starving(nowMs);
        if (overdue(request, starving, nowMs, out)) return;
        out.class = starving ? 1 : 2;
        out.key = requester.slack(nowMs);
      };
    case 'wait_ratio':
      return (request, nowMs, out) => {
        const { requester } = request;
        const starving = requester.starving(nowMs);
        if (overdue(request, starving, nowMs, out)) return;
        out.class = starving ? 1 : 2;
        // Among those that lose nothing yet it is the next to run dry that will.
        out.key = starving ? -waitRatioOf(request, nowMs) : requester.slack(nowMs);
      };
  }
}

function waitRatioOf({ requester, queuedAtMs }: Request, nowMs: number): number {
  if (requester.waitRatio !== undefined) return requester.waitRatio(nowMs);
  const waitedMs = Math.max(0, nowMs - queuedAtMs);
  return waitedMs / (waitedMs + ROUND_MS);
}
