export { descriptorSet } from './descriptor-set.js';
export * from './foxglove.js';
export { imageFormat } from './image-format.js';
export { type Channel, McapStream } from './mcap-stream.js';
export { encodeMessage, type MessageType, type MessageValue, message } from './message-type.js';
export { recordingHolds } from './recording-holds.js';
export { PART, type Recovered, recoverRecording } from './recover.js';
export { scalars, scalarValues } from './scalars.js';
export { type Moment, type SessionHead, SessionRecording } from './session-recording.js';
