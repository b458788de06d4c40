/** Bytes that come when they come, for one reader. Until they are read they are whose they came from. */
export class Parts implements AsyncIterable<Uint8Array> {
  readonly #signal: AbortSignal;
  readonly #waiting: Uint8Array[] = [];
  #ended = false;
  #error: Error | null = null;
  #wake: (() => void) | null = null;

  /** Reading ends with the signal. */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#wake?.(), { once: true });
  }

  /** False where nobody reads any more. */
  push(part: Uint8Array): boolean {
    if (this.#ended || this.#signal.aborted) return false;
    this.#waiting.push(part);
    this.#wake?.();
    return true;
  }

  end(error: Error | null): void {
    this.#ended = true;
    this.#error = error;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    while (!this.#signal.aborted) {
      const part = this.#waiting.shift();
      if (part !== undefined) yield part;
      else if (this.#error !== null) throw this.#error;
      else if (this.#ended) return;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = null;
      }
    }
  }
}
