import { createPool, EMPTY_BATCH, type InferenceRow, instructionHash, migrate, repositories } from '@sinew/db';
import { LogIds, logIdTimeMs } from '@sinew/journal';
import { v7 as uuidv7 } from 'uuid';

/** Inferences that are reported on, in turn. */
const LOGS = 1_000;
const INSTRUCTION = 'pick up the red cube';

/** A customer of the bench's own in a database, with a key and inferences; gone with `remove`. */
export interface FeedbackAccount {
  readonly key: string;
  readonly logIds: readonly number[];
  /** Rows that stand in the table. */
  stored(): Promise<number>;
  remove(): Promise<void>;
}

export async function makeFeedbackAccount(databaseUrl: string): Promise<FeedbackAccount> {
  const pool = createPool(databaseUrl, { max: 2, applicationName: 'sinew bench' });
  await migrate(pool);
  const repo = repositories(pool);
  const { customer_id } = await repo.accounts.createCustomer({ name: 'sinew bench rest', tier: 'enterprise' });
  const { key } = await repo.accounts.createKey(customer_id, { name: 'bench', scopes: ['stream', 'feedback'] });
  const ids = new LogIds(0);
  const logIds = Array.from({ length: LOGS }, () => ids.next(Date.now()));
  await repo.shipping.store({ ...EMPTY_BATCH, inferences: logIds.map((log_id) => inference(log_id, customer_id)) });
  return {
    key,
    logIds,
    async stored() {
      const { rows } = await pool.query<{ n: number }>(
        'SELECT count(*) AS n FROM vlaapi.feedback WHERE customer_id = $1',
        [customer_id],
      );
      return rows[0]?.n ?? 0;
    },
    async remove() {
      await pool.query('DELETE FROM vlaapi.inference_logs WHERE customer_id = $1', [customer_id]);
      // With its keys and its feedback.
      await pool.query('DELETE FROM vlaapi.customers WHERE customer_id = $1', [customer_id]);
      await pool.query('DELETE FROM vlaapi.usage_days WHERE customer_id = $1', [customer_id]);
      await pool.query('DELETE FROM vlaapi.instruction_analytics WHERE instruction_hash = $1 AND total_uses = $2', [
        instructionHash(INSTRUCTION),
        LOGS,
      ]);
      await pool.end();
    },
  };
}

function inference(log_id: number, customer_id: string): InferenceRow {
  const action_vector = [0.01, 0, 0, 0, 0, 0, 1];
  return {
    log_id,
    timestamp: new Date(logIdTimeMs(log_id)).toISOString(),
    request_id: uuidv7(),
    customer_id,
    key_id: uuidv7(),
    session_id: null,
    episode: null,
    robot_id: 'bench',
    robot_type: 'franka_panda',
    model_name: 'null',
    model_version: '1',
    instruction: INSTRUCTION,
    instruction_category: 'pick',
    image_shape: [96, 96, 3],
    observation_seq: 0,
    observation_age_ms: 0,
    base_tick: 0,
    state: [],
    action_vector,
    action_magnitude: Math.hypot(...action_vector),
    chunk: new Uint8Array(new Float32Array(action_vector).buffer),
    chunk_steps: 1,
    action_dim: action_vector.length,
    safety_score: 1,
    safety_flags: [],
    inference_latency_ms: 1,
    queue_wait_ms: 0,
    decode_ms: 0,
    gpu_compute_ms: 0,
    status: 'ok',
    error_message: null,
  };
}
