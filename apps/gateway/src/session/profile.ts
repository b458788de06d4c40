import type { LimitsInForce } from '@sinew/control';
import type { Blend, ClientInfo, Environment, Pacing, Smoothing } from '@sinew/protocol';
import type { Principal } from '../auth.js';
import type { ServedModel } from '../models.js';

/** Everything that `open` decided; it never changes while the session lives. */
export interface SessionProfile {
  readonly id: string;
  readonly principal: Principal;
  /** The customer's stable name of the robot; the e-stop latch belongs to it (S11). */
  readonly robotId: string;
  readonly robotType: string;
  readonly model: ServedModel;
  readonly controlHz: number;
  readonly pacing: Pacing;
  readonly execute: number;
  readonly blend: Blend;
  readonly smoothing: Smoothing;
  readonly limits: LimitsInForce;
  readonly staleAfterMs: number;
  readonly environment: Environment | null;
  readonly client: ClientInfo | null;
}
