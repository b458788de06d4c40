// What the gateways of one installation know together. Every answer is a promise, and none belongs into the path of a frame.

export interface Rate {
  /** Sustained rate: this many a minute come back. */
  readonly perMinute: number;
  /** As many at once, after a pause. */
  readonly burst: number;
}

export interface Taken {
  readonly allowed: boolean;
  /** The burst: what is there after a long pause. */
  readonly limit: number;
  /** Whole units left now. */
  readonly remaining: number;
  /** Seconds until all of `limit` is there again, rounded up. */
  readonly resetS: number;
  /** Seconds until the same cost would be allowed, rounded up; 0 where it was. */
  readonly retryS: number;
}

export interface Limiter {
  /** A token bucket (GCRA) a key. What is refused costs nothing. */
  take(key: string, rate: Rate, cost?: number): Promise<Taken>;
}

export interface Acquired {
  readonly granted: boolean;
  /** Members that hold one now, the new one with them. */
  readonly held: number;
  /** This member held one before: its place is not only the asker's to give back. */
  readonly again: boolean;
}

/** Places in a set that are lost when their holder dies: each lapses after its time unless it is renewed. */
export interface Leases {
  /** Takes a place where fewer than `max` are held; a member that holds one keeps it, for `ttlMs` from now. */
  acquire(set: string, member: string, max: number, ttlMs: number): Promise<Acquired>;
  /** Keeps or restores these places, above every maximum too: what runs is not cut. */
  renew(set: string, members: readonly string[], ttlMs: number): Promise<void>;
  release(set: string, member: string): Promise<void>;
}

export interface Counters {
  /**
   * Adds and answers the new total. The total is at least `floor` + `n`: a counter only grows, so what anybody knows of it is a
   * lower bound, and a lost or new counter begins there. Gone after `ttlMs` without an addition.
   */
  add(key: string, n: number, options: { readonly ttlMs: number; readonly floor?: number }): Promise<number>;
}

/** An answer as it was sent; never the request. */
export interface StoredAnswer {
  readonly status: number;
  readonly body: string;
  /** A digest of what was asked, so that another request under the same id is not answered with this one's answer. */
  readonly content: string;
}

export type Claim =
  /** Nobody asked for it within the window: it is the caller's to answer or to abandon. */
  | { readonly kind: 'new' }
  | { readonly kind: 'running' }
  | { readonly kind: 'answered'; readonly answer: StoredAnswer }
  /** It was answered, too long ago for the answer to be kept. */
  | { readonly kind: 'duplicate' };

/** One answer a request id of a customer. */
export interface Dedup {
  claim(customerId: string, requestId: string): Promise<Claim>;
  answer(customerId: string, requestId: string, answer: StoredAnswer): Promise<void>;
  /** Nothing came of it: the same id may be tried again. */
  abandon(customerId: string, requestId: string): Promise<void>;
}

/** How long an answer is given again. */
export const REPLAY_MS = 60_000;
/** How long a request id counts as used, from its answer on. */
export const DUPLICATE_MS = 300_000;
/** A claim without an answer, of a process that died: longer than any request takes. */
export const CLAIM_MS = 30_000;

export const TOPICS = ['keys', 'consent', 'erasure'] as const;
export type Topic = (typeof TOPICS)[number];

/**
 * News between gateways. Delivered at most once and not at all while Redis is away: it makes a change take effect sooner, and
 * whoever listens keeps what it caches for 3 s at most anyway. No secrets: ids only.
 */
export interface Bus {
  /** Reaches every subscriber of every gateway, one's own too. */
  publish(topic: Topic, message: string): Promise<void>;
  /** Answers how to end it. */
  subscribe(topic: Topic, listener: (message: string) => void): () => void;
}

export interface SharedState {
  readonly limiter: Limiter;
  readonly leases: Leases;
  readonly counters: Counters;
  readonly dedup: Dedup;
  readonly bus: Bus;
  close(): Promise<void>;
}
