import { type Field, type MessageType, message } from './message-type.js';

// Messages that Foxglove and Rerun know by name. Names and field numbers are theirs, of foxglove-sdk's schemas/proto.

export const TIMESTAMP = message('google.protobuf', 'Timestamp', 'google/protobuf/timestamp.proto', [
  { name: 'seconds', number: 1, type: 'int64' },
  { name: 'nanos', number: 2, type: 'int32' },
]);

const stamp = (number: number): Field => ({ name: 'timestamp', number, type: TIMESTAMP });
const foxglove = (name: string, fields: readonly Field[]): MessageType =>
  message('foxglove', name, `foxglove/${name}.proto`, fields);

/** `data`: a whole file of `format` jpeg, png or webp. */
export const COMPRESSED_IMAGE = foxglove('CompressedImage', [
  stamp(1),
  { name: 'data', number: 2, type: 'bytes' },
  { name: 'format', number: 3, type: 'string' },
  { name: 'frame_id', number: 4, type: 'string' },
]);

/** `data`: rows of `step` bytes. */
export const RAW_IMAGE = foxglove('RawImage', [
  stamp(1),
  { name: 'width', number: 2, type: 'fixed32' },
  { name: 'height', number: 3, type: 'fixed32' },
  { name: 'encoding', number: 4, type: 'string' },
  { name: 'step', number: 5, type: 'fixed32' },
  { name: 'data', number: 6, type: 'bytes' },
  { name: 'frame_id', number: 7, type: 'string' },
]);

const JOINT_STATE = foxglove('JointState', [
  { name: 'name', number: 1, type: 'string' },
  { name: 'position', number: 2, type: 'double', optional: true },
  { name: 'velocity', number: 3, type: 'double', optional: true },
  { name: 'acceleration', number: 4, type: 'double', optional: true },
  { name: 'effort', number: 5, type: 'double', optional: true },
]);

/** Radians, or metres where a joint slides. */
export const JOINT_STATES = foxglove('JointStates', [
  stamp(1),
  { name: 'joints', number: 2, type: JOINT_STATE, repeated: true },
]);

export const LOG_LEVELS = { UNKNOWN: 0, DEBUG: 1, INFO: 2, WARNING: 3, ERROR: 4, FATAL: 5 } as const;
export type LogLevel = keyof typeof LOG_LEVELS;

export const LOG = foxglove('Log', [
  stamp(1),
  { name: 'level', number: 2, type: { kind: 'enum', name: 'Level', values: LOG_LEVELS } },
  { name: 'message', number: 3, type: 'string' },
  { name: 'name', number: 4, type: 'string' },
  { name: 'file', number: 5, type: 'string' },
  { name: 'line', number: 6, type: 'fixed32' },
]);

/** Of Unix nanoseconds. */
export const timestamp = (ns: bigint) => ({
  seconds: Number(ns / 1_000_000_000n),
  nanos: Number(ns % 1_000_000_000n),
});
