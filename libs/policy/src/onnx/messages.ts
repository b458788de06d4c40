import type { WarmUp } from '../backend/policy-backend.js';
import type { Manifest } from '../bundle/manifest.js';

/** What a worker is started with. */
export interface WorkerSetup {
  readonly manifest: Manifest;
  readonly graphPath: string;
  readonly provider: string;
  readonly intraOp: number;
  readonly maxBatch: number;
  /** The cell of its GraphGate. */
  readonly gate: SharedArrayBuffer;
}

/** Numbers an image in `BatchMessage.images`: row, camera index, offset, length, width, height (0×0: encoded). */
export const IMAGE_FIELDS = 6;

/** Gateway → worker. `slab` and `staging` are transferred; the result brings them back. */
export interface BatchMessage {
  readonly kind: 'batch';
  readonly id: number;
  readonly size: number;
  readonly slab: ArrayBuffer;
  /** The images that the worker still has to decode or fit, one after the other; null when all are in the slab. */
  readonly staging: ArrayBuffer | null;
  readonly images: readonly number[];
}

export type ToWorker =
  | BatchMessage
  /** End after the call that is running. */
  | { readonly kind: 'close' };

/** One input that the worker could not run. */
export interface RowFault {
  readonly row: number;
  readonly code: 'validation_failed' | 'model_error';
  readonly field?: string;
  readonly reason: string;
}

export type WorkerMessage =
  | {
      readonly kind: 'ready';
      readonly provider: string;
      readonly warnings: string[];
      readonly warmUp: WarmUp[];
      readonly cpuMs: number | null;
    }
  /** Graph and manifest differ, or the graph cannot be loaded: starting again would not help. */
  | { readonly kind: 'refused'; readonly field: string; readonly reason: string }
  | {
      readonly kind: 'result';
      readonly id: number;
      readonly slab: ArrayBuffer;
      readonly staging: ArrayBuffer | null;
      /** Input of each row of the output. */
      readonly rows: number[];
      readonly faults: RowFault[];
      readonly decodeMs: number;
      readonly inferMs: number;
      /** CPU time of the worker's thread since it started; null where the platform does not tell. */
      readonly cpuMs: number | null;
    };
