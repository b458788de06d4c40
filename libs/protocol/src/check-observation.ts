import type { Observation, WireImage } from './client-messages.js';
import { observationFault } from './decode-observation.js';
import type { WireFault } from './errors.js';
import { readImageHeaderBorrow } from './image-header.js';
import type { CameraInput, ModelDescription } from './model-description.js';
import { WIRE_LIMITS } from './vocabulary.js';

const { minImageSide, maxImageSide, minEncodedImageBytes } = WIRE_LIMITS;

/** What is wrong with a picture: `rule` for counting, `reason` for people. */
export interface ImageFault {
  readonly rule: 'image.too_few_bytes' | 'image.unknown_format' | 'image.wrong_channels' | 'image.wrong_size';
  readonly reason: string;
}

/**
 * W5 against the session's model: `seq` rises, the state has the model's length and is finite, every camera of the model
 * is there and no other, every image is in bounds by its header. Allocates nothing for an observation that passes.
 * @param lastSeq the last accepted `seq` of the session, resumes included; -1 before the first.
 * @returns the first rule broken, or null.
 */
export function checkObservation(observation: Observation, model: ModelDescription, lastSeq: number): WireFault | null {
  const { seq, state, images } = observation;
  if (seq <= lastSeq) return observationFault('seq', `must rise: ${lastSeq} came before`, seq, 'seq.not_rising');
  const dim = model.inputs.state.dim;
  if (state.length !== dim)
    return observationFault('state', `must have ${dim} entries, has ${state.length}`, seq, 'state.wrong_length');
  for (let i = 0; i < dim; i++)
    if (!Number.isFinite(state[i]))
      return observationFault('state', 'every entry must be finite', seq, 'state.not_finite');
  const { cameras } = model.inputs;
  for (let i = 0; i < cameras.length; i++) {
    const { name } = cameras[i] as CameraInput;
    const image = Object.hasOwn(images, name) ? images[name] : undefined;
    if (image === undefined)
      return observationFault(`images.${name}`, 'the model needs this camera', seq, 'image.missing_camera');
    const fault = checkImage(image);
    if (fault !== null) return observationFault(`images.${name}`, fault.reason, seq, fault.rule);
  }
  for (const name in images)
    if (Object.hasOwn(images, name) && !isCamera(cameras, name))
      return observationFault(
        `images.${name.slice(0, 64)}`,
        'the model has no such camera',
        seq,
        'image.unknown_camera',
      );
  return null;
}

function isCamera(cameras: readonly CameraInput[], name: string): boolean {
  for (let i = 0; i < cameras.length; i++) if (cameras[i]?.name === name) return true;
  return false;
}

/** What is wrong with the picture, by its header alone, or null. */
export function checkImage(image: WireImage): ImageFault | null {
  if (image.kind === 'rgb8') return checkSides(image.width, image.height);
  if (image.data.length < minEncodedImageBytes)
    return { rule: 'image.too_few_bytes', reason: `under ${minEncodedImageBytes} bytes encoded` };
  const header = readImageHeaderBorrow(image.data);
  if (header === null) return { rule: 'image.unknown_format', reason: 'not a JPEG, PNG or WebP' };
  if (header.channels !== 3)
    return { rule: 'image.wrong_channels', reason: `must have 3 channels, has ${header.channels}` };
  return checkSides(header.width, header.height);
}

function checkSides(width: number, height: number): ImageFault | null {
  return inside(width) && inside(height)
    ? null
    : {
        rule: 'image.wrong_size',
        reason: `${width} × ${height} is outside ${minImageSide}-${maxImageSide} px a side`,
      };
}

function inside(side: number): boolean {
  return side >= minImageSide && side <= maxImageSide;
}
