import type { Moment, SessionHead } from '@sinew/recording';

/** What the recorder's thread is told. `id`: of one recording, or of one question. */
export type RecorderOrder =
  /** `path`: where the file is to be; null: its bytes come back. */
  | { readonly op: 'begin'; readonly id: number; readonly head: SessionHead; readonly path: string | null }
  | { readonly op: 'add'; readonly id: number; readonly cost: number; readonly moments: readonly Moment[] }
  | { readonly op: 'end'; readonly id: number }
  /** Ends what an earlier process left under this folder. */
  | { readonly op: 'recover'; readonly id: number; readonly dir: string }
  | { readonly op: 'erase'; readonly id: number; readonly dir: string; readonly what: ErasedRecordings };

/** Of one customer: what began at this moment or before, or what this inference stands in. */
export interface ErasedRecordings {
  readonly beforeMs: number;
  readonly logId: number | null;
}

export type RecorderAnswer =
  /** What was added for `cost` is written, as far as it is in `written` bytes; `parts` are those bytes where there is no file. */
  | {
      readonly op: 'took';
      readonly id: number;
      readonly cost: number;
      readonly written: number;
      readonly parts: readonly Uint8Array[];
    }
  | { readonly op: 'ended'; readonly id: number; readonly messages: number; readonly failure: string | null }
  | {
      readonly op: 'recovered';
      readonly id: number;
      readonly files: number;
      readonly bytes: number;
      readonly failures: readonly string[];
    }
  | {
      readonly op: 'erased';
      readonly id: number;
      readonly files: number;
      readonly bytes: number;
      readonly ended: readonly number[];
      readonly failure: string | null;
    };
