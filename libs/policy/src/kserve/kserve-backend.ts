import type { PolicyBackend, ServerStats } from '../backend/policy-backend.js';
import type { Bundle } from '../bundle/bundle.js';
import { RemoteBackend } from '../remote/remote-backend.js';
import { PROTOCOLS } from '../remote/remote-model.js';
import { KserveServer } from './kserve-server.js';

export interface RemoteBackendOptions {
  readonly bundle: Bundle;
  /** In place of the bundle's; empty or absent: the bundle's. */
  readonly urls?: readonly string[];
  /** At most this many at once; 0 or absent: the bundle's. */
  readonly maxBatch?: number;
  /** Proves to the servers who asks; it is sent to all of them. */
  readonly token?: string | null;
  /** The clock of `staleAtMs`, milliseconds. */
  readonly now?: () => number;
  /** A server came or went. */
  readonly onServer?: (server: ServerStats) => void;
}

/** A policy that KServe v2 servers run. Throws a BundleError where it has no server. */
export function createKserveBackend(options: RemoteBackendOptions): PolicyBackend {
  const { bundle, urls = [], maxBatch = 0, token = null } = options;
  const { now = () => performance.now(), onServer = () => {} } = options;
  const { manifest, remote: model } = bundle;
  if (model?.backend !== 'kserve') throw new TypeError(`${manifest.id} is not served by KServe`);
  return new RemoteBackend({
    bundle,
    provider: 'kserve',
    urls: urls.length > 0 ? urls : model.urls,
    protocols: PROTOCOLS.kserve,
    connections: model.connections,
    maxBatch,
    now,
    onServer,
    connect: (url, layout) => new KserveServer({ url, manifest, model, layout, maxBatch: layout.rows, token }),
  });
}
