import type { InferenceRecord, SessionRecord } from '@sinew/journal';
import { v7 as uuidv7 } from 'uuid';
import { seeded } from '../stats/random.js';

const STEPS = 16;
const DIM = 7;
const INSTRUCTIONS = [
  'pick up the red cube',
  'put the blue block into the bowl',
  'open the top drawer',
  'stack the green cube on the red cube',
];

/** Records as a gateway writes them: 16 × 7 actions, some 1,000 bytes each, from so many robots in turn. */
export class InferenceRecords {
  readonly #random = seeded(1);
  readonly #customerId: string;
  readonly #keyId: string;
  readonly #sessions: readonly string[];
  #n = 0;

  constructor(customerId: string, keyId: string, robots = 100) {
    this.#customerId = customerId;
    this.#keyId = keyId;
    this.#sessions = Array.from({ length: robots }, () => uuidv7());
  }

  openings(nowMs: number): SessionRecord[] {
    return this.#sessions.map((session_id, robot) => ({
      v: 1,
      kind: 'session',
      event: 'open',
      log_id: null,
      t_ms: nowMs,
      session_id,
      customer_id: this.#customerId,
      key_id: this.#keyId,
      robot_id: `arm-${robot}`,
      robot_type: 'franka_panda',
      model_id: 'tabletop-v1',
      model_version: '1',
      control_hz: 10,
      pacing: 'paced',
      execute: 4,
      blend: 'latest',
      smoothing: 'none',
      limits: { v: 0.25 },
      instruction: INSTRUCTIONS[0] ?? '',
      environment: null,
      client: null,
      epoch: 1,
    }));
  }

  next(logId: number, nowMs: number): InferenceRecord {
    const n = this.#n++;
    const random = this.#random;
    const robot = n % this.#sessions.length;
    const chunk = new Float32Array(STEPS * DIM);
    for (let i = 0; i < chunk.length; i++) chunk[i] = random() - 0.5;
    const [queue_ms, decode_ms, inference_ms] = [3 * random(), random(), 20 * random()];
    return {
      v: 1,
      kind: 'inference',
      log_id: logId,
      t_ms: nowMs,
      session_id: this.#sessions[robot] ?? '',
      customer_id: this.#customerId,
      request_id: uuidv7(),
      key_id: this.#keyId,
      episode: 0,
      robot_id: `arm-${robot}`,
      robot_type: 'franka_panda',
      model_id: 'tabletop-v1',
      model_version: '1',
      instruction: INSTRUCTIONS[n % INSTRUCTIONS.length] ?? '',
      observation_seq: n,
      observation_age_ms: 20 * random(),
      base_tick: 4 * n,
      state: Array.from({ length: DIM }, () => random() - 0.5),
      image_shape: [96, 96, 3],
      chunk: new Uint8Array(chunk.buffer),
      shape: [STEPS, DIM],
      queue_ms,
      decode_ms,
      inference_ms,
      total_ms: queue_ms + decode_ms + inference_ms + random(),
      status: 'ok',
      safety_score: 1 - 0.1 * random(),
      safety_flags: n % 20 === 0 ? ['clamped_velocity'] : [],
    };
  }
}
