import { takeAt } from '../gcra.js';
import {
  type Acquired,
  type Bus,
  CLAIM_MS,
  type Claim,
  type Counters,
  type Dedup,
  DUPLICATE_MS,
  type Leases,
  type Limiter,
  type Rate,
  REPLAY_MS,
  type SharedState,
  type StoredAnswer,
  type Taken,
  type Topic,
} from '../shared-state.js';
import { ExpiringMap } from './expiring-map.js';
import { LocalBus } from './local-bus.js';

/** The state of one gateway alone. `now`: milliseconds that never go back. */
export function createMemoryState(now: () => number): SharedState {
  return {
    limiter: new MemoryLimiter(now),
    leases: new MemoryLeases(now),
    counters: new MemoryCounters(now),
    dedup: new MemoryDedup(now),
    bus: publishing(new LocalBus()),
    close: async () => {},
  };
}

const publishing = (bus: LocalBus): Bus => ({
  publish: async (topic: Topic, message: string) => bus.deliver(topic, message),
  subscribe: (topic, listener) => bus.subscribe(topic, listener),
});

class MemoryLimiter implements Limiter {
  readonly #now: () => number;
  readonly #arrivals: ExpiringMap<number>;

  constructor(now: () => number) {
    this.#now = now;
    this.#arrivals = new ExpiringMap(now);
  }

  async take(key: string, rate: Rate, cost = 1): Promise<Taken> {
    const now = this.#now();
    const { arrivalMs, taken } = takeAt(this.#arrivals.get(key) ?? 0, now, rate, cost);
    // A bucket that is full again is as good as none.
    if (taken.allowed && arrivalMs > now) this.#arrivals.set(key, arrivalMs, arrivalMs - now);
    return taken;
  }
}

class MemoryLeases implements Leases {
  readonly #now: () => number;
  /** By set, by member: when the lease lapses. */
  readonly #sets = new Map<string, Map<string, number>>();

  constructor(now: () => number) {
    this.#now = now;
  }

  async acquire(set: string, member: string, max: number, ttlMs: number): Promise<Acquired> {
    const members = this.#alive(set);
    const again = members.has(member);
    const granted = again || members.size < max;
    if (granted) members.set(member, this.#now() + ttlMs);
    const held = members.size;
    if (held === 0) this.#sets.delete(set);
    return { granted, held, again };
  }

  async renew(set: string, members: readonly string[], ttlMs: number): Promise<void> {
    const alive = this.#alive(set);
    for (const member of members) alive.set(member, this.#now() + ttlMs);
  }

  async release(set: string, member: string): Promise<void> {
    const members = this.#sets.get(set);
    members?.delete(member);
    if (members?.size === 0) this.#sets.delete(set);
  }

  #alive(set: string): Map<string, number> {
    let members = this.#sets.get(set);
    if (members === undefined) {
      members = new Map();
      this.#sets.set(set, members);
    }
    const now = this.#now();
    for (const [member, endsMs] of members) if (endsMs <= now) members.delete(member);
    return members;
  }
}

class MemoryCounters implements Counters {
  readonly #totals: ExpiringMap<number>;

  constructor(now: () => number) {
    this.#totals = new ExpiringMap(now);
  }

  async add(
    key: string,
    n: number,
    { ttlMs, floor = 0 }: { readonly ttlMs: number; readonly floor?: number },
  ): Promise<number> {
    const total = Math.max(this.#totals.get(key) ?? 0, floor) + n;
    this.#totals.set(key, total, ttlMs);
    return total;
  }
}

type Entry = { readonly kind: 'running' } | { readonly kind: 'answered' };

class MemoryDedup implements Dedup {
  readonly #entries: ExpiringMap<Entry>;
  readonly #answers: ExpiringMap<StoredAnswer>;

  constructor(now: () => number) {
    this.#entries = new ExpiringMap(now);
    this.#answers = new ExpiringMap(now);
  }

  async claim(customerId: string, requestId: string): Promise<Claim> {
    const key = `${customerId}:${requestId}`;
    const entry = this.#entries.get(key);
    if (entry === undefined) {
      this.#entries.set(key, { kind: 'running' }, CLAIM_MS);
      return { kind: 'new' };
    }
    if (entry.kind === 'running') return { kind: 'running' };
    const answer = this.#answers.get(key);
    return answer === undefined ? { kind: 'duplicate' } : { kind: 'answered', answer };
  }

  async answer(customerId: string, requestId: string, answer: StoredAnswer): Promise<void> {
    const key = `${customerId}:${requestId}`;
    this.#entries.set(key, { kind: 'answered' }, DUPLICATE_MS);
    this.#answers.set(key, answer, REPLAY_MS);
  }

  async abandon(customerId: string, requestId: string): Promise<void> {
    const key = `${customerId}:${requestId}`;
    if (this.#entries.get(key)?.kind === 'running') this.#entries.delete(key);
  }
}
