import type { SharedState } from '@sinew/cache';
import { limitsOf } from '@sinew/contracts';
import type { Logger, Metrics } from '@sinew/telemetry';
import type { Principal } from '../auth.js';
import type { Clock } from '../clock.js';
import { CustomerAccount } from './customer-account.js';
import { Quota } from './quota.js';

export interface CustomersDeps {
  readonly shared: SharedState;
  readonly usedInMonth: (customerIds: readonly string[], month: string) => Promise<ReadonlyMap<string, number>>;
  readonly clock: Clock;
  readonly wallNow: () => number;
  readonly metrics: Metrics;
  /** `metrics_customer_labels`: whether metrics name customers. */
  readonly labels: boolean;
  readonly log: Logger;
  /** The month's inferences of this customer have just been used up: its sessions go on, and are told. */
  readonly exhausted: (customerId: string) => void;
}

const EXCHANGE_MS = 1_000;
const COMPARE_MS = 60_000;
/** An account that nothing holds is forgotten after this long; its totals are the others' and the database's. */
const FORGET_MS = 600_000;

/** The accounts of the customers that use this gateway. */
export class Customers {
  readonly quota: Quota;
  readonly #deps: CustomersDeps;
  readonly #accounts = new Map<string, CustomerAccount>();
  readonly #timers: NodeJS.Timeout[];

  constructor(deps: CustomersDeps) {
    this.#deps = deps;
    const { log, shared, usedInMonth, wallNow } = deps;
    this.quota = new Quota({ counters: shared.counters, usedInMonth, wallNow, log });
    this.#timers = [
      setInterval(() => void this.exchange(), EXCHANGE_MS),
      setInterval(() => void this.quota.compare(this.#accounts.values()), COMPARE_MS),
    ];
  }

  /** The account of whoever this is, with the limits as of now. */
  of(principal: Principal): CustomerAccount {
    const { customerId, limits, tier } = principal;
    const now = this.#deps.clock.now();
    let account = this.#accounts.get(customerId);
    if (account === undefined) {
      account = new CustomerAccount(customerId, limitsOf(tier, limits), now);
      this.#accounts.set(customerId, account);
    } else if (account.grantedBy !== principal) account.limits = limitsOf(tier, limits);
    account.grantedBy = principal;
    account.lastUsedMs = now;
    return account;
  }

  async exchange(): Promise<void> {
    const ranOut = await this.quota.exchangeAll(this.#accounts.values());
    for (const { customerId } of ranOut) this.#deps.exhausted(customerId);
    const forgotten = this.#deps.clock.now() - FORGET_MS;
    const { quotaUtilization } = this.#deps.metrics;
    for (const account of this.#accounts.values()) {
      const { customerId, utilization } = account;
      const told = account.untold === 0 || utilization === null;
      if (account.users === 0 && told && account.lastUsedMs < forgotten) {
        this.#accounts.delete(customerId);
        if (this.#deps.labels) quotaUtilization.remove({ customer_id: customerId });
      } else if (this.#deps.labels && utilization !== null) {
        quotaUtilization.set({ customer_id: customerId }, utilization);
      }
    }
  }

  /** Tells the others what they do not know yet. */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.quota.exchangeAll(this.#accounts.values());
  }
}
