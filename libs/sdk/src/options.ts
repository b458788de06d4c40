import type { FreshOpen, SinewError } from '@sinew/protocol';
import type { ConnectionError } from './socket.js';

/** What happens beside the actions. */
export type RobotEvent =
  /** A session begins, or goes on (`resumed`); a new one after the old was lost has another id. */
  | { readonly type: 'session'; readonly sessionId: string; readonly resumed: boolean; readonly epoch: number }
  | {
      readonly type: 'reconnecting';
      readonly attempt: number;
      readonly delayMs: number;
      readonly error: SinewError | ConnectionError;
    }
  | { readonly type: 'notice'; readonly code: string; readonly message: string }
  /** A message was refused; the session goes on. */
  | { readonly type: 'error'; readonly error: SinewError; readonly observationSeq: number | null };

/** What `connect` takes. Everything optional has the server's default; units as on the wire (metres, radians, seconds, ms). */
export interface ConnectOptions {
  /** `ws://host:port` of the server; http works too. */
  readonly url: string;
  readonly apiKey: string;
  readonly robotType: string;
  readonly instruction: string;
  /** A stable name of this robot: an e-stop belongs to it, and lives longer than a session. */
  readonly robotId?: string;
  readonly model?: string;
  readonly controlHz?: number;
  readonly pacing?: FreshOpen['pacing'];
  readonly execute?: number;
  readonly smoothing?: FreshOpen['smoothing'];
  readonly blend?: FreshOpen['blend'];
  readonly staleAfterMs?: number;
  readonly limits?: FreshOpen['limits'];
  readonly keepOut?: FreshOpen['keep_out'];
  readonly environment?: FreshOpen['environment'];
  readonly client?: FreshOpen['client'];
  readonly onEvent?: (event: RobotEvent) => void;
}

const CLIENT = { name: '@sinew/sdk', version: '0.1.0' };

/** The `open` message of these options. */
export function openMessage(options: ConnectOptions, instruction: string): FreshOpen {
  const fields = {
    robot_id: options.robotId,
    model: options.model,
    control_hz: options.controlHz,
    pacing: options.pacing,
    execute: options.execute,
    smoothing: options.smoothing,
    blend: options.blend,
    stale_after_ms: options.staleAfterMs,
    limits: options.limits,
    keep_out: options.keepOut,
    environment: options.environment,
  };
  const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  return {
    type: 'open',
    robot_type: options.robotType,
    instruction,
    client: options.client ?? CLIENT,
    ...given,
  };
}
