import type { WarmUp } from '../backend/policy-backend.js';
import type { RowFault } from '../onnx/messages.js';

/** Rows that are ready to run: images decoded, state normalised. Borrowed until `run` has settled. */
export interface RemoteBatch {
  readonly slab: ArrayBuffer;
  /** 1…maxBatch, from the slab's first row on. */
  readonly rows: number;
  /** One a row, for servers that take words. */
  readonly prompts: readonly string[];
  /** How long the answer is worth waiting for, ms. */
  readonly remainingMs: number;
}

/** One model server, as one protocol speaks to it. Holds connections; knows nothing of the other servers. */
export interface RemoteServer {
  /**
   * Connects, compares the server's model with the manifest and runs every batch size, so that no session pays for the first
   * run (Q6). Throws a BundleError where the models differ, anything else where the server cannot be used now.
   */
  prepare(signal: AbortSignal): Promise<Prepared>;
  /** Whether the server still serves the model. Throws where it does not. */
  check(signal: AbortSignal): Promise<void>;
  /**
   * Writes the chunks of all rows but those it answers with into the slab's output. `connection`: 0…connections−1, one batch
   * at a time each. Throws a ServerLostError.
   */
  run(connection: number, batch: RemoteBatch, signal: AbortSignal): Promise<RowFault[]>;
  /** Breaks off what is in flight; `prepare` may come again. */
  disconnect(): void;
}

export interface Prepared {
  readonly warmUp: readonly WarmUp[];
  readonly warnings: readonly string[];
}

/** The server did not answer, or answered as no server of its protocol does. */
export class ServerLostError extends Error {
  override readonly name = 'ServerLostError';
  /** Whether it may have begun the batch: if not, the batch cannot be what killed it. */
  readonly begun: boolean;

  constructor(reason: string, begun: boolean, cause?: unknown) {
    super(reason, cause === undefined ? undefined : { cause });
    this.begun = begun;
  }
}
