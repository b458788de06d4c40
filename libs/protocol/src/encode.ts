import type { ClientMessage, Observation } from './client-messages.js';
import { FrameWriter } from './frame-writer.js';
import type { ServerMessage } from './server-messages.js';

const writer = new FrameWriter();

/** One client message; the bytes are a view on a larger buffer, which is never written to again. */
export function encodeClientMessage(message: ClientMessage): Uint8Array {
  return writer.encode(message.type === 'observation' ? observationMap(message) : message);
}

/** One server message; the bytes as above. Messages are the wire's maps already, so this is one pass over them. */
export function encodeServerMessage(message: ServerMessage): Uint8Array {
  return writer.encode(message);
}

function observationMap(observation: Observation): object {
  const images: Record<string, unknown> = Object.create(null);
  for (const camera of Object.keys(observation.images)) {
    const image = observation.images[camera];
    if (image === undefined) continue;
    images[camera] =
      image.kind === 'encoded'
        ? image.data
        : { data: image.data, shape: [image.height, image.width, 3], encoding: 'rgb8' };
  }
  return { ...observation, images };
}
