import type { Redis } from 'ioredis';

/** While Redis is away it is asked this often whether it is back. */
const PROBE_MS = 500;

export interface LinkEvents {
  /** One command is on its way to Redis. */
  readonly operation: (name: string) => void;
  /** Gone (with the reason), or back. */
  readonly away: (away: boolean, reason: string) => void;
}

/**
 * Whether Redis may be asked now. One failed or unanswered command, or a lost connection, and nobody waits for it any more
 * until a probe of ours was answered.
 */
export class RedisLink {
  readonly #redis: Redis;
  readonly #events: LinkEvents;
  /** Null before the first answer. */
  #away: boolean | null = null;
  #prober: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(redis: Redis, events: LinkEvents) {
    this.#redis = redis;
    this.#events = events;
    redis.on('ready', () => void this.probe());
    redis.on('close', () => this.#lost('the connection was lost'));
  }

  /** Asks Redis where it is there, else the local stand-in. Never rejects because of Redis. */
  async ask<T>(operation: string, remote: () => Promise<T>, local: () => Promise<T>): Promise<T> {
    if (this.#away === false) {
      this.#events.operation(operation);
      try {
        return await remote();
      } catch (error) {
        this.#lost(messageOf(error));
      }
    }
    return local();
  }

  /** By a write: a replica that only reads, or a full memory, is as good as away. Answers whether Redis is there. */
  async probe(): Promise<boolean> {
    if (this.#closed) return false;
    try {
      await this.#redis.set('sinew:probe', '1', 'PX', 10_000);
    } catch (error) {
      this.#lost(messageOf(error));
      return false;
    }
    this.#found();
    return true;
  }

  close(): void {
    this.#closed = true;
    this.#stopProbing();
  }

  #lost(reason: string): void {
    if (this.#away === true || this.#closed) return;
    this.#away = true;
    this.#prober = setInterval(() => void this.probe(), PROBE_MS);
    this.#prober.unref();
    this.#events.away(true, reason);
  }

  #found(): void {
    if (this.#away === false || this.#closed) return;
    const wasAway = this.#away;
    this.#away = false;
    this.#stopProbing();
    if (wasAway === true) this.#events.away(false, 'Redis answers again');
  }

  #stopProbing(): void {
    if (this.#prober !== null) clearInterval(this.#prober);
    this.#prober = null;
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
