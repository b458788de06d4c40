import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Moment, PART, type SessionHead, SessionRecording } from '@sinew/recording';

export interface Kept {
  /** Null: its bytes are somebody else's to keep. */
  readonly path: string | null;
  readonly messages: number;
  readonly flushedMs: number;
  add(moment: Moment): void;
  /** Brings what there is to where a crash of this process does not reach it. */
  flush(): void;
  end(): void;
  /** Lets go of the file as it is. */
  abandon(): void;
  /** What was emitted since it was last asked for. */
  takeOutput(): { readonly written: number; readonly parts: readonly Uint8Array[] };
}

/** One recording on its way: into a file that only the gateway's user may read, or into parts that are asked for. */
export class FileRecording implements Kept {
  readonly path: string | null;
  readonly #recording: SessionRecording;
  #file: number | null = null;
  #written = 0;
  #parts: Uint8Array[] = [];
  #flushedMs = performance.now();

  constructor(head: SessionHead, path: string | null) {
    this.path = path;
    if (path !== null) {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      this.#file = openSync(path + PART, 'wx', 0o600);
    }
    this.#recording = new SessionRecording(head, (bytes) => this.#emit(bytes));
  }

  get messages(): number {
    return this.#recording.messages;
  }

  get flushedMs(): number {
    return this.#flushedMs;
  }

  add(moment: Moment): void {
    this.#recording.add(moment);
  }

  flush(): void {
    this.#recording.flush();
    this.#flushedMs = performance.now();
  }

  end(): void {
    this.#recording.end();
    if (this.#file === null || this.path === null) return;
    fsyncSync(this.#file);
    this.abandon();
    renameSync(this.path + PART, this.path);
  }

  abandon(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }

  takeOutput(): { written: number; parts: Uint8Array[] } {
    const output = { written: this.#written, parts: this.#parts };
    this.#written = 0;
    this.#parts = [];
    return output;
  }

  #emit(bytes: Uint8Array): void {
    this.#written += bytes.length;
    if (this.#file === null) this.#parts.push(ownOf(bytes));
    else for (let done = 0; done < bytes.length; ) done += writeSync(this.#file, bytes, done);
  }
}

/** With a buffer of its own, that can be handed to another thread. */
const ownOf = (bytes: Uint8Array): Uint8Array =>
  bytes.byteLength === bytes.buffer.byteLength ? bytes : Uint8Array.from(bytes);
