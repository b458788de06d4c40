import type { Outbox } from './outbox.js';
import type { PacingMode } from './pacing.js';
import type { Session } from './session.js';

/**
 * A wire other than `sinew.v1`: what a session says on it, and how its client executes what it is told. Gates, scheduler,
 * governor and journal know nothing of it.
 */
export interface Wire {
  /** Whether the instruction comes with the observations only: a session of it is opened without one. */
  readonly instructsLater: boolean;
  outbox(session: Session): Outbox;
  /** Of the kind `lockstep`. */
  pacing(session: Session): PacingMode;
}
