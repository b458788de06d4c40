import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { Bundle } from '@sinew/policy';
import { STREAM_PATH } from '@sinew/protocol';
import { OPENPI_PATH } from '@sinew/protocol/openpi';
import type { Wire } from './client-messages.js';
import { peerSettings } from './peer-settings.js';
import { PYTHON_SERVER } from './python.js';
import { ServerProcess } from './server-process.js';
import type { SinewSettings } from './sinew-server.js';

/** Whom the client asks. `sinew` and `sinew_native` are one process, asked over two endpoints. */
export type ServerId = 'echo' | 'true_echo' | 'ws' | 'python' | 'sinew' | 'sinew_native';

export const SERVER_LABELS: Readonly<Record<ServerId, string>> = {
  echo: 'uWS, canned answer',
  true_echo: 'uWS, true echo',
  ws: 'ws',
  python: 'Python websockets',
  sinew: 'Sinew, /v1/openpi',
  sinew_native: 'Sinew, native lockstep',
};

/** A server that listens, and how it is asked. */
export interface Peer {
  readonly id: ServerId;
  readonly process: ServerProcess;
  readonly path: string;
  readonly key: string;
  readonly wire: Wire;
}

export interface StartOptions {
  readonly bundle: Bundle;
  /** As the gateway's setting `policies` takes it. */
  readonly policy: string;
  /** Of the servers, one at a time. */
  readonly cores: string | null;
  readonly threads: number;
  readonly python: string | null;
  /** A folder for V8 CPU profiles of the gateway. */
  readonly profile: string | null;
}

/** A client that executes half of each chunk in a box of its own, as the native one says in its `open`. */
const QUERY = 'robot_type=franka_panda&execute=4&environment_type=lab&workspace=-0.5,-0.5,0,0.5,0.5,0.6';
const entry = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** Starts those of the servers that are asked for, and stops them all where one does not start. */
export async function startPeers(ids: readonly ServerId[], options: StartOptions): Promise<Peer[]> {
  const peers: Peer[] = [];
  try {
    for (const id of ids) peers.push(await startPeer(id, options, peers));
    return peers;
  } catch (error) {
    await stopPeers(peers);
    throw error;
  }
}

export async function stopPeers(peers: readonly Peer[]): Promise<void> {
  await Promise.all([...new Set(peers.map(({ process }) => process))].map((process) => process.stop()));
}

async function startPeer(id: ServerId, options: StartOptions, before: readonly Peer[]): Promise<Peer> {
  const { bundle, cores, policy, profile, python, threads } = options;
  const { chunk_size, action_dim } = bundle.manifest;
  const node = (...args: string[]) => ServerProcess.start(id, cores, process.execPath, args);
  const openpi = { id, path: '/', key: 'none', wire: 'openpi' } as const;
  switch (id) {
    case 'echo':
    case 'true_echo': {
      const what = id === 'echo' ? 'canned' : 'echo';
      return {
        ...openpi,
        process: await node(entry('./echo-server.js'), what, JSON.stringify([chunk_size, action_dim])),
      };
    }
    case 'ws':
      return {
        ...openpi,
        process: await node(entry('./ws-server.js'), JSON.stringify(await peerSettings(bundle, threads))),
      };
    case 'python': {
      const settings = JSON.stringify(await peerSettings(bundle, threads));
      return {
        ...openpi,
        process: await ServerProcess.start(id, cores, python ?? 'python3', [PYTHON_SERVER, settings]),
      };
    }
    case 'sinew':
    case 'sinew_native': {
      const endpoint =
        id === 'sinew'
          ? ({ id, path: `${OPENPI_PATH}?${QUERY}`, wire: 'openpi' } as const)
          : ({ id, path: STREAM_PATH, wire: 'native' } as const);
      const same = before.find((peer) => peer.id === 'sinew');
      if (same !== undefined) return { ...endpoint, process: same.process, key: same.key };
      const key = `vla_live_${randomBytes(24).toString('base64url')}`;
      const settings: SinewSettings = { policy, threads, key };
      const flags = profile === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
      return { ...endpoint, key, process: await node(...flags, entry('./sinew-server.js'), JSON.stringify(settings)) };
    }
  }
}
