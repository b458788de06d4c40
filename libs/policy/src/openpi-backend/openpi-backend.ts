import type { PolicyBackend } from '../backend/policy-backend.js';
import type { RemoteBackendOptions } from '../kserve/kserve-backend.js';
import { RemoteBackend } from '../remote/remote-backend.js';
import { OpenpiServer } from './openpi-server.js';

/** A policy behind the openpi wire. Throws a BundleError where it has no server. */
export function createOpenpiBackend(options: RemoteBackendOptions): PolicyBackend {
  const { bundle, urls = [], maxBatch = 0, token = null, now = () => performance.now() } = options;
  const { manifest, remote: model } = bundle;
  if (model?.backend !== 'openpi') throw new TypeError(`${manifest.id} is not behind the openpi wire`);
  return new RemoteBackend({
    bundle,
    provider: 'openpi',
    urls: urls.length > 0 ? urls : model.urls,
    connections: model.connections,
    maxBatch,
    now,
    connect: (url, layout) => new OpenpiServer({ url, manifest, model, layout, token }),
  });
}
