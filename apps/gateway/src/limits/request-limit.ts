import type { Limiter } from '@sinew/cache';
import type { HotCounterFamily } from '@sinew/telemetry';
import type { Principal } from '../auth.js';
import { errorReply, type Reply } from '../http/reply.js';
import type { Customers } from './customers.js';

export interface RequestVerdict {
  /** For whatever is answered. */
  readonly headers: Readonly<Record<string, string>>;
  /** Null: the request may go on. */
  readonly refusal: Reply | null;
}

/**
 * The REST requests of one customer, over all of its keys and all gateways. The header fields are those of
 * draft-ietf-httpapi-ratelimit-headers-06 (the last one with the three of them; from -07 on they are one `RateLimit`): the limit
 * is what there is after a pause, the reset is in seconds, until all of it is there again. A refusal also says when the next
 * request may come (`Retry-After`, RFC 9110, seconds).
 */
export class RequestLimit {
  readonly #limiter: Limiter;
  readonly #customers: Customers;
  readonly #limited: HotCounterFamily<'scope'>;

  constructor(limiter: Limiter, customers: Customers, limited: HotCounterFamily<'scope'>) {
    this.#limiter = limiter;
    this.#customers = customers;
    this.#limited = limited;
  }

  async check(principal: Principal, requestId: string): Promise<RequestVerdict> {
    const { requests_per_minute: perMinute } = this.#customers.of(principal).limits;
    const rate = { perMinute, burst: perMinute };
    const taken = await this.#limiter.take(`requests:${principal.customerId}`, rate);
    const headers = {
      'RateLimit-Limit': String(taken.limit),
      'RateLimit-Remaining': String(taken.remaining),
      'RateLimit-Reset': String(taken.resetS),
    };
    if (taken.allowed) return { headers, refusal: null };
    this.#limited.cell('requests').inc();
    const refusal = errorReply('rate_limited', `More than ${perMinute} requests a minute`, requestId);
    return { headers, refusal: { ...refusal, headers: { ...refusal.headers, 'Retry-After': String(taken.retryS) } } };
  }
}
