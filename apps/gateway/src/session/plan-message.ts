import { flagNames, type Plan } from '@sinew/control';
import type { Chunk } from '@sinew/protocol';
import type { ReadyChunk } from './inference.js';

/** A governed plan as the wire's `chunk`; `firstTick` is the tick of its first action. */
export function chunkMessage(plan: Plan, chunk: ReadyChunk, firstTick: number, dtMs: number, dim: number): Chunk {
  return {
    type: 'chunk',
    observation_seq: chunk.observation.seq,
    first_tick: firstTick,
    dt_ms: dtMs,
    shape: [plan.length, dim],
    values: Float32Array.from(plan.values.subarray(0, plan.length * dim)),
    start_pose: plan.startPose === null ? null : Float64Array.from(plan.startPose),
    stop: Float32Array.from(plan.stop.subarray(0, plan.stopLength * dim)),
    safety: {
      score: plan.score,
      checks_passed: plan.checksPassed,
      flags: flagNames(plan.flags),
      clamped: plan.clamped,
    },
    latency: chunk.latency,
    log_id: chunk.logId,
  };
}
