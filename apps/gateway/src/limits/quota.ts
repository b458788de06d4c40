import type { Counters } from '@sinew/cache';
import type { Logger } from '@sinew/telemetry';
import { within } from '../within.js';
import type { CustomerAccount } from './customer-account.js';

export interface QuotaDeps {
  readonly counters: Counters;
  /** Inferences in the month that begins on this day, by customer, as the database has them. Rejects when it is away. */
  readonly usedInMonth: (customerIds: readonly string[], month: string) => Promise<ReadonlyMap<string, number>>;
  /** Unix milliseconds: months are the calendar's (UTC). */
  readonly wallNow: () => number;
  readonly log: Logger;
}

/** Longer than a month: a counter that is used does not end within its own. */
const KEPT_MS = 40 * 86_400_000;
/** Who opens a session waits for the database this long; then what the gateways counted since must do. */
const SEED_PATIENCE_MS = 500;

/**
 * The inferences of the month, over all gateways. Each gateway counts on its own and tells the others every second; the
 * database, which counts what was stored, is where a counter begins and what it never falls below. So a month may be over
 * its quota by what all gateways do in a second.
 */
export class Quota {
  readonly #deps: QuotaDeps;
  readonly #seeding = new Map<string, Promise<void>>();
  #month: string;

  constructor(deps: QuotaDeps) {
    this.#deps = deps;
    this.#month = monthOf(deps.wallNow());
  }

  /** `2026-11-01` */
  get month(): string {
    return this.#month;
  }

  /** Brings one account up to date, for who is about to open or ask. Never rejects; takes half a second at most. */
  async refresh(account: CustomerAccount): Promise<void> {
    if (account.limits.monthly_inferences === null) return;
    if (!account.seeded) await this.#seed(account);
    await this.#exchange(account);
  }

  /** Every second: tells what was made here, hears what the others made. Answers those that ran out, once a month. */
  async exchangeAll(accounts: Iterable<CustomerAccount>): Promise<CustomerAccount[]> {
    const month = monthOf(this.#deps.wallNow());
    const limited = [...accounts].filter(({ limits }) => limits.monthly_inferences !== null);
    await Promise.all(limited.map((account) => this.#exchange(account)));
    if (month !== this.#month) {
      // What was made until now was told to the old month.
      this.#month = month;
      for (const account of limited) account.beginMonth();
      return [];
    }
    const ranOut = limited.filter((account) => account.exhausted && !account.noticed);
    for (const account of ranOut) account.noticed = true;
    return ranOut;
  }

  /** Now and then: what the database has. A counter that was lost with Redis, or missed by a gateway without it, is right again. */
  async compare(accounts: Iterable<CustomerAccount>): Promise<void> {
    const limited = [...accounts].filter(({ limits }) => limits.monthly_inferences !== null);
    if (limited.length === 0) return;
    const month = this.#month;
    let stored: ReadonlyMap<string, number>;
    try {
      stored = await this.#deps.usedInMonth(
        limited.map(({ customerId }) => customerId),
        month,
      );
    } catch (error) {
      this.#deps.log.warn({ err: error }, 'usage cannot be read now: quotas go by what the gateways counted');
      return;
    }
    if (month !== this.#month) return;
    await Promise.all(
      limited.map(async (account) => {
        const now = stored.get(account.customerId) ?? 0;
        // What is stored may not have been told yet, and would be counted twice. By the next time everybody has told it.
        await this.#exchange(account, account.seeded ? account.stored : now);
        account.stored = now;
      }),
    );
  }

  async #seed(account: CustomerAccount): Promise<void> {
    let seeding = this.#seeding.get(account.customerId);
    if (seeding === undefined) {
      seeding = this.compare([account]).finally(() => this.#seeding.delete(account.customerId));
      this.#seeding.set(account.customerId, seeding);
    }
    await within(SEED_PATIENCE_MS, seeding);
  }

  async #exchange(account: CustomerAccount, atLeast = 0): Promise<void> {
    const month = this.#month;
    const told = account.tell();
    const floor = Math.max(account.floor, atLeast);
    const total = await this.#deps.counters.add(`inferences:${month}:${account.customerId}`, told, {
      ttlMs: KEPT_MS,
      floor,
    });
    account.heard(told, month === this.#month ? total : null);
  }
}

const monthOf = (wallMs: number): string => `${new Date(wallMs).toISOString().slice(0, 7)}-01`;
