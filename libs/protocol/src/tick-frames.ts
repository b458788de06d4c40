import { FrameWriter } from './frame-writer.js';
import type { Action, Hold } from './server-messages.js';

const encoder = new FrameWriter();
const text = (value: string): Uint8Array => encoder.encode(value).slice();
const joined = (...parts: (number | Uint8Array)[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === 'number' ? [part] : [...part])));
const map = (keys: number): number => 0x80 | keys;

const ACTION = {
  head: joined(map(8), text('type'), text('action'), text('seq')),
  observationSeq: text('observation_seq'),
  values: text('values'),
  ageMs: text('age_ms'),
  safety: joined(text('safety'), map(4), text('score')),
  checksPassed: text('checks_passed'),
  flags: text('flags'),
  clamped: text('clamped'),
  latency: joined(text('latency'), map(3), text('queue_ms')),
  inferenceMs: text('inference_ms'),
  totalMs: text('total_ms'),
  logId: text('log_id'),
};
const HOLD = {
  head: joined(map(4), text('type'), text('hold'), text('seq')),
  reason: text('reason'),
  values: text('values'),
};

/**
 * `action` and `hold`, which leave every tick of every robot: the same bytes as `encodeServerMessage` makes, with names that
 * are encoded once and no allocation. What is returned is lent until the next call.
 */
export class TickFrames {
  readonly #writer = new FrameWriter();

  action(action: Action): Uint8Array {
    const { safety, latency } = action;
    const writer = this.#writer;
    writer.begin();
    writer.raw(ACTION.head);
    writer.number(action.seq);
    writer.raw(ACTION.observationSeq);
    writer.number(action.observation_seq);
    writer.raw(ACTION.values);
    writer.value(action.values);
    writer.raw(ACTION.ageMs);
    writer.number(action.age_ms);
    writer.raw(ACTION.safety);
    writer.number(safety.score);
    writer.raw(ACTION.checksPassed);
    writer.number(safety.checks_passed);
    writer.raw(ACTION.flags);
    writer.value(safety.flags);
    writer.raw(ACTION.clamped);
    writer.value(safety.clamped);
    writer.raw(ACTION.latency);
    writer.number(latency.queue_ms);
    writer.raw(ACTION.inferenceMs);
    writer.number(latency.inference_ms);
    writer.raw(ACTION.totalMs);
    writer.number(latency.total_ms);
    writer.raw(ACTION.logId);
    writer.number(action.log_id);
    return writer.lend();
  }

  hold(hold: Hold): Uint8Array {
    const writer = this.#writer;
    writer.begin();
    writer.raw(HOLD.head);
    writer.number(hold.seq);
    writer.raw(HOLD.reason);
    writer.value(hold.reason);
    writer.raw(HOLD.values);
    writer.value(hold.values);
    return writer.lend();
  }
}
