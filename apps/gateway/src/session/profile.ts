import type { ControlSpec, LimitsInForce } from '@sinew/control';
import type { Blend, ClientInfo, Environment, FreshOpen, Pacing, Smoothing } from '@sinew/protocol';
import type { Principal } from '../auth.js';
import type { ServedModel } from '../models.js';
import type { Wire } from './wire.js';

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
  /** Setting `horizon`, where the client did not ask for a horizon of its own: `execute` is then the shortest. */
  readonly adaptive: boolean;
  readonly blend: Blend;
  readonly smoothing: Smoothing;
  readonly limits: LimitsInForce;
  /** What the client said about limits: with it they can be resolved anew under other settings. */
  readonly asked: Pick<FreshOpen, 'limits' | 'keep_out'>;
  readonly staleAfterMs: number;
  readonly environment: Environment | null;
  readonly client: ClientInfo | null;
  /** Null: `sinew.v1`. */
  readonly wire: Wire | null;
}

export function controlSpecOf(profile: SessionProfile): ControlSpec {
  const { description } = profile.model;
  return {
    limits: profile.limits,
    actionSpace: description.action_space,
    dim: description.action_dim,
    chunkSize: description.chunk_size,
    hz: profile.controlHz,
    execute: profile.execute,
    ...(profile.adaptive ? { holdsAgeNothing: true } : {}),
    blend: profile.blend,
    smoothing: profile.smoothing,
    action: description.action,
  };
}
