import type { Batch } from './batch.js';
import { systemCode } from './errors.js';
import type { JournalIo, SegmentFile } from './io.js';
import { encodeHeader, loadHeader, type SegmentHeader, saltOf, segmentPath } from './segment.js';

/** The segment that is being written. */
export class LiveSegment {
  readonly header: SegmentHeader;
  readonly #file: SegmentFile;
  readonly #salt: number;
  readonly #headBytes: number;
  #size: number;

  private constructor(header: SegmentHeader, file: SegmentFile, size: number) {
    this.header = header;
    this.#file = file;
    this.#salt = saltOf(header.journal_id, header.segment);
    this.#headBytes = size;
    this.#size = size;
  }

  /** A new file with its header, on disk before it returns; under a later number where this writer's own attempts took names. */
  static async create(io: JournalIo, dir: string, header: SegmentHeader): Promise<LiveSegment> {
    const head = encodeHeader(header);
    try {
      const file = await io.create(segmentPath(dir, header.segment), head);
      return new LiveSegment(header, file, head.length);
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
      // Named, and then its folder was not synced: it stays empty. Another writer's segment says that this one must stop.
      const taken = await loadHeader(dir, header.segment);
      if (taken?.writer_id !== header.writer_id) throw error;
      return LiveSegment.create(io, dir, { ...header, segment: header.segment + 1, previous_usage: {} });
    }
  }

  get number(): number {
    return this.header.segment;
  }

  get size(): number {
    return this.#size;
  }

  /** Whether it has no record yet. */
  get empty(): boolean {
    return this.#size === this.#headBytes;
  }

  /** All of the batch or, where it throws, nothing: the next append writes over what may stand there. */
  async append(batch: Batch): Promise<void> {
    batch.seal(this.#salt);
    try {
      await this.#file.write(batch.bytes, batch.length, this.#size);
    } catch (error) {
      // The half batch goes, so that a reader does not wait for its rest. Where that fails too, it reads as torn.
      await this.#file.truncate(this.#size).catch(() => {});
      throw error;
    }
    this.#size += batch.length;
  }

  sync(): Promise<void> {
    return this.#file.sync();
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
