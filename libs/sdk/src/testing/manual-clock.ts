import type { TimerHandle } from '../environment.js';

interface Timer {
  readonly dueMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** Time that moves only when a test says so; due timers run in order of their times. */
export class ManualClock {
  #now: number;
  #order = 0;
  readonly #timers = new Set<Timer>();

  constructor(startMs = 1_700_000_000_000) {
    this.#now = startMs;
  }

  readonly now = (): number => this.#now;

  readonly setTimeout = (run: () => void, ms: number): TimerHandle => {
    const timer: Timer = { dueMs: this.#now + Math.max(0, ms), order: this.#order++, run };
    this.#timers.add(timer);
    return timer;
  };

  readonly clearTimeout = (handle: TimerHandle): void => {
    this.#timers.delete(handle as Timer);
  };

  get pending(): number {
    return this.#timers.size;
  }

  /** Time passes while nothing can run, as in a process that was stopped. */
  jump(ms: number): void {
    this.#now += ms;
  }

  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      let next: Timer | null = null;
      for (const timer of this.#timers)
        if (
          timer.dueMs <= end &&
          (next === null || timer.dueMs < next.dueMs || (timer.dueMs === next.dueMs && timer.order < next.order))
        )
          next = timer;
      if (next === null) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.dueMs);
      next.run();
    }
    this.#now = end;
  }
}
