import type { RobotAction } from './robot-action.js';

interface Waiter {
  resolve(result: IteratorResult<RobotAction, undefined>): void;
  reject(error: unknown): void;
}

/**
 * The robot's commands as an async iterator, with a bounded buffer: a consumer that is too slow gets the newest, and
 * `dropped` counts what it never saw. There is one stream a robot: several loops over it share its actions.
 */
export class ActionStream implements AsyncIterableIterator<RobotAction, undefined> {
  readonly #limit: number;
  readonly #onTake: (action: RobotAction) => RobotAction;
  readonly #buffer: RobotAction[] = [];
  readonly #waiters: Waiter[] = [];
  #end: { readonly error: Error | null } | null = null;
  dropped = 0;

  /** @param onTake called when an action goes to the consumer; what it returns is what the consumer gets. */
  constructor(limit: number, onTake: (action: RobotAction) => RobotAction) {
    this.#limit = limit;
    this.#onTake = onTake;
  }

  get buffered(): number {
    return this.#buffer.length;
  }

  push(action: RobotAction): void {
    if (this.#end !== null) return;
    const waiter = this.#waiters.shift();
    if (waiter !== undefined) {
      waiter.resolve({ done: false, value: this.#onTake(action) });
      return;
    }
    this.#buffer.push(action);
    if (this.#buffer.length > this.#limit) {
      this.#buffer.shift();
      this.dropped++;
    }
  }

  /** Takes back actions that were not handed out yet. */
  discard(which: (action: RobotAction) => boolean = () => true): void {
    const kept = this.#buffer.filter((action) => !which(action));
    this.#buffer.splice(0, this.#buffer.length, ...kept);
  }

  /** No more actions; with an error, the iteration throws it. Nothing that still waits is handed out: it is of the past. */
  end(error: Error | null): void {
    if (this.#end !== null) return;
    this.#end = { error };
    this.#buffer.length = 0;
    for (const waiter of this.#waiters.splice(0)) {
      if (error === null) waiter.resolve({ done: true, value: undefined });
      else waiter.reject(error);
    }
  }

  next(): Promise<IteratorResult<RobotAction, undefined>> {
    const action = this.#buffer.shift();
    if (action !== undefined) return Promise.resolve({ done: false, value: this.#onTake(action) });
    if (this.#end !== null) {
      return this.#end.error === null
        ? Promise.resolve({ done: true, value: undefined })
        : Promise.reject(this.#end.error);
    }
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  /** Leaving a loop ends the loop, not the robot: the next loop goes on. */
  return(): Promise<IteratorResult<RobotAction, undefined>> {
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
