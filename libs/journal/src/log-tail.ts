import { setImmediate as nextTurn } from 'node:timers/promises';
import { loadShippedPosition } from './checkpoint.js';
import { type Position, type ReadLimit, SegmentWalk } from './reader.js';
import type { InferenceRecord } from './records.js';

/** What is decoded in one turn of the event loop: a fraction of a millisecond. */
const SLICE: ReadLimit = { records: 16, bytes: 32 * 1024 };
/** Some 400 bytes each. */
const MOST_LOGS = 50_000;
const FLOAT_BYTES = 4;

/** What is remembered of an inference that the shipper has not brought to the database yet. */
export interface UnshippedLog {
  readonly log_id: number;
  readonly customer_id: string;
  readonly model_id: string;
  /** The chunk's first entry; empty where the policy gave none. */
  readonly action: readonly number[];
}

export type TailAnswer =
  | { readonly kind: 'found'; readonly log: UnshippedLog }
  /** Nothing unshipped has this id: it is in the database by now, or nowhere. */
  | { readonly kind: 'absent' }
  /** So much is unshipped that the older part of it is not remembered: this id may be in it. */
  | { readonly kind: 'behind' };

interface Remembered {
  readonly log: UnshippedLog;
  readonly end: Position;
}

/**
 * Finds inferences between the shipper's checkpoint and the journal's end, beside the living writer and shipper and without
 * a lock. It reads when asked, only what it has not read yet, and in slices, so that whoever never asks pays nothing.
 */
export class LogTail {
  readonly #dir: string;
  readonly #mostLogs: number;
  readonly #pause: () => Promise<unknown>;
  /** In the order of the journal. */
  readonly #logs = new Map<number, Remembered>();
  #walk: SegmentWalk | null = null;
  /** The last one that had to make room. */
  #forgotten: Remembered | null = null;
  #current: Promise<void> = Promise.resolve();
  #next: Promise<void> | null = null;
  #closed = false;

  constructor(options: { readonly dir: string; readonly mostLogs?: number; readonly pause?: () => Promise<unknown> }) {
    this.#dir = options.dir;
    this.#mostLogs = options.mostLogs ?? MOST_LOGS;
    this.#pause = options.pause ?? nextTurn;
  }

  /** How many are remembered. */
  get size(): number {
    return this.#logs.size;
  }

  /**
   * An id that a client was told is found: its record was written before. Ask the database first, and again after `absent`:
   * the shipper may have been faster than either question. Rejects where the folder cannot be read.
   */
  async find(logId: number): Promise<TailAnswer> {
    const known = this.#logs.get(logId);
    if (known !== undefined) return { kind: 'found', log: known.log };
    await this.#catchUp();
    const found = this.#logs.get(logId);
    if (found !== undefined) return { kind: 'found', log: found.log };
    const forgotten = this.#forgotten;
    return forgotten !== null && logId <= forgotten.log.log_id ? { kind: 'behind' } : { kind: 'absent' };
  }

  /** Records were erased: what is remembered of them goes, and the rest is read again when somebody asks. */
  async forget(): Promise<void> {
    await this.#current.catch(() => {});
    this.#logs.clear();
    this.#forgotten = null;
    await this.#restart(null);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#current.catch(() => {});
    await this.#restart(null);
    this.#logs.clear();
  }

  /** Who comes while a scan runs waits for the one after it: the running one may have passed the place already. */
  #catchUp(): Promise<void> {
    if (this.#next !== null) return this.#next;
    const before = this.#current;
    const next = before
      .catch(() => {})
      .then(() => {
        this.#current = next;
        this.#next = null;
        return this.#scan();
      });
    this.#next = next;
    return next;
  }

  async #scan(): Promise<void> {
    if (this.#closed) return;
    const shipped = await loadShippedPosition(this.#dir);
    if (shipped !== null) this.#dropShipped(shipped);
    const position = this.#walk?.position ?? null;
    const walk = position === null || isBefore(position, shipped) ? await this.#restart(shipped) : this.#walk;
    if (walk === null) return;
    for (let entries = await walk.read(SLICE); entries.length > 0; entries = await walk.read(SLICE)) {
      for (const { record, next } of entries) {
        if (record.kind === 'inference') this.#remember({ log: logOf(record), end: next });
      }
      await this.#pause();
      if (this.#closed) return;
    }
  }

  async #restart(from: Position | null): Promise<SegmentWalk | null> {
    const old = this.#walk;
    this.#walk = null;
    await old?.close();
    if (this.#closed) return null;
    this.#walk = new SegmentWalk({ dir: this.#dir, from });
    return this.#walk;
  }

  #remember(entry: Remembered): void {
    this.#logs.set(entry.log.log_id, entry);
    if (this.#logs.size <= this.#mostLogs) return;
    const oldest = this.#logs.values().next();
    if (oldest.done) return;
    this.#logs.delete(oldest.value.log.log_id);
    this.#forgotten = oldest.value;
  }

  #dropShipped(shipped: Position): void {
    const inDatabase = ({ end }: Remembered): boolean => !isBefore(shipped, end);
    if (this.#forgotten !== null && inDatabase(this.#forgotten)) this.#forgotten = null;
    for (const [id, entry] of this.#logs) {
      if (!inDatabase(entry)) return;
      this.#logs.delete(id);
    }
  }
}

function isBefore(position: Position, other: Position | null): boolean {
  if (other === null) return false;
  return position.segment < other.segment || (position.segment === other.segment && position.offset < other.offset);
}

function logOf({ log_id, customer_id, model_id, chunk, shape }: InferenceRecord): UnshippedLog {
  const [steps, dim] = shape;
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  const length = steps === 0 ? 0 : Math.min(dim, Math.floor(chunk.byteLength / FLOAT_BYTES));
  const action = Array.from({ length }, (_, i) => view.getFloat32(i * FLOAT_BYTES, true));
  return { log_id, customer_id, model_id, action };
}
