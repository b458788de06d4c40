import type { HoldReason, Observation } from '@sinew/protocol';
import { Chunked } from './chunked.js';
import type { ReadyChunk } from './inference.js';
import { Lockstep } from './lockstep.js';
import type { AcceptedObservation } from './observation-box.js';
import { PacedMode } from './paced.js';
import type { Session } from './session.js';

/** How a session's actions leave: one a tick (S2), a chunk an inference (S3), or a chunk an observation (S4). */
export interface PacingMode {
  /** The first accepted observation starts the tick schedule, where there is one. */
  begin(nowMs: number): void;
  /** The control tick that entry 0 of this observation's chunk is for. */
  baseTick(message: Observation, capturedMs: number): number;
  /** The first tick that a chunk for this observation may still be used for, were it adopted now. */
  firstUsableTick(observation?: AcceptedObservation): number;
  accept(observation: AcceptedObservation): void;
  chunkReady(chunk: ReadyChunk): void;
  tick(n: number, dueMs: number): void;
  /** Something must end now, not with the next tick; `unanswered` observations will get no chunk. */
  stopNow(reason: HoldReason, unanswered: readonly AcceptedObservation[]): void;
  /** Where a client that waits for an answer has to be told in its own way; the others get an `error`. */
  modelFailed?(observation: AcceptedObservation): void;
  newEpisode(): void;
  resumed(): void;
}

export function createPacing(session: Session): PacingMode {
  switch (session.profile.pacing) {
    case 'paced':
      return new PacedMode(session);
    case 'chunked':
      return new Chunked(session);
    case 'lockstep':
      return new Lockstep(session);
  }
}
