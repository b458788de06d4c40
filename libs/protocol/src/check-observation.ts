import type { Observation, WireImage } from './client-messages.js';
import { observationFault } from './decode-observation.js';
import type { WireFault } from './errors.js';
import { readImageHeader } from './image-header.js';
import type { ModelDescription } from './model-description.js';
import { WIRE_LIMITS } from './vocabulary.js';

const { minImageSide, maxImageSide, minEncodedImageBytes } = WIRE_LIMITS;

/**
 * W5 against the session's model: `seq` rises, the state has the model's length and is finite, every camera of the model
 * is there and no other, every image is in bounds by its header.
 * @param lastSeq the last accepted `seq` of the session, resumes included; -1 before the first.
 * @returns the first rule broken, or null.
 */
export function checkObservation(observation: Observation, model: ModelDescription, lastSeq: number): WireFault | null {
  const { seq, state, images } = observation;
  if (seq <= lastSeq) return observationFault('seq', `must rise: ${lastSeq} came before`, seq);
  const dim = model.inputs.state.dim;
  if (state.length !== dim) return observationFault('state', `must have ${dim} entries, has ${state.length}`, seq);
  for (const entry of state)
    if (!Number.isFinite(entry)) return observationFault('state', 'every entry must be finite', seq);
  const { cameras } = model.inputs;
  for (const { name } of cameras) {
    const image = Object.hasOwn(images, name) ? images[name] : undefined;
    if (image === undefined) return observationFault(`images.${name}`, 'the model needs this camera', seq);
    const reason = checkImage(image);
    if (reason !== null) return observationFault(`images.${name}`, reason, seq);
  }
  for (const name of Object.keys(images))
    if (!cameras.some((camera) => camera.name === name))
      return observationFault(`images.${name.slice(0, 64)}`, 'the model has no such camera', seq);
  return null;
}

/** @returns why the image is refused, or null. */
export function checkImage(image: WireImage): string | null {
  if (image.kind === 'rgb8') return checkSides(image.width, image.height);
  if (image.data.length < minEncodedImageBytes) return `under ${minEncodedImageBytes} bytes encoded`;
  const header = readImageHeader(image.data);
  if (header === null) return 'not a JPEG, PNG or WebP';
  if (header.channels !== 3) return `must have 3 channels, has ${header.channels}`;
  return checkSides(header.width, header.height);
}

function checkSides(width: number, height: number): string | null {
  const inside = (side: number): boolean => side >= minImageSide && side <= maxImageSide;
  return inside(width) && inside(height)
    ? null
    : `${width} × ${height} is outside ${minImageSide}-${maxImageSide} px a side`;
}
