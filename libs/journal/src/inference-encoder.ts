import { begin, key, lend, mapHead, number, value } from './keyed-writer.js';
import type { InferenceRecord } from './records.js';

/** In the order in which they are written. */
const KEYS = {
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
const HEAD = mapHead(Object.keys(KEYS).length);

/** Whether a record has only the fields that every inference has; others are rare and left to the general encoder. */
export const isPlain = (record: InferenceRecord): boolean =>
  record.error === undefined && record.plan === undefined && record.session_id !== null;

/**
 * The record that comes with every chunk, field by field and without the general encoder's walk over the object, which took as
 * long as judging the chunk. What it decodes to is the same. Valid until the next call.
 */
export function encodeInference(record: InferenceRecord): Uint8Array {
  begin(HEAD);
  number(KEYS.v, record.v);
  value(KEYS.kind, record.kind);
  number(KEYS.log_id, record.log_id);
  number(KEYS.t_ms, record.t_ms);
  value(KEYS.session_id, record.session_id);
  value(KEYS.customer_id, record.customer_id);
  value(KEYS.request_id, record.request_id);
  value(KEYS.key_id, record.key_id);
  number(KEYS.episode, record.episode);
  value(KEYS.robot_id, record.robot_id);
  value(KEYS.robot_type, record.robot_type);
  value(KEYS.model_id, record.model_id);
  value(KEYS.model_version, record.model_version);
  value(KEYS.instruction, record.instruction);
  number(KEYS.observation_seq, record.observation_seq);
  number(KEYS.observation_age_ms, record.observation_age_ms);
  number(KEYS.base_tick, record.base_tick);
  value(KEYS.state, record.state);
  value(KEYS.image_shape, record.image_shape);
  value(KEYS.chunk, record.chunk);
  value(KEYS.shape, record.shape);
  number(KEYS.queue_ms, record.queue_ms);
  number(KEYS.decode_ms, record.decode_ms);
  number(KEYS.inference_ms, record.inference_ms);
  number(KEYS.total_ms, record.total_ms);
  value(KEYS.status, record.status);
  number(KEYS.safety_score, record.safety_score);
  value(KEYS.safety_flags, record.safety_flags);
  return lend();
}
