/** A map whose entries end by themselves. What has ended is found when it is asked for, and swept as the map grows. */
export class ExpiringMap<V> {
  readonly #now: () => number;
  readonly #entries = new Map<string, { value: V; endsMs: number }>();
  #sweepAt = 1_024;

  /** `now`: milliseconds, any origin. */
  constructor(now: () => number) {
    this.#now = now;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.endsMs > this.#now()) return entry.value;
    this.#entries.delete(key);
    return undefined;
  }

  set(key: string, value: V, ttlMs: number): void {
    this.#entries.set(key, { value, endsMs: this.#now() + ttlMs });
    if (this.#entries.size >= this.#sweepAt) this.#sweep();
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  #sweep(): void {
    const now = this.#now();
    for (const [key, { endsMs }] of this.#entries) if (endsMs <= now) this.#entries.delete(key);
    // Twice what is alive: sweeping stays cheap an insertion, however many there are.
    this.#sweepAt = Math.max(1_024, 2 * this.#entries.size);
  }
}
