import type { TickResult } from '@sinew/control';
import type { JournalRecord } from '@sinew/journal';
import type { AcceptedObservation } from '../session/observation-box.js';

/** What listens to a session. Nothing that it is given is its own: it copies what it keeps, and it never throws. */
export interface SessionTap {
  observed(observation: AcceptedObservation): void;
  /** Decided now; `n` may be due later. */
  ticked(n: number, result: TickResult): void;
  /** What went into the journal. */
  recorded(record: JournalRecord): void;
  /** The session is closed. */
  ended(): void;
  /** It threw, and is told nothing more. */
  failed(error: unknown): void;
}
