import { HOUR_MS, type ShippedBatch } from '@sinew/db';
import type { Checkpoint, JournalEntry, JournalRecord, Position, ReadLimit } from '@sinew/journal';
import { type MapperState, RecordMapper } from './record-mapper.js';
import { type RowStore, storeOrRefuse } from './store-or-refuse.js';

/** With many sessions open the state is large: then it is saved at most this often. */
const SAVE_EVERY_MS = 1_000;
const SMALL_STATE_SESSIONS = 200;

/** Read for one transaction. Its commit waits for the disk, so one that catches up stores thousands of rows at once. */
export const SHIP_AT_ONCE: ReadLimit = { records: 4_000, bytes: 8 * 1_024 * 1_024 };

export interface JournalSource {
  /** Null before the first segment was seen. */
  readonly position: Position | null;
  /** The writer of the newest segment seen. */
  readonly writerId: string;
  read(): Promise<readonly JournalEntry[]>;
  /** May begin to read what the next `read` answers. `position` and `writerId` stay until then. */
  readAhead?(): void;
}

export interface ShipperPorts {
  readonly source: JournalSource;
  readonly store: RowStore;
  saveCheckpoint(checkpoint: Checkpoint): Promise<void>;
  /** Queues the statistics of an hour of data; asked twice in one window it queues once. Rejects where the queues are away. */
  queueStatistics(hourMs: number): Promise<void>;
  /** Unix milliseconds. */
  now(): number;
}

export interface ShippedCounters {
  /** New rows of inference logs. */
  inserted: number;
  /** Sent again after a crash; they stood there already. */
  repeated: number;
  /** Put aside: another inference holds their id. */
  conflicts: number;
  /** Put aside: no row can be made of them, or the database refuses it. */
  refused: number;
  records: number;
}

interface Pending {
  readonly batch: ShippedBatch;
  /** Records that no row can be made of, still to be put aside. */
  readonly unsound: { readonly record: JournalRecord; readonly error: unknown }[];
  readonly records: number;
  readonly lastMs: number;
}

interface SavedState {
  readonly version: 1;
  readonly mapper: MapperState;
  /** Hours of data whose statistics are still to be queued. */
  readonly hours: readonly number[];
}

/**
 * Journal to database: read, map, store in one transaction, then save the checkpoint, then queue what follows. What is to be
 * queued stands in the checkpoint, so a crash at any point repeats work and loses none.
 */
export class Shipper {
  readonly counters: ShippedCounters = { inserted: 0, repeated: 0, conflicts: 0, refused: 0, records: 0 };
  readonly #ports: ShipperPorts;
  readonly #mapper: RecordMapper;
  readonly #hours: Set<number>;
  /** Read and mapped, not yet stored: an attempt that failed is made again with the same rows. */
  #pending: Pending | null = null;
  #savedAt = 0;
  #savedPosition: Position | null;
  #unsaved = false;
  #lastMs: number | null = null;
  #caughtUp = false;
  /** Of a journal that is being read ahead: what was read before they were known still says what they cover. */
  #forgetAgain: readonly Parameters<RecordMapper['forget']>[0][] = [];

  /** `checkpoint`: the one that the source was opened at. */
  constructor(ports: ShipperPorts, checkpoint: Checkpoint | null) {
    this.#ports = ports;
    this.#savedPosition = checkpoint?.position ?? null;
    const saved = parseState(checkpoint?.state ?? '');
    this.#mapper = new RecordMapper(saved?.mapper ?? null);
    this.#hours = new Set(saved?.hours);
  }

  /** How far the database is behind: the age of the newest record in it, or 0 where none waits. */
  lagMs(): number {
    return this.#caughtUp || this.#lastMs === null ? 0 : Math.max(0, this.#ports.now() - this.#lastMs);
  }

  /** Stores what can be read now, at most one batch; false when there was nothing. Rejects where journal or database are away. */
  async ship(): Promise<boolean> {
    this.#pending ??= await this.#readBatch();
    if (this.#pending === null) {
      if (this.#unsaved) await this.#save();
      return false;
    }
    const { batch, unsound, records, lastMs } = this.#pending;
    for (let first = unsound[0]; first !== undefined; first = unsound[0]) {
      await this.#ports.store.refuse({ table: 'journal', row: first.record }, first.error);
      this.counters.refused++;
      unsound.shift();
    }
    if (Object.values(batch).some((rows) => rows.length > 0)) {
      const stored = await storeOrRefuse(this.#ports.store, batch, () => this.#ports.source.readAhead?.());
      this.counters.inserted += stored.inserted;
      this.counters.repeated += stored.repeated;
      this.counters.refused += stored.refused;
      this.counters.conflicts += stored.conflicts;
    }
    this.#noteHours(batch);
    this.counters.records += records;
    this.#lastMs = lastMs;
    this.#pending = null;
    this.#unsaved = true;
    const often = this.#mapper.openSessions <= SMALL_STATE_SESSIONS;
    if (often || this.#ports.now() - this.#savedAt >= SAVE_EVERY_MS) await this.#save();
    return true;
  }

  /** Queues the jobs that follow. Apart from `ship`: rows must not wait for the queues. */
  async queueFollowing(): Promise<void> {
    if (this.#unsaved) return; // First the checkpoint, so that a crash in between repeats this.
    for (const hour of this.#hours) {
      await this.#ports.queueStatistics(hour);
      this.#hours.delete(hour);
    }
  }

  /** Up to where everything is stored and the checkpoint says so; null before the first one. */
  get savedPosition(): Position | null {
    return this.#savedPosition;
  }

  /**
   * What erasures cover goes out of the state, and out of the checkpoint's file. False where a batch waits to be stored, so that
   * no checkpoint can be saved now.
   */
  async forget(erasures: readonly Parameters<RecordMapper['forget']>[0][]): Promise<boolean> {
    for (const erasure of erasures) this.#mapper.forget(erasure);
    this.#forgetAgain = erasures;
    if (this.#pending !== null) return false;
    await this.#save();
    return true;
  }

  /**
   * Saves what is stored but not yet in the checkpoint. Where a batch was read and not stored, reader and mapper are ahead of the
   * database: then the checkpoint stays, and the next shipper repeats a little.
   */
  async close(): Promise<void> {
    if (this.#unsaved && this.#pending === null) await this.#save();
  }

  async #readBatch(): Promise<Pending | null> {
    const { source } = this.#ports;
    const entries = await source.read();
    const unsound: { record: JournalRecord; error: unknown }[] = [];
    let lastMs: number | null = null;
    for (const entry of entries) {
      try {
        this.#mapper.add(entry);
        lastMs = entry.record.t_ms;
        this.#lastMs ??= lastMs;
      } catch (error) {
        // The reader is past it and past those behind it: one bad record must not take them along.
        unsound.push({ record: entry.record, error });
      }
    }
    for (const erasure of this.#forgetAgain) this.#mapper.forget(erasure);
    this.#forgetAgain = [];
    this.#caughtUp = entries.length === 0;
    // All is read: a new gateway that has written nothing yet ends the sessions of the one before all the same.
    if (this.#caughtUp) this.#mapper.writer(source.writerId);
    const batch = this.#mapper.take();
    if (this.#caughtUp && batch.sessions.length + batch.incidents.length === 0) return null;
    return { batch, unsound, records: entries.length, lastMs: lastMs ?? this.#ports.now() };
  }

  #noteHours(batch: ShippedBatch): void {
    // As written, `2026-11-06T09`: thousands of rows of one hour are one time to read.
    const written = new Set<string>();
    for (const { timestamp } of batch.inferences) written.add(timestamp.slice(0, 13));
    for (const hour of written) this.#hours.add(hourOf(`${hour}:00:00Z`));
    for (const { ended_at } of batch.episodes) if (ended_at !== null) this.#hours.add(hourOf(ended_at));
  }

  async #save(): Promise<void> {
    const position = this.#ports.source.position;
    if (position === null) return;
    const state: SavedState = { version: 1, mapper: this.#mapper.state(), hours: [...this.#hours] };
    await this.#ports.saveCheckpoint({ position, state: JSON.stringify(state) });
    this.#savedPosition = position;
    this.#savedAt = this.#ports.now();
    this.#unsaved = false;
  }
}

function hourOf(iso: string): number {
  return Math.floor(Date.parse(iso) / HOUR_MS) * HOUR_MS;
}

/** A state of another version, or none that can be read: open sessions and episodes then begin with what follows. */
function parseState(text: string): SavedState | null {
  try {
    const value: unknown = JSON.parse(text);
    const current = typeof value === 'object' && value !== null && 'version' in value && value.version === 1;
    return current ? (value as SavedState) : null;
  } catch {
    return null;
  }
}
