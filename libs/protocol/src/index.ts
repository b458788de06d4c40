export { checkImage, checkObservation, type ImageFault } from './check-observation.js';
export type * from './client-messages.js';
export { type ClockEstimate, ClockEstimator } from './clock-estimator.js';
export { type Decoded, decodeClientFrame } from './decode-client-frame.js';
export { decodeServerFrame } from './decode-server-frame.js';
export { encodeClientMessage, encodeServerMessage } from './encode.js';
export {
  CLOSE_CODES,
  CLOSE_IDLE,
  type CloseRule,
  ERROR_CODES,
  ERRORS,
  type ErrorCode,
  type ErrorRule,
  isErrorCode,
  SinewError,
  type SinewErrorFields,
  type WireFault,
} from './errors.js';
export { scanFrame } from './frame-scan.js';
export { FrameWriter } from './frame-writer.js';
export { type ImageHeader, readImageHeader } from './image-header.js';
export type * from './model-description.js';
export { clientSchemas } from './schemas/client.js';
export { serverSchemas } from './schemas/server.js';
export type * from './server-messages.js';
export { TickFrames } from './tick-frames.js';
export * from './vocabulary.js';
