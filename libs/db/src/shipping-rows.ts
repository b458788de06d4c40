// The rows that the journal shipper hands to `shipping.store`: names are the columns' names. All values are absolute
// (never increments), so that storing the same batch twice, or a later one again, ends in the same rows.

/** One row of `vlaapi.inference_logs`; the key is (log_id, timestamp). */
export interface InferenceRow {
  readonly log_id: number;
  /** The log_id's own millisecond, ISO 8601 with three decimals: the id alone finds its partition. */
  readonly timestamp: string;
  readonly request_id: string;
  readonly customer_id: string;
  readonly key_id: string;
  /** Null for REST inferences. */
  readonly session_id: string | null;
  readonly episode: number | null;
  readonly robot_id: string;
  readonly robot_type: string;
  readonly model_name: string;
  readonly model_version: string;
  readonly instruction: string;
  readonly instruction_category: string;
  readonly image_shape: readonly number[];
  readonly observation_seq: number;
  readonly observation_age_ms: number;
  readonly base_tick: number;
  readonly state: readonly number[];
  /** The chunk's first entry; empty when the policy gave none. */
  readonly action_vector: readonly number[];
  /** L2 norm of `action_vector`; null without one. */
  readonly action_magnitude: number | null;
  /** float32 little-endian, row-major [chunk_steps, action_dim] (bytea). */
  readonly chunk: Uint8Array;
  readonly chunk_steps: number;
  readonly action_dim: number;
  readonly safety_score: number | null;
  readonly safety_flags: readonly string[];
  /** Whole time in the server: at least queue + decode + compute. */
  readonly inference_latency_ms: number;
  readonly queue_wait_ms: number;
  readonly decode_ms: number;
  readonly gpu_compute_ms: number;
  readonly status: 'ok' | 'rejected' | 'error' | 'expired' | 'safety_rejected';
  readonly error_message: string | null;
}

/** One row of `vlaapi.sessions`. A later row of the same session replaces `closed_at`, `reason`, `epoch`, `counters`. */
export interface SessionRow {
  readonly session_id: string;
  readonly customer_id: string;
  readonly key_id: string;
  readonly robot_id: string;
  readonly robot_type: string;
  readonly model: string;
  readonly model_version: string;
  readonly control_hz: number | null;
  readonly pacing: string | null;
  readonly environment: unknown;
  readonly client: unknown;
  readonly limits: unknown;
  readonly epoch: number;
  readonly opened_at: string;
  readonly closed_at: string | null;
  /** Why it closed; `gateway_lost` where its gateway died before it could say. */
  readonly reason: string | null;
  readonly counters: Readonly<Record<string, number>> | null;
}

/** One row of `vlaapi.episodes`, the key is (session_id, episode). Replaces the whole earlier row. */
export interface EpisodeRow {
  readonly session_id: string;
  readonly episode: number;
  readonly customer_id: string;
  readonly robot_id: string;
  readonly instruction: string;
  readonly started_at: string;
  readonly ended_at: string | null;
  /** Actions and holds that went out. */
  readonly ticks: number;
  readonly success: boolean | null;
  readonly first_log_id: number | null;
  readonly last_log_id: number | null;
}

/** One row of `vlaapi.safety_incidents`. A later row replaces an earlier one until one of them is closed. */
export interface IncidentRow {
  readonly incident_id: string;
  readonly customer_id: string;
  readonly key_id: string | null;
  readonly session_id: string | null;
  readonly episode: number | null;
  readonly robot_id: string | null;
  readonly robot_type: string | null;
  readonly model_name: string | null;
  readonly model_version: string | null;
  readonly environment_type: string | null;
  readonly opened_at: string;
  readonly last_violation_at: string;
  /** Null while it goes on. */
  readonly closed_at: string | null;
  readonly severity: string;
  readonly violation_type: string;
  readonly violation_types: readonly string[];
  readonly ticks: number;
  readonly refusals: number;
  readonly worst_tick: number | null;
  readonly worst_excess: number | null;
  readonly safety_score: number | null;
  readonly action_taken: string;
  readonly proposed_action: readonly number[] | null;
  readonly sent_action: readonly number[] | null;
  readonly instruction: string | null;
  readonly log_id: number | null;
  readonly log_timestamp: string | null;
}

/** An inference of whose chunk the governor kept a step back. */
export interface HeldInference {
  readonly log_id: number;
  /** The log_id's own millisecond. */
  readonly timestamp: string;
  readonly customer_id: string;
}

/** One row of `vlaapi.quality_gate_failures`: what one rule refused within a second. */
export interface QualityFailureRow {
  readonly failure_id: string;
  readonly customer_id: string;
  /** Null over REST and at `open`. */
  readonly session_id: string | null;
  readonly robot_type: string | null;
  /** The words of the table of validators. */
  readonly field: string;
  readonly reason: string;
  readonly rule: string;
  readonly count: number;
  readonly timestamp: string;
  readonly source: 'rest' | 'stream';
}

export interface ShippedBatch {
  readonly sessions: readonly SessionRow[];
  readonly episodes: readonly EpisodeRow[];
  readonly inferences: readonly InferenceRow[];
  readonly incidents: readonly IncidentRow[];
  /** Their status becomes `safety_rejected` where it was `ok`. */
  readonly held: readonly HeldInference[];
  readonly failures: readonly QualityFailureRow[];
}

export const EMPTY_BATCH: ShippedBatch = {
  sessions: [],
  episodes: [],
  inferences: [],
  incidents: [],
  held: [],
  failures: [],
};

export interface StoreResult {
  /** New rows of `inference_logs`. */
  readonly inserted: number;
  /** Inferences that stood there already, the same log_id with the same request_id: a batch sent twice. */
  readonly repeated: number;
  /**
   * log_ids of inferences that were not stored because another one holds their log_id, or their (request_id, timestamp).
   * They are nowhere else: the caller keeps them.
   */
  readonly conflicts: readonly number[];
  /** Inferences that were not stored because their customer had them erased. */
  readonly erased: number;
}
