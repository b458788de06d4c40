import type { z } from 'zod';
import { badMessage, type Decoded, schemaFault } from './decode-client-frame.js';
import { observationFault } from './decode-observation.js';
import { isCount, isMap, isReal, own, readFrameBorrow, readVector, type WireMap } from './frame-reader.js';
import * as schemas from './schemas/server.js';
import type { Action, Chunk, Hold, Latency, Pong, Safety, ServerMessage } from './server-messages.js';
import { HOLD_PRIORITY } from './vocabulary.js';

/** Decodes one frame of the server. Never throws. Everything in the result is a copy. A type that this client does not know is not fatal. */
export function decodeServerFrame(bytes: Uint8Array): Decoded<ServerMessage> {
  const map = readFrameBorrow(bytes);
  if (typeof map === 'string') return { ok: false, fault: badMessage(map) };
  const type = own(map, 'type');
  switch (type) {
    case 'action':
      return settle(readAction(map), 'action');
    case 'hold':
      return settle(readHold(map), 'hold');
    case 'chunk':
      return settle(readChunk(map), 'chunk');
    case 'pong':
      return settle(readPong(map), 'pong');
    case 'opened':
      return parse(schemas.opened, map);
    case 'notice':
      return parse(schemas.notice, map);
    case 'error':
      return parse(schemas.errorMessage, map);
    case 'closed':
      return parse(schemas.closed, map);
    default:
      return typeof type === 'string'
        ? { ok: false, fault: { code: 'unknown_type', message: 'a message type of a newer server', fatal: false } }
        : { ok: false, fault: badMessage('the map has no string `type`') };
  }
}

function parse<T extends ServerMessage>(schema: z.ZodType<T>, map: WireMap): Decoded<T> {
  const result = schema.safeParse(map);
  return result.success ? { ok: true, message: result.data } : { ok: false, fault: schemaFault(result.error, false) };
}

function settle<T extends ServerMessage>(message: T | string, type: string): Decoded<T> {
  return typeof message === 'string'
    ? { ok: false, fault: observationFault(message, `missing or malformed in ${type}`) }
    : { ok: true, message };
}

// Each reader returns the message, or the name of the field that is wrong.

function readAction(map: WireMap): Action | string {
  const { seq, observation_seq, age_ms, log_id } = map;
  if (!isCount(seq)) return 'seq';
  if (!Number.isSafeInteger(observation_seq)) return 'observation_seq';
  const values = Array.isArray(map.values) ? readVector(map.values) : null;
  if (values === null) return 'values';
  if (!isReal(age_ms)) return 'age_ms';
  if (!isCount(log_id)) return 'log_id';
  const safety = readSafety(map.safety);
  if (safety === null) return 'safety';
  const latency = readLatency(map.latency);
  if (latency === null) return 'latency';
  return { type: 'action', seq, observation_seq: observation_seq as number, values, age_ms, safety, latency, log_id };
}

function readHold(map: WireMap): Hold | string {
  const { seq } = map;
  if (!isCount(seq)) return 'seq';
  const reason = HOLD_PRIORITY.find((known) => known === map.reason);
  if (reason === undefined) return 'reason';
  const values = Array.isArray(map.values) ? readVector(map.values) : null;
  return values === null ? 'values' : { type: 'hold', seq, reason, values };
}

function readChunk(map: WireMap): Chunk | string {
  const { observation_seq, first_tick, dt_ms, shape, log_id } = map;
  if (!Number.isSafeInteger(observation_seq)) return 'observation_seq';
  if (!isCount(first_tick)) return 'first_tick';
  if (!isReal(dt_ms) || dt_ms <= 0) return 'dt_ms';
  if (!Array.isArray(shape) || shape.length !== 2) return 'shape';
  const [length, dim] = shape as unknown[];
  if (!isCount(length) || !isCount(dim) || dim < 1) return 'shape';
  const values = readFloat32(map.values);
  if (values === null || values.length !== length * dim) return 'values';
  const stop = readFloat32(map.stop);
  if (stop === null || stop.length % dim !== 0) return 'stop';
  const startPose = map.start_pose === null || map.start_pose === undefined ? null : readVector(map.start_pose);
  if (startPose === null && Array.isArray(map.start_pose)) return 'start_pose';
  if (!isCount(log_id)) return 'log_id';
  const safety = readSafety(map.safety);
  if (safety === null) return 'safety';
  const latency = readLatency(map.latency);
  if (latency === null) return 'latency';
  return {
    type: 'chunk',
    observation_seq: observation_seq as number,
    first_tick,
    dt_ms,
    shape: [length, dim],
    values,
    start_pose: startPose,
    stop,
    safety,
    latency,
    log_id,
  };
}

function readPong(map: WireMap): Pong | string {
  const { sent_at_ms, received_at_ms, server_time_ms } = map;
  if (!isReal(sent_at_ms)) return 'sent_at_ms';
  if (!isReal(received_at_ms)) return 'received_at_ms';
  if (!isReal(server_time_ms)) return 'server_time_ms';
  return { type: 'pong', sent_at_ms, received_at_ms, server_time_ms };
}

function readSafety(value: unknown): Safety | null {
  if (!isMap(value)) return null;
  const { score, checks_passed, flags, clamped } = value;
  if (!isReal(score) || !isCount(checks_passed) || checks_passed > 4 || typeof clamped !== 'boolean') return null;
  if (!Array.isArray(flags) || !flags.every((flag) => typeof flag === 'string')) return null;
  return { score, checks_passed, flags, clamped };
}

function readLatency(value: unknown): Latency | null {
  if (!isMap(value)) return null;
  const { queue_ms, inference_ms, total_ms } = value;
  if (!isReal(queue_ms) || !isReal(inference_ms) || !isReal(total_ms)) return null;
  return { queue_ms, inference_ms, total_ms };
}

function readFloat32(value: unknown): Float32Array | null {
  if (!(value instanceof Uint8Array)) return null;
  const vector = readVector(value);
  return vector === null ? null : Float32Array.from(vector);
}
