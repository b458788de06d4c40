import type { WireImage } from '@sinew/protocol';

/** One observation as the policy takes it. Image bytes are borrowed until the request is done. */
export interface PolicyInput {
  readonly images: Readonly<Record<string, WireImage>>;
  /** [state dim], SI units. */
  readonly state: Float64Array;
  readonly instruction: string;
  /** For a policy that takes one (`inputs.prefix`); none is the same as weights of zero. Others do not look at it. */
  readonly prefix?: ActionPrefix;
  /** When it arrived, on the scheduler's clock; its queue time counts from then. */
  readonly receivedAtMs?: number;
  /** From then on it must not be run any more (S6), on the scheduler's clock. */
  readonly staleAtMs?: number;
  /** One object a session, as long as it lives: what a policy that remembers may key by. Absent: one request by itself. */
  readonly session?: object;
}

/** What will have been executed before the chunk can begin, from the observation on. */
export interface ActionPrefix {
  /** [H·D] physical units, row-major. */
  readonly actions: Float32Array;
  /** [H] 1 where the action is certain, less where it is likely, then 0. */
  readonly weights: Float32Array;
}

export type PolicyOutput =
  /** [H·D] in physical units, row-major. A graph's are finite; a script's may be anything, of any length. */
  | { readonly ok: true; readonly actions: Float32Array }
  | {
      readonly ok: false;
      readonly code: 'validation_failed' | 'model_error';
      readonly field?: string;
      readonly reason: string;
      /** `field.reason` of the table of validators, where one was broken. */
      readonly rule?: string;
    };

export interface BatchResult {
  /** One an input, in their order. */
  readonly outputs: readonly PolicyOutput[];
  /** Wall time from the batch's turn until its images were ready, and of the graph. */
  readonly decodeMs: number;
  readonly inferMs: number;
}

export interface WarmUp {
  readonly batch: number;
  readonly inferMs: number;
}

/** One server of a policy that others run. */
export interface ServerStats {
  readonly url: string;
  readonly state: 'connecting' | 'ready' | 'failed' | 'closed';
  /** How often it was taken out, or could not be taken in. */
  readonly failures: number;
  /** Why, the last time; null: never. */
  readonly lastFault: string | null;
  readonly batches: number;
  readonly inFlight: number;
}

export interface BackendStats {
  /** `failed`: it was ready and is not now; it comes back by itself. */
  readonly state: 'loading' | 'ready' | 'failed' | 'closed';
  /** The execution provider in use. */
  readonly provider: string;
  readonly warnings: readonly string[];
  /** One entry a slot: whether it can take a batch now. */
  readonly available: readonly boolean[];
  /** Slots replaced after a crash, and after a batch that missed its deadline. */
  readonly crashed: number;
  readonly hung: number;
  /** Since the start, over batches that came back. */
  readonly batches: number;
  readonly inferences: number;
  readonly decodeMs: number;
  readonly inferMs: number;
  /** CPU time of the inference threads, ms; null where the platform does not tell. */
  readonly cpuMs: number | null;
  /** Where others run the policy. */
  readonly servers?: readonly ServerStats[];
}

/**
 * Runs batches of one policy. A slot runs one batch at a time and may hold `depth` of them, so that the images of the
 * next are decoded while the graph runs.
 */
export interface PolicyBackend {
  readonly slots: number;
  readonly depth: number;
  readonly maxBatch: number;
  /** Resolves when every slot is warm (Q6). Rejects with a BundleError when graph and manifest differ. */
  start(): Promise<void>;
  /** What the warm-up measured, ascending by batch size; empty before `start` resolved. */
  warmUp(): readonly WarmUp[];
  available(slot: number): boolean;
  /** Called whenever a slot becomes available or is lost. One listener. */
  onAvailability(listener: () => void): void;
  /**
   * 1…maxBatch inputs. A fault of one input is that output's `ok: false`. Rejects only with a BatchLostError, at the
   * latest `deadlineMs` after the slot began the batch; the slot is then replaced.
   */
  run(slot: number, inputs: readonly PolicyInput[], deadlineMs: number): Promise<BatchResult>;
  stats(): BackendStats;
  close(): Promise<void>;
}

/** The slot died under a batch. Its inputs are unharmed and may be run again. */
export class BatchLostError extends Error {
  override readonly name = 'BatchLostError';
  readonly how: 'crashed' | 'hung' | 'closed';
  /** Whether the slot had begun this batch: if not, the batch cannot be what killed it. */
  readonly begun: boolean;

  constructor(cause: 'crashed' | 'hung' | 'closed', begun: boolean, detail: string) {
    super(`policy worker ${cause}: ${detail}`);
    this.how = cause;
    this.begun = begun;
  }
}
