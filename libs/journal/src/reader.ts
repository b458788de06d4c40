import { asRecord } from './codec.js';
import { systemCode } from './errors.js';
import { FolderLock } from './lock.js';
import type { JournalRecord } from './records.js';
import { listSegments, type SegmentHeader } from './segment.js';
import { SegmentCursor } from './segment-cursor.js';

/** The next record to read. Offset 0: the segment's first. */
export interface Position {
  readonly segment: number;
  readonly offset: number;
}

export interface JournalEntry {
  readonly record: JournalRecord;
  /** Where to go on after this record. */
  readonly next: Position;
  /** Bytes it takes in the segment. */
  readonly bytes: number;
  /** Of the segment it stands in; empty where that segment's header is damaged. */
  readonly writer_id: string;
}

/**
 * `torn`: damage that reaches to the segment's end, what a crash within a write leaves. `corrupt`: damage with sound records
 * behind it, or where reading stopped. `unreadable`: sound bytes of a kind that this reader does not know. `bad_header`: the
 * segment says nothing about itself. `missing`: segments from `segment` on are gone though they were not read yet.
 */
export interface JournalFault {
  readonly reason: 'torn' | 'corrupt' | 'unreadable' | 'bad_header' | 'missing';
  readonly segment: number;
  readonly offset: number;
  /** Bytes skipped; 0 where reading stopped. */
  readonly bytes: number;
  /** In the last segment: reading stopped there (J2). */
  readonly last: boolean;
}

export interface ReaderOptions {
  readonly dir: string;
  /** Null: from the oldest record there is. */
  readonly from?: Position | null;
  readonly onFault?: (fault: JournalFault) => void;
}

/** How much one `read` returns at most: it bounds memory, and a shipper's batch. */
export interface ReadLimit {
  readonly records: number;
  readonly bytes: number;
}

const DEFAULT_LIMIT: ReadLimit = { records: 1000, bytes: 4 * 1024 * 1024 };

/** Walks a folder's segments in order, without a lock: see `JournalReader` and `readJournal`. */
export class SegmentWalk {
  readonly #dir: string;
  readonly #onFault: (fault: JournalFault) => void;
  /** The last segment's writer is known to be dead, so that its end is final. */
  readonly #lastIsFinal: boolean;
  #next: Position | null;
  #cursor: SegmentCursor | null = null;
  /** A later segment exists, so that this one does not grow any more. */
  #closed = false;
  #reportedAt = -1;
  /** Where damage was looked at a second time. */
  #lookedAgainAt = -1;
  #header: SegmentHeader | null = null;

  constructor(options: ReaderOptions, lastIsFinal = false) {
    this.#dir = options.dir;
    this.#next = options.from ?? null;
    this.#onFault = options.onFault ?? (() => {});
    this.#lastIsFinal = lastIsFinal;
  }

  /** Where reading goes on; null before the first segment was seen. */
  get position(): Position | null {
    const cursor = this.#cursor;
    return cursor === null ? this.#next : { segment: cursor.segment, offset: cursor.offset };
  }

  /** The newest segment header seen so far. */
  get header(): SegmentHeader | null {
    return this.#header;
  }

  /** What can be read now, in order; empty when it has caught up with the writer. Rejects where the folder refuses. */
  async read(limit: ReadLimit = DEFAULT_LIMIT): Promise<JournalEntry[]> {
    const entries: JournalEntry[] = [];
    try {
      await this.#readInto(entries, limit);
    } catch (error) {
      // The position is past what was read: it must not be lost. The trouble comes again with the next read.
      if (entries.length === 0) throw error;
    }
    return entries;
  }

  async #readInto(entries: JournalEntry[], limit: ReadLimit): Promise<void> {
    let bytes = 0;
    for (;;) {
      const cursor = this.#cursor ?? (await this.#openNext());
      if (cursor === null) return;
      const stop = await cursor.read((map, start, end) => {
        bytes += end - start;
        const record = map === null ? null : asRecord(map);
        if (record === null) this.#report('unreadable', cursor.segment, start, end - start, false);
        else entries.push(entryOf(cursor, record, start, end));
        return entries.length < limit.records && bytes < limit.bytes;
      });
      if (stop === 'full') {
        if (entries.length > 0) return;
        bytes = 0; // nothing but records that this reader does not know
        continue;
      }
      if (!this.#closed) {
        if (await this.#foundSuccessor(cursor.segment)) continue;
        if (!this.#lastIsFinal) {
          // `incomplete` may be a record that is being written; a wrong checksum is damage. Both are looked at anew next time.
          if (stop === 'corrupt') this.#reportStop(cursor);
          cursor.refresh();
          return;
        }
        if (stop === 'end') return;
      }
      if (stop === 'corrupt' && this.#lookedAgainAt !== cursor.offset) {
        // A record that is being erased reads as damage for a moment: half of it in the window is from before.
        this.#lookedAgainAt = cursor.offset;
        cursor.refresh();
        continue;
      }
      if (stop !== 'end') await this.#skip(cursor);
      else if (this.#closed) await this.#leave(cursor);
    }
  }

  /** Says whether the last segment ends in something that is not a whole record, without waiting for a successor. */
  async tail(): Promise<JournalFault | null> {
    const cursor = this.#cursor;
    if (cursor === null) return null;
    const stop = await cursor.read(() => false);
    cursor.refresh();
    if (stop !== 'incomplete' && stop !== 'corrupt') return null;
    const reason = stop === 'corrupt' ? 'corrupt' : 'torn';
    return { reason, segment: cursor.segment, offset: cursor.offset, bytes: 0, last: true };
  }

  async close(): Promise<void> {
    await this.#cursor?.close();
    this.#cursor = null;
  }

  async #openNext(): Promise<SegmentCursor | null> {
    const segments = await listSegments(this.#dir);
    const wanted = this.#next;
    const segment = segments.find((number) => number >= (wanted?.segment ?? 0));
    if (segment === undefined) return null;
    const offset = wanted?.segment === segment ? wanted.offset : 0;
    const cursor = await SegmentCursor.open(this.#dir, segment, offset, this.#header?.journal_id ?? null).catch(
      (error) => {
        if (systemCode(error) === 'ENOENT') return null; // pruned between the listing and now: the next round sees what is there
        throw error;
      },
    );
    if (cursor === null) return null;
    if (wanted !== null && segment > wanted.segment) {
      this.#report('missing', wanted.segment, wanted.offset, 0, false);
    }
    if (cursor.header === null) this.#report('bad_header', segment, 0, 0, false);
    else this.#header = cursor.header;
    this.#cursor = cursor;
    this.#closed = segment !== segments.at(-1);
    this.#reportedAt = -1;
    this.#lookedAgainAt = -1;
    return cursor;
  }

  /** True once: the segment is then read to its end again, as it may have grown before its successor was made. */
  async #foundSuccessor(segment: number): Promise<boolean> {
    const segments = await listSegments(this.#dir);
    if ((segments.at(-1) ?? segment) <= segment) return false;
    this.#closed = true;
    this.#cursor?.refresh();
    return true;
  }

  async #skip(cursor: SegmentCursor): Promise<void> {
    const from = cursor.offset;
    const found = await cursor.skipDamage().catch((error: unknown) => {
      cursor.refresh(from); // the next read skips, and reports, the whole of it
      throw error;
    });
    this.#report(found ? 'corrupt' : 'torn', cursor.segment, from, cursor.offset - from, false);
  }

  async #leave(cursor: SegmentCursor): Promise<void> {
    this.#cursor = null;
    this.#next = { segment: cursor.segment + 1, offset: 0 };
    await cursor.close();
  }

  #reportStop(cursor: SegmentCursor): void {
    if (this.#reportedAt === cursor.offset) return;
    this.#reportedAt = cursor.offset;
    this.#report('corrupt', cursor.segment, cursor.offset, 0, true);
  }

  #report(reason: JournalFault['reason'], segment: number, offset: number, bytes: number, last: boolean): void {
    this.#onFault({ reason, segment, offset, bytes, last });
  }
}

function entryOf(cursor: SegmentCursor, record: JournalRecord, start: number, end: number): JournalEntry {
  const next = { segment: cursor.segment, offset: end };
  return { record, next, bytes: end - start, writer_id: cursor.header?.writer_id ?? '' };
}

/** The folder's one tailing reader (J5): it may prune what it has read. */
export class JournalReader extends SegmentWalk {
  readonly #lock: FolderLock;

  private constructor(options: ReaderOptions, lock: FolderLock) {
    super(options);
    this.#lock = lock;
  }

  /** Throws `locked` while another reader lives. `onLockLost`: stop at once. */
  static async open(options: ReaderOptions & { readonly onLockLost?: () => void }): Promise<JournalReader> {
    const lock = await FolderLock.take(options.dir, 'reader', options.onLockLost);
    return new JournalReader(options, lock);
  }

  override async close(): Promise<void> {
    await super.close();
    await this.#lock.release();
  }
}

/** Everything that is in the folder now, once, in order; also beside a live writer and reader. */
export async function* readJournal(options: ReaderOptions): AsyncGenerator<JournalEntry, void, undefined> {
  const walk = new SegmentWalk(options);
  try {
    for (let entries = await walk.read(); entries.length > 0; entries = await walk.read()) yield* entries;
    const tail = await walk.tail();
    if (tail?.reason === 'torn') options.onFault?.(tail);
  } finally {
    await walk.close();
  }
}
