import type { Action, Chunk, Hold } from '@sinew/protocol';
import type { RobotAction } from './robot-action.js';

/** How a session's messages become the robot's commands: one kind a pacing. */
export interface Player {
  /** An observation of this state left, captured just now. */
  observed(state: Float64Array): void;
  receive(message: Action | Hold | Chunk): void;
  /** Any frame of the server arrived. */
  heard(): void;
  linkLost(): void;
  linkRestored(): void;
  /** A new episode: nothing from before is executed any more. */
  reset(): void;
  /** E-stop on this side: from now on holds only, until `release` and something new from the server. */
  estop(): void;
  release(): void;
  /** The consumer takes this command now. @returns what it is to execute: this, or as much of it as may follow what it executed before. */
  taken(action: RobotAction): RobotAction;
  /** The tick of the last command that the consumer took, if the server knows it. */
  readonly appliedSeq: number | null;
  /** Leaves no timer. */
  stop(): void;
}
