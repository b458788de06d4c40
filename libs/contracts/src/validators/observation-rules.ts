import { WIRE_LIMITS } from '@sinew/protocol';
import { validators } from './validator.js';

const { maxCameras, maxImageSide, maxStateDim, minEncodedImageBytes, minImageSide } = WIRE_LIMITS;

/** What a robot saw and measured. */
export const OBSERVATION_RULES = validators([
  ['image', 'missing_camera', 'each camera of the model', ['stream', 'rest'], 'protocol: checkObservation'],
  ['image', 'unknown_camera', 'no camera beside those of the model', ['stream', 'rest'], 'protocol: checkObservation'],
  [
    'image',
    'malformed',
    'bin of a JPEG, PNG or WebP, or raw rgb8 whose length is its shape; over REST a data URL',
    ['stream', 'rest'],
    'protocol: decodeClientFrame',
  ],
  [
    'image',
    'too_few_bytes',
    `at least ${minEncodedImageBytes} bytes encoded`,
    ['stream', 'rest'],
    'protocol: checkImage',
    'image',
  ],
  ['image', 'unknown_format', 'begins as a JPEG, PNG or WebP', ['stream', 'rest'], 'protocol: checkImage', 'image'],
  ['image', 'wrong_channels', '3 channels', ['stream', 'rest'], 'protocol: checkImage', 'image'],
  [
    'image',
    'wrong_size',
    `${minImageSide} to ${maxImageSide} px a side`,
    ['stream', 'rest'],
    'protocol: checkImage',
    'image',
  ],
  ['image', 'undecodable', 'decodes', ['stream', 'rest'], 'policy: the decoder of its worker', 'image'],
  [
    'state',
    'wrong_length',
    `as many entries as the model takes; never over ${maxStateDim}`,
    ['stream', 'rest'],
    'protocol: checkObservation',
  ],
  ['state', 'not_finite', 'no NaN, no infinity', ['stream', 'rest'], 'protocol: checkObservation'],
  ['state', 'wrong_unit', 'metres and radians, as far as one can tell', ['stream', 'rest'], 'control: StateCheck'],
  ['seq', 'not_rising', 'rises within a session, resumes included', ['stream'], 'protocol: checkObservation'],
  [
    'captured_at_ms',
    'in_the_future',
    'not over 1 s ahead of the server’s clock, where pings tell the difference',
    ['stream'],
    'protocol: ClockEstimator',
  ],
  ['applied_seq', 'not_sent', 'a tick that was sent already', ['stream'], 'gateway: ObservationGate'],
  [
    'message',
    'malformed',
    `every other field is of its type; at most ${maxCameras} cameras`,
    ['open', 'stream', 'rest', 'jobs'],
    'protocol: decodeClientFrame; contracts: the route’s schemas',
  ],
]);
