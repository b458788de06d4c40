import type { Plan } from '@sinew/control';
import type { Chunk } from '@sinew/protocol';
import { namesOf } from './flag-names.js';
import type { ReadyChunk } from './inference.js';

/** A governed plan as the wire's `chunk`; `firstTick` is the tick of its first action. */
export function chunkMessage(plan: Plan, chunk: ReadyChunk, firstTick: number, dtMs: number, dim: number): Chunk {
  return {
    type: 'chunk',
    observation_seq: chunk.observation.seq,
    first_tick: firstTick,
    dt_ms: dtMs,
    shape: [plan.length, dim],
    values: new Float32Array(plan.values),
    start_pose: plan.startPose === null ? null : new Float64Array(plan.startPose),
    stop: new Float32Array(plan.stop),
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
