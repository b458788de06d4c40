import { PacerWheel } from '@sinew/control';
import type { Clock } from './clock.js';

export interface Paced {
  /** Tick `n` is due; `skipped` ticks before it were missed by a stalled server and are never made up for (S2). */
  tick(n: number, dueMs: number, skipped: number): void;
}

/** One timer at a time; the host's, unless time itself is simulated. */
export interface PacerTimer {
  /** Runs `task` once, about `ms` from now. Returns what calls it off. */
  start(task: () => void, ms: number): () => void;
}

const hostTimer: PacerTimer = {
  start: (task, ms) => {
    const timer = setTimeout(task, ms);
    return () => clearTimeout(timer);
  },
};

/** How late a timer comes on an idle loop. */
const TIMER_LATENESS_MS = 1;
/**
 * Timers turn once a millisecond. A tick that is due before the next turn goes out with this one: at most half a
 * millisecond off its time in either direction, instead of up to a whole one late.
 */
const EARLY_MS = 0.5;
/** The longest sleep: a session added meanwhile wakes the pacer itself, this only bounds the damage of a bug. */
const MAX_SLEEP_MS = 100;

/** One timer for all sessions; the schedule itself is pure and lives in @sinew/control. */
export class Pacer {
  readonly #clock: Clock;
  readonly #wheel = new PacerWheel<Paced>();
  readonly #targets = new Map<string, Paced>();
  readonly #timer: PacerTimer;
  #cancel: (() => void) | null = null;
  #wakeMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, timer: PacerTimer = hostTimer) {
    this.#clock = clock;
    this.#timer = timer;
  }

  get size(): number {
    return this.#targets.size;
  }

  /** Tick 0 is due at `startMs`; tick n at startMs + n·1000/hz, without drift. */
  add(id: string, startMs: number, hz: number, target: Paced): void {
    this.remove(id);
    this.#targets.set(id, target);
    this.#wheel.add(target, startMs, hz);
    this.#schedule();
  }

  remove(id: string): void {
    const target = this.#targets.get(id);
    if (target === undefined) return;
    this.#targets.delete(id);
    this.#wheel.remove(target);
  }

  /**
   * The timer's turn comes after all frames that wait: between them, ticks that it would be late for are made up for. Only
   * those, because ticks that go out together wake the kernel and the clients once.
   */
  catchUp(nowMs: number): void {
    if (this.#wheel.nextDueMs() + TIMER_LATENESS_MS > nowMs) return;
    this.#wheel.advance(nowMs, this.#emit);
    this.#schedule();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
    for (const id of [...this.#targets.keys()]) this.remove(id);
  }

  readonly #emit = (target: Paced, n: number, dueMs: number, skipped: number): void => {
    target.tick(n, dueMs, skipped);
  };

  readonly #wake = (): void => {
    this.#cancel = null;
    this.#wakeMs = Number.POSITIVE_INFINITY;
    this.#wheel.advance(this.#clock.now() + EARLY_MS, this.#emit);
    this.#schedule();
  };

  #schedule(): void {
    if (this.#targets.size === 0) return;
    const dueMs = this.#wheel.nextDueMs();
    if (this.#cancel !== null) {
      if (dueMs >= this.#wakeMs) return;
      this.#cancel();
    }
    const now = this.#clock.now();
    this.#wakeMs = Math.min(dueMs, now + MAX_SLEEP_MS);
    // Node rounds timers down to whole milliseconds and fires at least one later: aim for the millisecond before.
    this.#cancel = this.#timer.start(this.#wake, Math.max(0, Math.floor(this.#wakeMs - now)));
  }
}
