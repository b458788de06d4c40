/**
 * What the shipper hands to `shipping.store`: journal records turned into rows. Plain data, SQL-free, so that the
 * translation from journal records can be tested without a database.
 *
 * Times are Unix milliseconds. Every row may be sent any number of times and in any order of retries: storing is
 * idempotent (see `shipping.ts` for the merge rules).
 */

export type InferenceStatus = 'ok' | 'rejected' | 'error' | 'expired' | 'safety_rejected';

/** One inference = one row of `inference_logs`. Numbers that are not finite are stored as NULL. */
export interface InferenceRow {
  readonly log_id: number;
  /** The millisecond that `log_id` was made from, exactly: it decides the partition. */
  readonly timestamp_ms: number;
  readonly request_id: string;
  readonly customer_id: string;
  readonly key_id: string | null;
  readonly session_id: string | null;
  readonly episode: number | null;
  readonly robot_id: string | null;
  readonly robot_type: string;
  readonly model_name: string;
  readonly model_version: string | null;
  readonly instruction: string;
  readonly observation_seq: number | null;
  readonly observation_age_ms: number | null;
  readonly base_tick: number | null;
  readonly state: readonly number[] | null;
  readonly image_shape: readonly number[] | null;
  /** float32 little endian, row-major [H,D]; null when no chunk was made (rejected, error, expired). */
  readonly chunk: Uint8Array | null;
  /** [H,D] of `chunk`. */
  readonly chunk_shape: readonly [number, number] | null;
  readonly queue_wait_ms: number | null;
  readonly decode_ms: number | null;
  /** The model's own time, on whatever device it ran. */
  readonly gpu_compute_ms: number | null;
  /** Receipt of the observation to the finished chunk. */
  readonly inference_latency_ms: number | null;
  readonly status: InferenceStatus;
  readonly error_message: string | null;
  readonly safety_score: number | null;
  readonly safety_flags: readonly string[];
}

/**
 * What one `session` record knows about a session. Rows of one session are merged: a null says "not known here" and
 * never erases what an earlier or later record knew.
 */
export interface SessionRow {
  readonly session_id: string;
  readonly customer_id: string;
  readonly key_id: string | null;
  readonly robot_id: string | null;
  readonly robot_type: string | null;
  readonly model_name: string | null;
  readonly model_version: string | null;
  readonly control_hz: number | null;
  readonly pacing: string | null;
  readonly execute: number | null;
  readonly blend: string | null;
  readonly smoothing: string | null;
  readonly instruction: string | null;
  readonly limits: unknown;
  readonly environment: unknown;
  readonly client: unknown;
  /** How often the session was resumed; the highest one wins. */
  readonly epoch: number;
  /** Earliest wins. */
  readonly opened_ms: number | null;
  /** Latest wins. */
  readonly last_seen_ms: number;
  readonly closed_ms: number | null;
  readonly close_reason: string | null;
  readonly counters: unknown;
}

/** What is known of one episode so far. Merged like sessions: earliest start and log, latest end and log. */
export interface EpisodeRow {
  readonly session_id: string;
  readonly episode: number;
  readonly customer_id: string;
  readonly robot_id: string | null;
  readonly robot_type: string | null;
  readonly instruction: string | null;
  readonly started_ms: number;
  readonly ended_ms: number | null;
  /** Ticks of the episode counted from its start (not since the last row): the highest one wins. */
  readonly ticks: number;
  readonly success: boolean | null;
  readonly first_log_id: number | null;
  readonly last_log_id: number | null;
}

export interface ShippedBatch {
  readonly sessions: readonly SessionRow[];
  readonly episodes: readonly EpisodeRow[];
  readonly inferences: readonly InferenceRow[];
}

export interface StoreResult {
  /** New rows of `inference_logs`. */
  readonly inserted: number;
  /** Inferences that were there already (same log_id): a batch sent twice. */
  readonly repeated: number;
  /** log_ids refused because their (request_id, timestamp) belongs to another log_id. Never dropped silently: log them. */
  readonly conflicts: readonly number[];
}
