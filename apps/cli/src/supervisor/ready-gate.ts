/** Open while a process is ready; closes when it exits. Whoever waits gets the next opening. */
export class ReadyGate<T> {
  #value: T | undefined;
  #waiting: ((value: T | undefined) => void)[] = [];

  get value(): T | undefined {
    return this.#value;
  }

  open(value: T): void {
    this.#value = value;
    for (const resolve of this.#waiting.splice(0)) resolve(value);
  }

  close(): void {
    this.#value = undefined;
  }

  /** The value once open, or undefined when `signal` aborts first. */
  wait(signal: AbortSignal): Promise<T | undefined> {
    if (this.#value !== undefined) return Promise.resolve(this.#value);
    if (signal.aborted) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const settle = (value: T | undefined): void => {
        signal.removeEventListener('abort', abort);
        resolve(value);
      };
      const abort = (): void => {
        this.#waiting = this.#waiting.filter((other) => other !== settle);
        settle(undefined);
      };
      this.#waiting.push(settle);
      signal.addEventListener('abort', abort);
    });
  }
}
