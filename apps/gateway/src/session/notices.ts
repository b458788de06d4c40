/** At most one notice a second and code; what came in between is in the counters. */
export class NoticeLimiter {
  readonly #last = new Map<string, number>();

  allow(code: string, nowMs: number): boolean {
    const last = this.#last.get(code);
    if (last !== undefined && nowMs - last < 1_000) return false;
    this.#last.set(code, nowMs);
    return true;
  }
}
