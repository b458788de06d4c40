import type { OpenSocket } from './socket.js';

/** What a timer returns; only ever handed back. */
export type TimerHandle = object | number;

/** Everything the client takes from outside: time, chance and sockets. Tests bring their own; so may a simulator that delays frames. */
export interface Environment {
  /** Milliseconds since the epoch that never run backwards. `captured_at_ms` is on this clock. */
  now(): number;
  setTimeout(run: () => void, ms: number): TimerHandle;
  clearTimeout(handle: TimerHandle): void;
  /** [0, 1) */
  random(): number;
  openSocket: OpenSocket;
}

/** The host's clock and timers with the given sockets. */
export function hostEnvironment(openSocket: OpenSocket): Environment {
  return {
    now: () => performance.timeOrigin + performance.now(),
    setTimeout: (run, ms) => setTimeout(run, ms),
    clearTimeout: (handle) => clearTimeout(handle as ReturnType<typeof setTimeout>),
    random: Math.random,
    openSocket,
  };
}
