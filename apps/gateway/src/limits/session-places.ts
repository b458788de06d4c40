import { randomUUID } from 'node:crypto';
import type { Leases } from '@sinew/cache';
import type { FreshOpen } from '@sinew/protocol';
import type { HotCounterFamily } from '@sinew/telemetry';
import type { CustomerAccount } from './customer-account.js';
import type { Quota } from './quota.js';

/** A killed gateway's sessions count this long. */
const LEASE_MS = 60_000;
const RENEW_MS = 20_000;

/** Whether a customer may open one more session, and why not. */
export type Admission =
  | { readonly kind: 'admitted'; readonly place: Place }
  | {
      readonly kind: 'refused';
      readonly code: 'session_limit' | 'quota_exceeded';
      readonly message: string;
      readonly details: Record<string, unknown>;
    };

/** One session's place among its customer's. */
export interface Place {
  readonly set: string;
  readonly member: string;
  /** Nobody held it before: it may be given back where nothing comes of it. */
  readonly fresh: boolean;
}

const setOf = (customerId: string): string => `sessions:${customerId}`;

/** The places of this gateway's sessions, over all gateways at most as many a customer as its tier allows. */
export class SessionPlaces {
  readonly #leases: Leases;
  readonly #quota: Quota;
  readonly #limited: HotCounterFamily<'scope'>;
  /** By session. */
  readonly #held = new Map<string, Place>();
  readonly #timer: NodeJS.Timeout;

  constructor(leases: Leases, quota: Quota, limited: HotCounterFamily<'scope'>) {
    this.#leases = leases;
    this.#quota = quota;
    this.#limited = limited;
    this.#timer = setInterval(() => void this.renew(), RENEW_MS);
  }

  /** Takes a place for a session that is not there yet: `bind` or `withdraw` follows. Never rejects. */
  async admit(account: CustomerAccount, open: FreshOpen): Promise<Admission> {
    const { limits } = account;
    const set = setOf(account.customerId);
    // A robot that comes back after its gateway was killed still has its place: one robot has one session anyway (S11).
    const member = open.robot_id === undefined ? randomUUID() : `robot ${open.robot_id}`;
    await this.#quota.refresh(account);
    if (account.exhausted) {
      this.#limited.cell('quota').inc();
      return {
        kind: 'refused',
        code: 'quota_exceeded',
        message: `The ${limits.monthly_inferences} inferences of this month are used up`,
        details: { limit: limits.monthly_inferences, used: account.used },
      };
    }
    const { again, granted, held } = await this.#leases.acquire(set, member, limits.sessions, LEASE_MS);
    if (!granted) {
      this.#limited.cell('sessions').inc();
      return {
        kind: 'refused',
        code: 'session_limit',
        message: `${held} sessions of this customer are open, and its limit is ${limits.sessions}`,
        details: { limit: limits.sessions, open: held },
      };
    }
    return { kind: 'admitted', place: { set, member, fresh: !again } };
  }

  bind(sessionId: string, place: Place): void {
    this.#held.set(sessionId, place);
  }

  /** Nothing came of the open. */
  withdraw(place: Place): void {
    if (place.fresh) this.#release(place);
  }

  /**
   * Two sessions of one robot share a place: the last one here gives it back. One on another gateway, which did not know that its
   * robot went on there, takes it from its heir until the heir's next renewal.
   */
  #release(place: Place): void {
    for (const { set, member } of this.#held.values()) if (set === place.set && member === place.member) return;
    void this.#leases.release(place.set, place.member);
  }

  ended(sessionId: string): void {
    const place = this.#held.get(sessionId);
    if (place === undefined) return;
    this.#held.delete(sessionId);
    this.#release(place);
  }

  async renew(): Promise<void> {
    const sets = new Map<string, string[]>();
    for (const { set, member } of this.#held.values()) {
      const members = sets.get(set);
      if (members === undefined) sets.set(set, [member]);
      else members.push(member);
    }
    await Promise.all([...sets].map(([set, members]) => this.#leases.renew(set, members, LEASE_MS)));
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
