/** Milliseconds since the epoch that never run backwards: a wall-clock jump must not turn into an old observation or a burst of ticks. */
export interface Clock {
  now(): number;
}

export const monotonicClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
};
