import type { PolicyBackend } from '../backend/policy-backend.js';
import type { RemoteBackendOptions } from '../kserve/kserve-backend.js';
import { RemoteBackend } from '../remote/remote-backend.js';
import { PROTOCOLS } from '../remote/remote-model.js';
import { OpenpiServer } from './openpi-server.js';

/** A policy behind the openpi wire. Throws a BundleError where it has no server. */
export function createOpenpiBackend(options: RemoteBackendOptions): PolicyBackend {
  const { bundle, urls = [], maxBatch = 0, token = null } = options;
  const { now = () => performance.now(), onServer = () => {} } = options;
  const { manifest, remote: model } = bundle;
  if (model?.backend !== 'openpi') throw new TypeError(`${manifest.id} is not behind the openpi wire`);
  return new RemoteBackend({
    bundle,
    provider: 'openpi',
    urls: urls.length > 0 ? urls : model.urls,
    protocols: PROTOCOLS.openpi,
    connections: model.connections,
    maxBatch,
    now,
    onServer,
    connect: (url, layout) => new OpenpiServer({ url, manifest, model, layout, token }),
  });
}
