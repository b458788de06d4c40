import type { BatchLostError, ServerStats, WarmUp } from '../backend/policy-backend.js';
import type { Manifest } from '../bundle/manifest.js';
import type { BatchMessage, WorkerMessage } from '../onnx/messages.js';
import type { RemoteModel } from './remote-model.js';

/** What the thread is started with. */
export interface RemoteSetup {
  readonly manifest: Manifest;
  /** With the servers that are really used. */
  readonly model: RemoteModel;
  readonly maxBatch: number;
  readonly token: string | null;
}

/** `batch` is transferred; its result brings the buffers back. */
export interface RunMessage {
  readonly kind: 'run';
  readonly batch: BatchMessage;
  readonly slot: number;
  /** One a row, for servers that take words. */
  readonly prompts: readonly string[];
  /** No answer by then, and the batch is lost. */
  readonly deadlineMs: number;
  /** How long an answer is worth waiting for: the observations grow stale. */
  readonly worthMs: number;
}

export type ToRemote = RunMessage | { readonly kind: 'close' };

export type FromRemote =
  /** A server came or went. */
  | {
      readonly kind: 'servers';
      readonly servers: readonly ServerStats[];
      readonly warmUp: readonly WarmUp[];
      readonly warnings: readonly string[];
    }
  /** Every server was asked, none can be used, and this is how one of them differs from the manifest. Told again and again. */
  | { readonly kind: 'refused'; readonly field: string; readonly reason: string }
  | {
      readonly kind: 'result';
      readonly result: Extract<WorkerMessage, { kind: 'result' }>;
      readonly servers: readonly ServerStats[];
    }
  | {
      readonly kind: 'lost';
      readonly id: number;
      readonly how: BatchLostError['how'];
      readonly begun: boolean;
      readonly reason: string;
      readonly servers: readonly ServerStats[];
    };
