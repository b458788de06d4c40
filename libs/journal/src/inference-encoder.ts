import { begin, key, lend, mapHead, number, value } from './keyed-writer.js';
import type { InferenceRecord } from './records.js';

/** Each field's name as msgpack, in the order in which they are written. */
export const FIELDS = {
  v: key('v'),
  kind: key('kind'),
  log_id: key('log_id'),
  t_ms: key('t_ms'),
  session_id: key('session_id'),
  customer_id: key('customer_id'),
  request_id: key('request_id'),
  key_id: key('key_id'),
  episode: key('episode'),
  robot_id: key('robot_id'),
  robot_type: key('robot_type'),
  model_id: key('model_id'),
  model_version: key('model_version'),
  instruction: key('instruction'),
  observation_seq: key('observation_seq'),
  observation_age_ms: key('observation_age_ms'),
  base_tick: key('base_tick'),
  state: key('state'),
  image_shape: key('image_shape'),
  chunk: key('chunk'),
  shape: key('shape'),
  queue_ms: key('queue_ms'),
  decode_ms: key('decode_ms'),
  inference_ms: key('inference_ms'),
  total_ms: key('total_ms'),
  status: key('status'),
  safety_score: key('safety_score'),
  safety_flags: key('safety_flags'),
} satisfies Partial<Record<keyof InferenceRecord, Uint8Array>>;
export const HEAD = mapHead(Object.keys(FIELDS).length);

/** Whether a record has only the fields that every inference has; others are rare and left to the general encoder. */
export const isPlain = (record: InferenceRecord): boolean =>
  record.error === undefined && record.plan === undefined && record.session_id !== null;

/**
 * The record that comes with every chunk, field by field and without the general encoder's walk over the object, which took as
 * long as judging the chunk. What it decodes to is the same. Valid until the next call.
 */
export function encodeInference(record: InferenceRecord): Uint8Array {
  begin(HEAD);
  number(FIELDS.v, record.v);
  value(FIELDS.kind, record.kind);
  number(FIELDS.log_id, record.log_id);
  number(FIELDS.t_ms, record.t_ms);
  value(FIELDS.session_id, record.session_id);
  value(FIELDS.customer_id, record.customer_id);
  value(FIELDS.request_id, record.request_id);
  value(FIELDS.key_id, record.key_id);
  number(FIELDS.episode, record.episode);
  value(FIELDS.robot_id, record.robot_id);
  value(FIELDS.robot_type, record.robot_type);
  value(FIELDS.model_id, record.model_id);
  value(FIELDS.model_version, record.model_version);
  value(FIELDS.instruction, record.instruction);
  number(FIELDS.observation_seq, record.observation_seq);
  number(FIELDS.observation_age_ms, record.observation_age_ms);
  number(FIELDS.base_tick, record.base_tick);
  value(FIELDS.state, record.state);
  value(FIELDS.image_shape, record.image_shape);
  value(FIELDS.chunk, record.chunk);
  value(FIELDS.shape, record.shape);
  number(FIELDS.queue_ms, record.queue_ms);
  number(FIELDS.decode_ms, record.decode_ms);
  number(FIELDS.inference_ms, record.inference_ms);
  number(FIELDS.total_ms, record.total_ms);
  value(FIELDS.status, record.status);
  number(FIELDS.safety_score, record.safety_score);
  value(FIELDS.safety_flags, record.safety_flags);
  return lend();
}
