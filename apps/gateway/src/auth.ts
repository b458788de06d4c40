import { createHash } from 'node:crypto';
import type { KeyIdentity } from '@sinew/db';
import type { Clock } from './clock.js';
import { within } from './within.js';

export interface Principal {
  readonly customerId: string;
  readonly keyId: string;
  readonly tier: string;
  readonly scopes: ReadonlySet<string>;
  /** Its customer operates the installation, and may administer the others. */
  readonly operator: boolean;
  /** Single limits of its customer that differ from the tier's. */
  readonly limits: Readonly<Record<string, unknown>> | null;
  /** Its customer's sessions are recorded where they are served; not given: they are not. */
  readonly recorded?: boolean;
}

/** Whether a key may administer a customer: its own, or any where its customer operates the installation. */
export function mayAdminister(principal: Principal, customerId: string): boolean {
  return principal.scopes.has('admin') && (principal.operator || principal.customerId === customerId);
}

/** Looks a key up by the SHA-256 (hex) of its text; null when there is none. Rejects when the database is away. */
export type FindKey = (sha256: string) => Promise<KeyIdentity | null>;

export type AuthResult =
  | { readonly kind: 'ok'; readonly principal: Principal }
  | { readonly kind: 'unknown' }
  /** It was good once: revoked, expired, or its customer is no longer active. */
  | { readonly kind: 'revoked' }
  | { readonly kind: 'unavailable' };

interface Entry {
  readonly result: { readonly row: KeyIdentity | null };
  /** When it was asked for, not when the answer came: that may have taken a while. */
  readonly fetchedAt: number;
  /** News came since: to be asked for again, and good until then only where the database is away. */
  stale: boolean;
}

/** Fresh this long; then the next use asks again. Bounds how long a revoked key still works where no news of it comes. */
const FRESH_MS = 3_000;
/** With the database away, a key known to be good is honoured this long: running fleets survive a database restart. */
const GRACE_MS = 10 * 60_000;
/** A database that hangs is as good as away: whoever brings a key known to be good waits for it no longer than this. */
const PATIENCE_MS = 1_000;
/** Bounds memory under a flood of made-up keys. */
const MAX_ENTRIES = 10_000;
const KEY_SHAPE = /^vla_live_[A-Za-z0-9_-]{16,128}$/;

export const isApiKey = (text: string): boolean => KEY_SHAPE.test(text);

/** Authenticates API keys against the database through a small cache. Keys themselves are never kept, only their hashes. */
export class Authenticator {
  readonly #find: FindKey;
  readonly #clock: Clock;
  readonly #wallNow: () => number;
  readonly #patienceMs: number;
  readonly #cache = new Map<string, Entry>();
  /** Keys that nobody has: apart, so that no flood of them takes the place of those that count while the database is away. */
  readonly #strangers = new Map<string, Entry>();
  readonly #pending = new Map<string, Promise<AuthResult>>();
  /** How often news came. */
  #news = 0;
  /** By which hash a principal came in; kept here, so that it stands in no record and no log line. */
  readonly #hashes = new WeakMap<Principal, string>();

  /** `wallNow`: what keys expire by, Unix milliseconds. */
  constructor(find: FindKey, clock: Clock, wallNow: () => number = () => clock.now(), patienceMs = PATIENCE_MS) {
    this.#find = find;
    this.#clock = clock;
    this.#wallNow = wallNow;
    this.#patienceMs = patienceMs;
  }

  async authenticate(key: string): Promise<AuthResult> {
    if (!isApiKey(key)) return { kind: 'unknown' };
    return this.#check(createHash('sha256').update(key).digest('hex'));
  }

  /**
   * Whether what was authenticated before must end now. While the database is away nobody knows, and robots that run go
   * on; a key that is no longer there at all counts as revoked.
   */
  async revoked(principal: Principal): Promise<boolean> {
    const { kind } = await this.again(principal);
    return kind === 'revoked' || kind === 'unknown';
  }

  /** What came in before, as it is judged now. */
  async again(principal: Principal): Promise<AuthResult> {
    const hash = this.#hashes.get(principal);
    return hash === undefined ? { kind: 'ok', principal } : this.#check(hash);
  }

  /** News of a key or of a customer, by its id: what is known of it is old. */
  forget(id: string): void {
    for (const entry of this.#cache.values()) {
      const { row } = entry.result;
      if (row?.key_id === id || row?.customer_id === id) entry.stale = true;
    }
    // An answer that is under way may be from before the news.
    this.#news++;
    this.#pending.clear();
  }

  #check(hash: string): AuthResult | Promise<AuthResult> {
    const cached = this.#cached(hash);
    if (cached !== undefined && !cached.stale && this.#clock.now() - cached.fetchedAt < FRESH_MS) {
      return this.#judge(hash, cached.result.row);
    }
    let pending = this.#pending.get(hash);
    if (pending === undefined) {
      const asked = this.#lookUp(hash, cached).finally(() => {
        if (this.#pending.get(hash) === asked) this.#pending.delete(hash);
      });
      pending = asked;
      this.#pending.set(hash, pending);
    }
    const known = this.#known(cached);
    return known === null ? pending : this.#within(hash, pending, known);
  }

  #cached(hash: string): Entry | undefined {
    return this.#cache.get(hash) ?? this.#strangers.get(hash);
  }

  #keep(hash: string, entry: Entry): void {
    const [kept, other] = entry.result.row === null ? [this.#strangers, this.#cache] : [this.#cache, this.#strangers];
    other.delete(hash);
    if (kept.size >= MAX_ENTRIES) kept.delete(kept.keys().next().value as string);
    kept.set(hash, entry);
  }

  /** The row of a key that counts where the database does not answer. */
  #known(cached: Entry | undefined): KeyIdentity | null {
    return cached !== undefined && this.#clock.now() - cached.fetchedAt < GRACE_MS ? cached.result.row : null;
  }

  async #within(hash: string, pending: Promise<AuthResult>, known: KeyIdentity): Promise<AuthResult> {
    let answer: AuthResult | null = null;
    const answered = pending.then((result) => {
      answer = result;
    });
    await within(this.#patienceMs, answered);
    return answer ?? this.#judge(hash, known);
  }

  async #lookUp(hash: string, cached: Entry | undefined): Promise<AuthResult> {
    const fetchedAt = this.#clock.now();
    const news = this.#news;
    try {
      const row = await this.#find(hash);
      const entry = { result: { row }, fetchedAt, stale: news !== this.#news };
      // One that was asked later may have answered sooner.
      if ((this.#cached(hash)?.fetchedAt ?? fetchedAt) <= fetchedAt) this.#keep(hash, entry);
      return this.#judge(hash, row);
    } catch {
      const known = this.#known(cached);
      return known === null ? { kind: 'unavailable' } : this.#judge(hash, known);
    }
  }

  #judge(hash: string, row: KeyIdentity | null): AuthResult {
    if (row === null) return { kind: 'unknown' };
    if (row.revoked_at !== null || !row.customer_active) return { kind: 'revoked' };
    if (row.expires_at !== null && row.expires_at.getTime() <= this.#wallNow()) return { kind: 'revoked' };
    const principal: Principal = {
      customerId: row.customer_id,
      keyId: row.key_id,
      tier: row.tier,
      scopes: new Set(row.scopes),
      operator: row.is_operator === true,
      limits: row.limits,
      recorded: row.record_sessions === true,
    };
    this.#hashes.set(principal, hash);
    return { kind: 'ok', principal };
  }
}
