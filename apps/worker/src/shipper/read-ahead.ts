import type { JournalEntry, JournalReader, Position, ReadLimit } from '@sinew/journal';
import type { JournalSource } from './shipper.js';

type Reader = Pick<JournalReader, 'position' | 'header' | 'read'>;

interface Part {
  readonly entries: readonly JournalEntry[];
  readonly position: Position | null;
  readonly writerId: string;
}

/**
 * A journal of which the next part can be read and decoded while the one before is being stored. Position and writer are those of the
 * part that was handed out last, however far the reader has come: a checkpoint says nothing of what nobody has stored.
 */
export class ReadAhead implements JournalSource {
  readonly #reader: Reader;
  readonly #limit: ReadLimit;
  #position: Position | null;
  #writerId: string;
  #more = false;
  #ahead: Promise<Part> | null = null;

  constructor(reader: Reader, limit: ReadLimit) {
    this.#reader = reader;
    this.#limit = limit;
    this.#position = reader.position;
    this.#writerId = reader.header?.writer_id ?? '';
  }

  get position(): Position | null {
    return this.#position;
  }

  get writerId(): string {
    return this.#writerId;
  }

  async read(): Promise<readonly JournalEntry[]> {
    const reading = this.#ahead ?? this.#part();
    // What failed is read again the next time.
    this.#ahead = null;
    const { entries, position, writerId } = await reading;
    this.#position = position;
    this.#writerId = writerId;
    this.#more = entries.length >= this.#limit.records;
    return entries;
  }

  /** Only where the last part was a full one: a shipper that keeps up has nothing to gain by it. */
  readAhead(): void {
    if (this.#ahead !== null || !this.#more) return;
    this.#ahead = this.#part();
    // Its failure is for the next `read` to tell.
    this.#ahead.catch(() => {});
  }

  /** Resolves when nothing is being read any more, so that the reader can be closed. */
  async settled(): Promise<void> {
    await this.#ahead?.catch(() => {});
  }

  async #part(): Promise<Part> {
    const entries = await this.#reader.read(this.#limit);
    const { header, position } = this.#reader;
    return { entries, position, writerId: header?.writer_id ?? '' };
  }
}
