import { type FileHandle, open } from 'node:fs/promises';
import { decodeMap } from './codec.js';
import { checkFrame, FRAME_HEADER_BYTES, MAX_PAYLOAD_BYTES, mayBeFrame } from './frame.js';
import { decodeInference } from './inference-decoder.js';
import { MAGIC, readHeader, type SegmentHeader, saltOf, segmentPath } from './segment.js';

const WINDOW_BYTES = 256 * 1024;

/** `end`: nothing more; `incomplete`: a frame begins but the file ends; `corrupt`: a frame is there and wrong. */
export type CursorStop = 'full' | 'end' | 'incomplete' | 'corrupt';

/** Null map: sound bytes that are no msgpack map. `start`, `end`: the frame's place in the file. */
export type FrameSink = (map: Record<string, unknown> | null, start: number, end: number) => boolean;

export type PayloadSink = (payload: Buffer, start: number, end: number) => boolean;

/** Reads one segment from an offset on, through a window that grows to one record at most. The file may be growing. */
export class SegmentCursor {
  readonly segment: number;
  /** Null where the header is damaged. */
  readonly header: SegmentHeader | null;
  readonly salt: number;
  readonly #file: FileHandle;
  #window = Buffer.allocUnsafe(WINDOW_BYTES);
  /** File offset of the window's first byte; `#window[#at, #end)` is read and not yet taken. */
  #base: number;
  #at = 0;
  #end = 0;

  private constructor(segment: number, file: FileHandle, header: SegmentHeader | null, salt: number, offset: number) {
    this.segment = segment;
    this.header = header;
    this.#file = file;
    this.salt = salt;
    this.#base = offset;
  }

  /** `offset` 0: from the first record. `journalId`: of a neighbour, to read on where this segment's header is damaged. */
  static async open(dir: string, segment: number, offset: number, journalId: string | null): Promise<SegmentCursor> {
    const file = await open(segmentPath(dir, segment), 'r');
    try {
      const sound = await readHeader(file);
      const id = sound?.header.journal_id ?? journalId;
      const start = offset > 0 ? offset : (sound?.end ?? MAGIC.length);
      return new SegmentCursor(segment, file, sound?.header ?? null, id === null ? 0 : saltOf(id, segment), start);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Where the next record begins. */
  get offset(): number {
    return this.#base + this.#at;
  }

  /** Hands frames to `sink` until it says stop (`full`) or there is no sound frame. */
  read(sink: FrameSink): Promise<CursorStop> {
    return this.borrowPayloads((payload, start, end) => {
      const inference = decodeInference(payload) as Record<string, unknown> | null;
      return sink(inference ?? decodeMap(payload), start, end);
    });
  }

  /** As `read`, without decoding. A payload is a view on the window, valid until `sink` returns. */
  async borrowPayloads(sink: PayloadSink): Promise<CursorStop> {
    for (;;) {
      const check = checkFrame(this.#window, this.#at, this.#end, this.salt);
      if (check.status === 'ok') {
        const start = this.offset;
        const payload = this.#window.subarray(this.#at + FRAME_HEADER_BYTES, check.end);
        this.#at = check.end;
        if (!sink(payload, start, this.offset)) return 'full';
      } else if (check.status === 'corrupt') {
        return 'corrupt';
      } else if (!(await this.#fill(check.bytes))) {
        return this.#at === this.#end ? 'end' : 'incomplete';
      }
    }
  }

  /** Forgets what the window holds, so that the next read sees the file as it is then; goes on at `offset`. */
  refresh(offset = this.offset): void {
    this.#base = offset;
    this.#at = 0;
    this.#end = 0;
  }

  /** Moves to the next sound frame after a damaged one; false, and the offset at the file's end, where there is none. */
  async skipDamage(): Promise<boolean> {
    this.#at++;
    for (;;) {
      if (mayBeFrame(this.#window, this.#at, this.#end)) {
        const check = checkFrame(this.#window, this.#at, this.#end, this.salt);
        if (check.status === 'ok') return true;
        if (check.status === 'incomplete' && (await this.#fill(check.bytes))) continue;
      } else if (this.#end - this.#at <= FRAME_HEADER_BYTES) {
        if (!(await this.#fill(FRAME_HEADER_BYTES + 1))) {
          this.#at = this.#end;
          return false;
        }
        continue;
      }
      this.#at++;
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  /** Reads until `bytes` stand after the cursor; false at the file's end. */
  async #fill(bytes: number): Promise<boolean> {
    this.#window.copyWithin(0, this.#at, this.#end);
    this.#base += this.#at;
    this.#end -= this.#at;
    this.#at = 0;
    if (bytes > this.#window.length) {
      const larger = Buffer.allocUnsafe(FRAME_HEADER_BYTES + MAX_PAYLOAD_BYTES);
      this.#window.copy(larger, 0, 0, this.#end);
      this.#window = larger;
    }
    while (this.#end < bytes) {
      const room = this.#window.length - this.#end;
      const { bytesRead } = await this.#file.read(this.#window, this.#end, room, this.#base + this.#end);
      if (bytesRead === 0) return false;
      this.#end += bytesRead;
    }
    return true;
  }
}
