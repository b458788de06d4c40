import type { RuleFault } from './session-checks.js';

/** As far as it is looked at here; the journal's record has more. */
export interface RecordedInference {
  readonly log_id: number;
  readonly chunk: Uint8Array;
  readonly shape: readonly [number, number];
  readonly queue_ms: number;
  readonly inference_ms: number;
  readonly total_ms: number;
  readonly safety_score: number;
}

/** Times of several clocks of one machine, each rounded by itself. */
const ROUNDING_MS = 1;

const fault = (field: string, word: string, reason: string): RuleFault => ({
  rule: `${field}.${word}`,
  field,
  reason,
});

/** The first rule that a record breaks before it becomes a row, or null. */
export function checkRecordedInference(record: RecordedInference): RuleFault | null {
  const { chunk, inference_ms, log_id, queue_ms, safety_score, shape, total_ms } = record;
  if (!Number.isSafeInteger(log_id)) return fault('log_id', 'malformed', 'must be an integer');
  if (chunk.byteLength !== 4 * shape[0] * shape[1])
    return fault('chunk', 'wrong_shape', `${chunk.byteLength} bytes are not ${shape.join(' × ')} float32`);
  // Written so that NaN is refused.
  const sound = queue_ms >= 0 && inference_ms >= 0 && total_ms + ROUNDING_MS >= queue_ms + inference_ms;
  if (!sound || !Number.isFinite(total_ms))
    return fault(
      'latency',
      'inconsistent',
      `total ${total_ms} ms, of which ${queue_ms} queue and ${inference_ms} inference`,
    );
  if (!(safety_score >= 0 && safety_score <= 1)) return fault('safety_score', 'out_of_range', 'must be 0 to 1');
  return null;
}
