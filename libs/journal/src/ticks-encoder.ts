import { begin, key, lend, map, mapHead, number, value } from './keyed-writer.js';
import type { LoopInputs, TicksRecord } from './records.js';

/** In the order in which they are written. */
const KEYS = {
  v: key('v'),
  kind: key('kind'),
  log_id: key('log_id'),
  session_id: key('session_id'),
  customer_id: key('customer_id'),
  t_ms: key('t_ms'),
  episode: key('episode'),
  part: key('part'),
  dt_ms: key('dt_ms'),
  dim: key('dim'),
  seq: key('seq'),
  log_ids: key('log_ids'),
  flags: key('flags'),
  score: key('score'),
  kinds: key('kinds'),
  causes: key('causes'),
  proposed: key('proposed'),
  sent: key('sent'),
  inputs: key('inputs'),
} satisfies Record<Exclude<keyof TicksRecord, 'erased'>, Uint8Array>;
const HEAD = mapHead(Object.keys(KEYS).length);

const INPUT_KEYS = {
  at: key('at'),
  before: key('before'),
  log_ids: key('log_ids'),
  base_tick: key('base_tick'),
  state_dim: key('state_dim'),
  state: key('state'),
} satisfies Record<keyof LoopInputs, Uint8Array>;
/** Few enough fields for the short form. */
const INPUTS_HEAD = Uint8Array.of(0x80 | Object.keys(INPUT_KEYS).length);

type CompleteTicks = TicksRecord & Required<Pick<TicksRecord, 'part' | 'causes' | 'inputs'>>;

/** Whether a record has every column and nothing erased; others are left to the general encoder. */
export const isComplete = (record: TicksRecord): record is CompleteTicks =>
  record.erased === undefined &&
  record.part !== undefined &&
  record.causes !== undefined &&
  record.inputs !== undefined;

/**
 * The record of a second of ticks, or in lockstep of each chunk, written as `encodeInference` writes an inference. What it decodes
 * to is what the general encoder would have made of it. Valid until the next call.
 */
export function encodeTicks(record: CompleteTicks): Uint8Array {
  const { inputs } = record;
  begin(HEAD);
  number(KEYS.v, record.v);
  value(KEYS.kind, record.kind);
  value(KEYS.log_id, record.log_id);
  value(KEYS.session_id, record.session_id);
  value(KEYS.customer_id, record.customer_id);
  number(KEYS.t_ms, record.t_ms);
  number(KEYS.episode, record.episode);
  number(KEYS.part, record.part);
  number(KEYS.dt_ms, record.dt_ms);
  number(KEYS.dim, record.dim);
  value(KEYS.seq, record.seq);
  value(KEYS.log_ids, record.log_ids);
  value(KEYS.flags, record.flags);
  value(KEYS.score, record.score);
  value(KEYS.kinds, record.kinds);
  value(KEYS.causes, record.causes);
  value(KEYS.proposed, record.proposed);
  value(KEYS.sent, record.sent);
  map(KEYS.inputs, INPUTS_HEAD);
  value(INPUT_KEYS.at, inputs.at);
  value(INPUT_KEYS.before, inputs.before);
  value(INPUT_KEYS.log_ids, inputs.log_ids);
  value(INPUT_KEYS.base_tick, inputs.base_tick);
  number(INPUT_KEYS.state_dim, inputs.state_dim);
  value(INPUT_KEYS.state, inputs.state);
  return lend();
}
