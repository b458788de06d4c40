// The journal's records: plain msgpack maps, columnar where a record holds many ticks. Binary columns are `Uint8Array`
// (little-endian), so that a record decodes without knowing the types of this process. A reader must ignore unknown
// fields and kinds: an older shipper may meet a newer gateway's segment.

export const RECORD_VERSION = 1;

interface RecordBase {
  readonly v: typeof RECORD_VERSION;
  /** What its customer had erased is no longer in it: text, numbers, settings (E3). */
  readonly erased?: true;
  /** The inference's id; null for every other kind (ticks name theirs in `log_ids`). */
  readonly log_id: number | null;
  /** Unix milliseconds, may carry a fraction. */
  readonly t_ms: number;
  /** Null where there is no session: REST inferences, operators' and account events. */
  readonly session_id: string | null;
  readonly customer_id: string;
}

export type InferenceStatus = 'ok' | 'rejected' | 'error' | 'expired';

/** One inference: what the policy saw (without pixels) and the whole chunk it answered. */
export interface InferenceRecord extends RecordBase {
  readonly kind: 'inference';
  readonly log_id: number;
  readonly request_id: string;
  readonly key_id: string;
  readonly episode: number;
  readonly robot_id: string;
  readonly robot_type: string;
  readonly model_id: string;
  readonly model_version: string;
  readonly instruction: string;
  readonly observation_seq: number;
  readonly observation_age_ms: number;
  /** Tick that the chunk's first entry belongs to. */
  readonly base_tick: number;
  /** As measured; msgpack writes -0 as 0, so a replay takes its states from the ticks' `inputs`. */
  readonly state: readonly number[];
  /** [height, width, 3] of the first camera's image as it was sent. */
  readonly image_shape: readonly number[];
  /** Policy output, float32 little-endian, row-major `shape`; empty with shape [0, D] when there is none. */
  readonly chunk: Uint8Array;
  readonly shape: readonly [number, number];
  readonly queue_ms: number;
  readonly decode_ms: number;
  readonly inference_ms: number;
  readonly total_ms: number;
  readonly status: InferenceStatus;
  readonly error?: string;
  readonly safety_score: number;
  readonly safety_flags: readonly string[];
  /** A request by itself (REST), which has no session and no ticks: the plan that it was answered with. */
  readonly plan?: RecordedPlan;
}

/** What a replay must configure, what entered, and what left: columns as in TicksRecord, from tick 0. */
export interface RecordedPlan {
  readonly control: unknown;
  readonly limits: unknown;
  /** Float64 little-endian. */
  readonly state: Uint8Array;
  readonly proposed: Uint8Array;
  readonly sent: Uint8Array;
  readonly flags: readonly number[];
  readonly score: readonly number[];
  readonly kinds: readonly number[];
}

export interface SessionCounters {
  readonly [name: string]: number;
}

/** A session's beginning, re-attachment or end. `open` carries everything that a replay must configure. */
export interface SessionRecord extends RecordBase {
  readonly kind: 'session';
  readonly event: 'open' | 'resume' | 'close';
  readonly log_id: null;
  readonly session_id: string;
  readonly key_id: string;
  readonly robot_id: string;
  readonly robot_type: string;
  readonly model_id: string;
  readonly model_version: string;
  readonly control_hz: number;
  readonly pacing: string;
  readonly execute: number;
  readonly blend: string;
  readonly smoothing: string;
  /** Limits in force, each with its origin: plain data, as `opened.robot` tells it. */
  readonly limits: unknown;
  /** With `open`: what the control loop was built from beside its limits, plain data. */
  readonly control?: unknown;
  /** With `open`: the client's own `limits` and `keep_out`, so that limits can be resolved anew with others. */
  readonly asked?: unknown;
  readonly instruction: string;
  readonly environment: unknown;
  readonly client: unknown;
  readonly epoch: number;
  /** What its customer had consented to at this moment; a change during the session is an event. */
  readonly consent?: { readonly tier: string; readonly version: number | null };
  /** Why it closed, and what it counted: with `close` only. */
  readonly reason?: string;
  readonly counters?: SessionCounters;
}

/**
 * At most one second of ticks of one session and one episode, in columns of equal length N = `seq.length`.
 * Together with the `inference` and `session` records it replays every tick bit for bit.
 */
export interface TicksRecord extends RecordBase {
  readonly kind: 'ticks';
  readonly log_id: null;
  readonly session_id: string;
  readonly episode: number;
  /** Counts the session's records of ticks from 0: tells which are missing, and which stand twice. */
  readonly part?: number;
  /** Tick numbers, rising; a gap is a skipped tick. */
  readonly seq: readonly number[];
  /** The control period. */
  readonly dt_ms: number;
  /** Newest contributing inference a tick; 0 where none contributed. */
  readonly log_ids: readonly number[];
  /** D, the action's length. */
  readonly dim: number;
  /** Before and after the governor: float64 little-endian [N, D]. */
  readonly proposed: Uint8Array;
  readonly sent: Uint8Array;
  /** The governor's flag masks. */
  readonly flags: readonly number[];
  readonly score: readonly number[];
  /** 0 = action, k > 0 = hold for the k-th reason of the protocol's hold priority (S12), 1 = `estop`. */
  readonly kinds: readonly number[];
  /** Why the gateway asked for a hold at each tick, numbered like `kinds`; 0: it did not, so that a hold was the loop's own. */
  readonly causes?: readonly number[];
  /** What entered the control loop between these ticks, in the order in which it took them. */
  readonly inputs?: LoopInputs;
}

/** What is called on a control loop beside its ticks, where it is neither an observation (0) nor a chunk (its log_id). */
export const LOOP_CALL = { observe: 0, restart: -1, begin_episode: -2, reset: -3, plan: -4, prefix: -5 } as const;

/** Columns of equal length. */
export interface LoopInputs {
  /** How many ticks of this record the loop had run when it took the input; those of a plan count as they are noted. */
  readonly at: readonly number[];
  /** An observation, an adopted inference's log_id (its chunk is in its record), or another LOOP_CALL. */
  readonly log_ids: readonly number[];
  /** The first tick that was not sent; of a `plan` the tick that it begins with. */
  readonly before: readonly number[];
  /** The tick that the observation was made before; of a `plan` its length. */
  readonly base_tick: readonly number[];
  readonly state_dim: number;
  /** Float64 little-endian, a row for each observation and inference. */
  readonly state: Uint8Array;
}

interface EventBase extends RecordBase {
  readonly kind: 'event';
  readonly log_id: null;
  /** Null for account events. */
  readonly robot_id: string | null;
  /** The episode it happened in (for `reset`: the one it ended); null outside a session. */
  readonly episode: number | null;
}

export interface ResetEvent extends EventBase {
  readonly event: 'reset';
  readonly outcome?: { readonly success: boolean };
  readonly data: Readonly<Record<string, unknown>>;
}

/** The latch of (customer_id, robot_id). `data.by` says who: client, operator. */
export interface EstopEvent extends EventBase {
  readonly event: 'estop' | 'estop_clear';
  readonly robot_id: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface InstructionEvent extends EventBase {
  readonly event: 'instruction';
  readonly data: { readonly instruction: string };
}

/** What was refused: one record a session, field, reason and second; over REST and at `open` (session null) one a customer. */
export interface RejectedObservationsEvent extends EventBase {
  readonly event: 'rejected_observations';
  readonly data: {
    readonly field: string;
    readonly reason: string;
    readonly count: number;
    /** A name of its own, so that shipped twice it is one row; without it (older records) it is not shipped. */
    readonly failure_id?: string;
    /** `field.reason` of the table of validators. */
    readonly rule?: string;
    readonly robot_type?: string | null;
    readonly source?: 'rest' | 'stream';
  };
}

/**
 * A safety incident: written when it opens, when it gets more severe, and when it closes; the last one stands. Complete by itself,
 * because it also tells of what no session record names (REST, a refused `open`).
 */
export interface SafetyIncidentEvent extends EventBase {
  readonly event: 'safety_incident';
  readonly data: {
    readonly incident_id: string;
    readonly key_id: string | null;
    readonly robot_type: string | null;
    readonly model_id: string | null;
    readonly model_version: string | null;
    readonly environment_type: string | null;
    readonly opened_ms: number;
    readonly last_ms: number;
    /** Null while it goes on. */
    readonly closed_ms: number | null;
    readonly severity: string;
    readonly violation_type: string;
    readonly violation_types: readonly string[];
    readonly ticks: number;
    /** Chunks and instructions refused whole. */
    readonly refusals: number;
    readonly worst_tick: number | null;
    readonly worst_excess: number | null;
    readonly safety_score: number | null;
    readonly action_taken: string;
    readonly proposed: readonly number[] | null;
    readonly sent: readonly number[] | null;
    /** What the robot was told then; of a refused instruction that one. */
    readonly instruction: string | null;
    readonly log_id: number | null;
  };
}

/** Where the robot took what it held against its instruction's direction words; told at the end of the episode. */
export interface DirectionMismatchEvent extends EventBase {
  readonly event: 'direction_mismatch';
  readonly data: {
    readonly asked: string;
    /** Net, metres, in the frame of the actions. */
    readonly displacement: readonly number[];
    readonly along: number;
    readonly held_ticks: number;
  };
}

export interface CustomerEvent extends EventBase {
  readonly event: 'customer';
  readonly data: {
    readonly action: 'create' | 'update' | 'delete';
    /** Column values as the database keeps them. */
    readonly row: Readonly<Record<string, unknown>>;
  };
}

export interface KeyEvent extends EventBase {
  readonly event: 'key';
  readonly data: {
    /** `update`: when it expires. */
    readonly action: 'create' | 'update' | 'revoke';
    /** Column values; the hash of the key, never the key. */
    readonly row: Readonly<Record<string, unknown>>;
  };
}

/** With a session: what counts in it from here on; `row` is its tier and version alone. */
export interface ConsentEvent extends EventBase {
  readonly event: 'consent';
  readonly data: {
    /** Of `customer_data_consent`. */
    readonly row: Readonly<Record<string, unknown>>;
    /** Of `customer_consent_audit`: the same change, as it is accounted for. */
    readonly audit?: Readonly<Record<string, unknown>>;
  };
}

export interface FeedbackEvent extends EventBase {
  readonly event: 'feedback';
  readonly data: { readonly action: 'create'; readonly row: Readonly<Record<string, unknown>> };
}

/** What a customer asked to have erased; what was recorded of it until then does not come back. */
export interface ErasureEvent extends EventBase {
  readonly event: 'erase';
  /** Of `erasures`. */
  readonly data: { readonly row: Readonly<Record<string, unknown>> };
}

export type AccountEvent = CustomerEvent | KeyEvent | ConsentEvent | FeedbackEvent | ErasureEvent;
export type EventRecord =
  | ResetEvent
  | EstopEvent
  | InstructionEvent
  | RejectedObservationsEvent
  | SafetyIncidentEvent
  | DirectionMismatchEvent
  | AccountEvent;

/**
 * Where a record stood that was erased on its customer's request: written over it, in just as many bytes. Ids stay: the writer
 * needs the highest log_id, a replay the session. Nothing appends one.
 */
export interface ErasedRecord extends RecordBase {
  readonly kind: 'erased';
  /** The kind of what stood here, an event's name. */
  readonly was: string;
  /** Of an inference: where later damage may have taken an e-stop, it is still known whose. */
  readonly robot_id?: string;
}

export type JournalRecord = SessionRecord | InferenceRecord | TicksRecord | EventRecord | ErasedRecord;
