import { randomBytes } from 'node:crypto';
import type { FreshOpen } from '@sinew/protocol';
import { STREAM_PATH } from '@sinew/protocol';
import { BenchError } from '../command.js';
import { GatewayProcess } from './gateway-process.js';
import type { LoadOptions } from './load-options.js';
import type { StreamTarget } from './stream-socket.js';

export interface Target {
  readonly stream: StreamTarget;
  readonly http: string;
  /** Null for a gateway that was running already. */
  readonly gateway: GatewayProcess | null;
}

/** The gateway to load: one of our own, or the one that `--url` names. */
export async function openTarget(options: LoadOptions): Promise<Target> {
  if (options.url !== null) {
    if (options.key === null) throw new BenchError('--url needs --key, or SINEW_API_KEY');
    const url = new URL(options.url);
    const port = url.port === '' ? 80 : Number(url.port);
    const stream = { host: url.hostname, port, path: STREAM_PATH, key: options.key };
    return { stream, http: `http://${url.host}`, gateway: null };
  }
  const key = `vla_live_${randomBytes(24).toString('base64url')}`;
  const gateway = await GatewayProcess.start(
    {
      policy: options.policy,
      policyThreads: options.policy_threads,
      maxSessions: options.robots + (options.hostile ? 100 : 0),
      key,
      bare: options.bare,
      // As long as by default where sockets are cut; else what a fleet leaves behind shall be gone soon.
      resumeWindowMs: options.reconnect_storm === null ? 1_000 : 15_000,
    },
    options.profile,
  );
  const stream = { host: '127.0.0.1', port: gateway.port, path: STREAM_PATH, key };
  return { stream, http: `http://127.0.0.1:${gateway.port}`, gateway };
}

/** A Panda over a table. Its model is the server's default, which is the policy that was asked for. */
export function openMessage(options: LoadOptions): FreshOpen {
  return {
    type: 'open',
    robot_type: 'franka_panda',
    instruction: 'pick up the red cube',
    control_hz: options.hz,
    pacing: options.pacing,
    // As long as the server's default, but never shorter than the protocol allows at this rate of observations.
    stale_after_ms: Math.min(2_000, Math.max(500, 2_500 / options.hz, 2_500 / (options.obs_hz ?? options.hz))),
    environment: { environment_type: 'lab', workspace: { min: [-0.5, -0.5, 0], max: [0.5, 0.5, 0.6] } },
    client: { name: 'sinew-bench', version: '1' },
  };
}
