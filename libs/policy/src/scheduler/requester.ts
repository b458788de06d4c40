import type { PolicyInput, PolicyOutput } from '../backend/policy-backend.js';

export interface RequestTiming {
  /** From the observation's arrival (else the request's) to its result, less decoding and graph. */
  readonly queueMs: number;
  readonly decodeMs: number;
  readonly inferMs: number;
  readonly batch: number;
}

/**
 * A session as the scheduler sees it. The queue holds requesters, not frames: `take` answers the newest observation when
 * its turn has come, so a frame that was superseded is neither copied nor decoded.
 */
export interface Requester {
  readonly id: string;
  /** Milliseconds until the last usable action has run, less the expected latency (L6). Falls as time passes. */
  slack(nowMs: number): number;
  /**
   * Share of its recent time, 0 to 1, that it lost or is about to lose to waiting for a chunk (order `wait_ratio`). Absent: nothing
   * was ever lost, and how long it waits in the queue counts alone.
   */
  waitRatio?(nowMs: number): number;
  /** No usable action is left. */
  starving(nowMs: number): boolean;
  /** The observation to run; null when there is none that is young enough: the request is dropped. */
  take(nowMs: number): PolicyInput | null;
  /** Once for every input that was taken, unless the requester was removed meanwhile. */
  done(output: PolicyOutput, timing: RequestTiming): void;
}
