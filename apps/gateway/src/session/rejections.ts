interface Rejected {
  readonly field: string;
  readonly reason: string;
  readonly rule: string;
  count: number;
}

/** Rejected observations are one journal record a session, field and second, with a count: a broken client must not fill the disk. */
export class Rejections {
  readonly #counts = new Map<string, Rejected>();
  #since = 0;

  /** Adds one. */
  add(field: string, reason: string, rule: string, nowMs: number): void {
    if (this.#counts.size === 0) this.#since = nowMs;
    const key = `${field}\n${reason}`;
    const entry = this.#counts.get(key);
    if (entry === undefined) this.#counts.set(key, { field, reason, rule, count: 1 });
    else entry.count++;
  }

  /** What a whole second (or everything, at the end) collected. */
  take(nowMs: number, everything = false): readonly Readonly<Rejected>[] {
    if (this.#counts.size === 0 || (!everything && nowMs - this.#since < 1_000)) return [];
    const out = [...this.#counts.values()];
    this.#counts.clear();
    return out;
  }
}
