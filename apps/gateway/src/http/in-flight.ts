/** Counts what is under way: all of it, so that a drain can wait for it, and a key's share, so that none takes it all. */
export class InFlight {
  #all = 0;
  readonly #byKey = new Map<string, number>();

  get size(): number {
    return this.#all;
  }

  of(keyId: string): number {
    return this.#byKey.get(keyId) ?? 0;
  }

  /** The function that ends it. */
  begin(): () => void {
    this.#all++;
    return () => {
      this.#all--;
    };
  }

  beginFor(keyId: string): () => void {
    this.#byKey.set(keyId, this.of(keyId) + 1);
    return () => {
      const left = this.of(keyId) - 1;
      if (left > 0) this.#byKey.set(keyId, left);
      else this.#byKey.delete(keyId);
    };
  }
}
