import type { InferenceRecord, JournalWriter } from '@sinew/journal';
import type { Operation } from './time-operation.js';

/** About what one turn of a loaded gateway appends. */
const APPENDS_A_TURN = 64;

/** Appends inference records until the operating system has them all. */
export function journalAppends(journal: JournalWriter): Operation {
  const chunk = new Uint8Array(8 * 7 * 4);
  const append = (onWritten?: () => void): void => {
    journal.append(record(journal.nextLogId(), chunk), onWritten);
  };
  return async (count) => {
    for (let left = count; left > 0; left -= APPENDS_A_TURN) {
      await new Promise<void>((resolve) => {
        for (let i = Math.min(left, APPENDS_A_TURN); i > 1; i--) append();
        append(resolve);
      });
    }
  };
}

function record(logId: number, chunk: Uint8Array): InferenceRecord {
  return {
    v: 1,
    kind: 'inference',
    log_id: logId,
    t_ms: 1_767_225_600_123.5,
    session_id: '01900000-0000-7000-8000-000000000002',
    customer_id: '01900000-0000-7000-8000-000000000001',
    request_id: '01900000-0000-7000-8000-000000000003',
    key_id: '01900000-0000-7000-8000-0000000000a1',
    episode: 0,
    robot_id: 'arm-1',
    robot_type: 'franka_panda',
    model_id: 'null',
    model_version: '1',
    instruction: 'pick up the red cube',
    observation_seq: 123_456,
    observation_age_ms: 12.5,
    base_tick: 123_450,
    state: [0.1, -0.05, 0.2, 0.01, 0.02, 0.03, 1],
    image_shape: [96, 96, 3],
    chunk,
    shape: [8, 7],
    queue_ms: 0.5,
    decode_ms: 0.25,
    inference_ms: 12.5,
    total_ms: 14.25,
    status: 'ok',
    safety_score: 1,
    safety_flags: [],
  };
}
