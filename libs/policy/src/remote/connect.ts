import { KserveServer } from '../kserve/kserve-server.js';
import type { BatchLayout } from '../onnx/batch-layout.js';
import { OpenpiServer } from '../openpi-backend/openpi-server.js';
import type { RemoteSetup } from './messages.js';
import type { RemoteServer } from './remote-server.js';

/** A server of the protocol that the bundle names. */
export function connectTo({ manifest, model, token }: RemoteSetup, url: string, layout: BatchLayout): RemoteServer {
  return model.backend === 'kserve'
    ? new KserveServer({ url, manifest, model, layout, token })
    : new OpenpiServer({ url, manifest, model, layout, token });
}
