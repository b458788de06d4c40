import type { Opened } from '@sinew/protocol';
import type { ActionStream } from './action-stream.js';
import type { Environment } from './environment.js';
import type { RobotAction } from './robot-action.js';
import type { ServerClock } from './server-clock.js';

/** What a player works with; the session it belongs to is over when it is. */
export interface PlayerContext {
  readonly env: Environment;
  readonly opened: Opened;
  readonly stream: ActionStream;
  readonly clock: ServerClock;
  push(action: RobotAction): void;
  /** Since the capture of that observation, ms; null for one long past. */
  ageMs(observationSeq: number): number | null;
  /** The seq that the next observation will have. */
  nextObservationSeq(): number;
  /** The command that asks for no motion, or null while it is not known. */
  rest(): Float64Array | null;
  /** Counts a chunk that came after its first tick. */
  late(): void;
  /** E3: what keeps the commands within limits does not work: the robot is latched, and the session over. */
  failed(error: unknown): void;
}
