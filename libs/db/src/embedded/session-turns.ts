/**
 * Who may speak to the one backend session. An owner keeps it from its first message until the backend says idle;
 * the others wait in the order in which they asked.
 */
export class SessionTurns<Owner extends object> {
  #owner: Owner | null = null;
  #previous: Owner | null = null;
  readonly #waiting: { readonly owner: Owner; readonly grant: () => void }[] = [];

  get owner(): Owner | null {
    return this.#owner;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** True when somebody else (or nobody) owned the session since this owner's last turn: its state must be renewed. */
  async acquire(owner: Owner): Promise<{ readonly renewed: boolean }> {
    if (this.#owner === owner) return { renewed: false };
    if (this.#owner === null && this.#waiting.length === 0) this.#owner = owner;
    else await new Promise<void>((grant) => this.#waiting.push({ owner, grant }));
    const renewed = this.#previous !== owner;
    this.#previous = owner;
    return { renewed };
  }

  release(owner: Owner): void {
    if (this.#owner !== owner) return;
    const next = this.#waiting.shift();
    this.#owner = next?.owner ?? null;
    next?.grant();
  }

  /** The session's state is nobody's: whoever comes next renews it, even if it was the last. */
  forgetPrevious(): void {
    this.#previous = null;
  }
}
