import type { Plan } from '@sinew/control';
import type { Chunk } from '@sinew/protocol';
import { namesOf } from './flag-names.js';
import type { ReadyChunk } from './inference.js';

/** Numbers as float32, in a buffer that is used again. */
class Float32Room {
  #room = new Float32Array(0);

  hold(numbers: Float64Array): Float32Array {
    if (numbers.length > this.#room.length) this.#room = new Float32Array(2 * numbers.length);
    const held = this.#room.subarray(0, numbers.length);
    held.set(numbers);
    return held;
  }
}

const values = new Float32Room();
const stop = new Float32Room();

/**
 * A governed plan as the wire's `chunk`; `firstTick` is the tick of its first action. Its `values` and `stop` are lent: encode it before
 * the next one is made.
 */
export function chunkMessage(plan: Plan, chunk: ReadyChunk, firstTick: number, dtMs: number, dim: number): Chunk {
  return {
    type: 'chunk',
    observation_seq: chunk.observation.seq,
    first_tick: firstTick,
    dt_ms: dtMs,
    shape: [plan.length, dim],
    values: values.hold(plan.values),
    start_pose: plan.startPose === null ? null : new Float64Array(plan.startPose),
    stop: stop.hold(plan.stop),
    safety: {
      score: plan.score,
      checks_passed: plan.checksPassed,
      flags: namesOf(plan.flags),
      clamped: plan.clamped,
    },
    latency: chunk.latency,
    log_id: chunk.logId,
  };
}
