import type { Observation, WireImage } from './client-messages.js';
import type { WireFault } from './errors.js';
import { isCount, isMap, isReal, own, readVector, type WireMap } from './frame-reader.js';
import { WIRE_LIMITS } from './vocabulary.js';

/** `ignored`: fields of an `open` that mean nothing here, by their paths; where there are some. */
export type Decoded<T> = { ok: true; message: T; ignored?: readonly string[] } | { ok: false; fault: WireFault };

/** A rule of W5 that was broken: the observation is dropped, the session goes on. */
export function observationFault(field: string, reason: string, seq?: number, rule?: string): WireFault {
  const fault: WireFault = { code: 'validation_failed', message: `${field}: ${reason}`, fatal: false, field, reason };
  if (rule !== undefined) fault.rule = rule;
  if (seq !== undefined) fault.observation_seq = seq;
  return fault;
}

/** Reads an `observation` map by hand: it comes every tick of every robot. Shapes only; the model's rules are checkObservation's. */
export function decodeObservation(map: WireMap): Decoded<Observation> {
  const seq = own(map, 'seq');
  if (!isCount(seq)) return refuse('seq', 'must be an integer from 0 to 2^53');
  const capturedAt = own(map, 'captured_at_ms');
  if (!isReal(capturedAt)) return refuse('captured_at_ms', 'must be a finite number', seq);
  const rawImages = own(map, 'images');
  if (!isMap(rawImages)) return refuse('images', 'must be a map of camera names to images', seq);
  const cameras = Object.keys(rawImages);
  if (cameras.length > WIRE_LIMITS.maxCameras)
    return refuse('images', `more than ${WIRE_LIMITS.maxCameras} cameras`, seq);
  // no prototype: a camera called `constructor` is then unknown like any other
  const images: Record<string, WireImage> = Object.create(null);
  for (const camera of cameras) {
    const image = readImage(rawImages[camera]);
    if (typeof image === 'string') return refuse(`images.${camera.slice(0, 64)}`, image, seq, 'image.malformed');
    images[camera] = image;
  }
  const rawState = own(map, 'state');
  if (!Array.isArray(rawState) && !(rawState instanceof Uint8Array))
    return refuse('state', 'must be an array of numbers, or a bin of little-endian float32', seq);
  const state = readVector(rawState);
  if (state === null) return refuse('state', 'every entry must be a finite number', seq, 'state.not_finite');
  if (state.length > WIRE_LIMITS.maxStateDim)
    return refuse('state', `more than ${WIRE_LIMITS.maxStateDim} entries`, seq, 'state.wrong_length');

  const message: Observation = { type: 'observation', seq, captured_at_ms: capturedAt, images, state };
  const appliedSeq = own(map, 'applied_seq');
  if (appliedSeq !== undefined) {
    if (!isCount(appliedSeq)) return refuse('applied_seq', 'must be an integer from 0 to 2^53', seq);
    message.applied_seq = appliedSeq;
  }
  const instruction = own(map, 'instruction');
  if (instruction !== undefined) {
    if (typeof instruction !== 'string') return refuse('instruction', 'must be a string', seq);
    if (instruction.length < 1 || instruction.length > WIRE_LIMITS.maxInstructionChars)
      return refuse('instruction', `must have 1 to ${WIRE_LIMITS.maxInstructionChars} characters`, seq);
    message.instruction = instruction;
  }
  return { ok: true, message };
}

function refuse(field: string, reason: string, seq?: number, rule?: string): Decoded<never> {
  return { ok: false, fault: observationFault(field, reason, seq, rule) };
}

/** @returns the image, or what is wrong with it. */
function readImage(value: unknown): WireImage | string {
  if (value instanceof Uint8Array) return { kind: 'encoded', data: value };
  if (!isMap(value)) return 'must be bin, or a map of data, shape and encoding';
  if (own(value, 'encoding') !== 'rgb8') return 'encoding must be "rgb8"';
  const data = own(value, 'data');
  if (!(data instanceof Uint8Array)) return 'data must be bin';
  const shape = own(value, 'shape');
  if (!Array.isArray(shape) || shape.length !== 3) return 'shape must be [height, width, 3]';
  const [height, width, channels] = shape as unknown[];
  if (!isCount(height) || !isCount(width) || channels !== 3) return 'shape must be [height, width, 3]';
  if (data.length !== height * width * 3) return 'data must have height × width × 3 bytes';
  return { kind: 'rgb8', data, width, height };
}
