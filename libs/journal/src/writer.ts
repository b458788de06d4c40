import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { Batch } from './batch.js';
import { DiskBudget, type Pressure } from './disk-budget.js';
import { JournalError, systemCode } from './errors.js';
import { GroupSync } from './group-sync.js';
import { type JournalIo, nodeIo } from './io.js';
import { type Latch, Latches } from './latches.js';
import { LiveSegment } from './live-segment.js';
import { FolderLock } from './lock.js';
import { LogIds } from './log-id.js';
import type { JournalFault } from './reader.js';
import type { JournalRecord } from './records.js';
import { type Recovered, recover } from './recovery.js';
import { type MayKeepText, RecordScrubber } from './scrub.js';

const LARGEST_SEGMENT_BYTES = 32 * 1024 * 1024;
const SMALLEST_SEGMENT_BYTES = 256 * 1024;
const DEFAULT_FSYNC_MS = 50;
const REFRESH_MS = 1_000;
/** What may wait in memory while the disk refuses writes; the rest is for sessions and events, which are few. */
const MAX_BACKLOG_BYTES = 64 * 1024 * 1024;
const MAX_EVENT_BACKLOG_BYTES = 96 * 1024 * 1024;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 2_000;
const POLL_MS = 1;

export interface JournalWriterOptions {
  readonly dir: string;
  /** 0…63, part of every log id. */
  readonly node: number;
  readonly budgetBytes: number;
  readonly segmentBytes?: number;
  readonly fsyncMs?: number;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Without it no text is kept as it was given (J5). */
  readonly mayKeepText?: MayKeepText;
  /** Whether nothing new may be begun for a reason of the caller's, such as a node number in doubt: then `pressure` is `full`. */
  readonly barred?: () => boolean;
  readonly io?: JournalIo;
  /** Told whenever the disk begins or ceases to refuse, and when the folder's lock is lost (`lock_lost`): then for good. */
  readonly onState?: (state: WriterState) => void;
}

/**
 * `failed`: nothing gets to the disk at present; every robot must hold. The writer keeps its records and tries on. `refused`:
 * how many records it could not even keep.
 */
export type WriterState =
  | { readonly kind: 'ok' }
  | {
      readonly kind: 'failed';
      readonly code: string;
      readonly message: string;
      readonly since_ms: number;
      readonly refused: number;
    };

const OK: WriterState = { kind: 'ok' };

/** The journal's one writer a folder. `append` never waits; what waits is the caller's callback. */
export class JournalWriter {
  /** Damage found in what the last writer left. */
  readonly faults: readonly JournalFault[];
  readonly #options: JournalWriterOptions;
  readonly #io: JournalIo;
  readonly #segmentBytes: number;
  readonly #lock: FolderLock;
  readonly #ids: LogIds;
  readonly #budget: DiskBudget;
  readonly #sync: GroupSync;
  /** As appended: what the gateway asks. */
  readonly #latches: Latches;
  /** As written: what a new segment's header says, which must not run ahead of the records before it. */
  readonly #writtenLatches: Latches;
  #highLogId: number;
  #live: LiveSegment;
  readonly #scrubber: RecordScrubber;
  #filling = new Batch();
  /** Written, not yet synced: after a failed fsync the only copy that is known to be good. */
  #unsynced: Batch[] = [];
  readonly #free: Batch[] = [];
  #appended = 0;
  #state: WriterState = OK;
  #refused = 0;
  #lockLost = false;
  /** The disk was full when it was last written to, and there is a segment that another one after it lets go. */
  #makeRoom = false;
  /** An fsync failed: the system may have dropped the pages while it calls them clean, so this segment is done with. */
  #broken: { readonly cause: unknown } | null = null;
  #closing = false;
  #scheduled = false;
  #polledMs = Number.NEGATIVE_INFINITY;
  #pump: Promise<void> | null = null;
  #refreshedAt = 0;
  #refreshing: Promise<void> | null = null;

  private constructor(options: JournalWriterOptions, lock: FolderLock, recovered: Recovered, live: LiveSegment) {
    this.#options = options;
    this.#scrubber = new RecordScrubber(options.mayKeepText);
    this.#io = options.io ?? nodeIo;
    this.#segmentBytes = options.segmentBytes ?? segmentBytesFor(options.budgetBytes);
    this.#lock = lock;
    this.#ids = new LogIds(options.node, recovered.high_log_id);
    this.#highLogId = recovered.high_log_id;
    this.#budget = new DiskBudget(options.dir, options.budgetBytes, recovered.usage);
    this.#latches = new Latches(recovered.latches.values());
    this.#writtenLatches = recovered.latches;
    this.faults = recovered.faults;
    this.#live = live;
    this.#sync = new GroupSync(options.fsyncMs ?? DEFAULT_FSYNC_MS, {
      // The next fsync of the same file would succeed, and prove nothing.
      sync: () => (this.#broken === null ? this.#live.sync() : Promise.reject(this.#broken.cause)),
      onSynced: (record) => this.#release(record),
      onFailed: (error) => this.#syncFailed(error),
    });
  }

  /** Takes over the folder: a new segment after what the predecessor left (J5). Throws `locked` while another writer lives. */
  static async open(options: JournalWriterOptions): Promise<JournalWriter> {
    await mkdir(options.dir, { recursive: true, mode: 0o700 });
    let lockLost = () => {};
    const lock = await FolderLock.take(options.dir, 'writer', () => lockLost());
    try {
      const recovered = await recover(options.dir, options.now());
      const live = await LiveSegment.create(options.io ?? nodeIo, options.dir, {
        version: 1,
        journal_id: recovered.journal_id ?? randomUUID(),
        segment: recovered.last_segment + 1,
        node: options.node,
        writer_id: randomUUID(),
        created_ms: options.now(),
        high_log_id: recovered.high_log_id,
        latches: recovered.latches.values(),
        previous_usage: Object.fromEntries(recovered.usage.get(recovered.last_segment) ?? []),
      });
      const writer = new JournalWriter(options, lock, recovered, live);
      lockLost = () => writer.#loseLock();
      await writer.#refresh();
      return writer;
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  get state(): WriterState {
    return this.#state;
  }

  /** Records that were not taken because memory was full, over the writer's life. */
  get refused(): number {
    return this.#refused;
  }

  /** E-stops in force. */
  get latches(): readonly Latch[] {
    return this.#latches.values();
  }

  latched(customerId: string, robotId: string): boolean {
    return this.#latches.has(customerId, robotId);
  }

  /** Lets go of the texts that it remembers from what it wrote. */
  forgetTexts(): void {
    this.#scrubber.forget();
  }

  nextLogId(): number {
    return this.#ids.next(this.#options.now());
  }

  /**
   * Takes the record over and returns at once. `onWritten` runs when the operating system has the bytes, so that a killed process
   * loses them no more; in the order of the appends. Throws `record_too_large`, `closed`, `backlog_full`: then it was not taken.
   * Where the disk has refused for minutes, inferences and ticks are counted as refused and not taken: their `onWritten` never runs.
   */
  append(record: JournalRecord, onWritten?: () => void): void {
    // An e-stop holds in this process even where its record is refused.
    if (record.kind === 'event' && record.event === 'estop') this.#latches.apply(record);
    if (this.#closing) throw new JournalError('closed', 'append after close');
    if (this.#filling.length > MAX_BACKLOG_BYTES && !this.#mayExceedBacklog(record)) return;
    const scrubbed = this.#scrubber.scrub(record);
    this.#filling.add(scrubbed);
    this.#latches.apply(scrubbed);
    this.#filling.last = ++this.#appended;
    if (onWritten !== undefined) this.#filling.onWritten.push(onWritten);
    this.#schedule();
  }

  /**
   * For who keeps the event loop busy: takes what the disk has answered and hands it what waits, once a millisecond at most. A
   * loop with a thousand frames to a turn would otherwise hold each record up for two turns. `nowMs`: any clock that only rises.
   */
  poll(nowMs: number): void {
    if (nowMs - this.#polledMs < POLL_MS) return;
    this.#polledMs = nowMs;
    this.#io.poll?.();
    if (this.#scheduled) void this.#startPump();
  }

  /** Resolves when everything appended so far is on the disk (fsync); rejects with `write_failed` when the disk refuses. */
  sync(): Promise<void> {
    return this.#sync.wait(this.#appended);
  }

  /** `full` also while the disk refuses, and while the caller says so. */
  pressure(): Pressure {
    if (this.#options.now() - this.#refreshedAt >= REFRESH_MS && !this.#closing) void this.#refresh();
    const pressure = this.#budget.pressure(this.#filling.length);
    // What cannot be recorded must not be done, whatever the reason.
    const barred = this.#state.kind === 'failed' || this.#options.barred?.() === true;
    return barred ? { ...pressure, level: 'full' } : pressure;
  }

  /** Writes and syncs what is there, then lets the folder go. Throws `write_failed` where records could not be saved. */
  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    try {
      await this.#pump;
      await this.#startPump();
      if (!(await this.#sync.drain())) await this.#startPump();
      await this.#sync.drain();
    } finally {
      this.#sync.stop();
      await this.#refreshing;
      await this.#live.close();
      await this.#io.close?.();
      await this.#lock.release();
    }
    if (this.#sync.synced < this.#appended) {
      const error = this.#failure('write_failed', `${this.#appended - this.#sync.synced} records not saved`);
      this.#sync.refuse(error);
      throw error;
    }
  }

  /** Robots hold by now; what their ticks' records lose is counted, and a tick loop that throws would help nobody. */
  #mayExceedBacklog(record: JournalRecord): boolean {
    if (record.kind === 'session' || record.kind === 'event') {
      if (this.#filling.length > MAX_EVENT_BACKLOG_BYTES) throw this.#failure('backlog_full');
      return true;
    }
    this.#refused++;
    if (this.#state.kind !== 'failed') return false;
    const first = this.#state.refused === 0;
    this.#state = { ...this.#state, refused: this.#state.refused + 1 };
    if (first) this.#options.onState?.(this.#state);
    return false;
  }

  /** One write a loop turn: whatever this turn appends goes out together. */
  #schedule(): void {
    if (this.#scheduled || this.#pump !== null) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      void this.#startPump();
    });
  }

  #startPump(): Promise<void> {
    this.#pump ??= this.#writeBatches().finally(() => {
      this.#pump = null;
      // Appended after the loop looked for the last time, by a continuation of a callback.
      if ((this.#filling.length > 0 || this.#broken !== null) && !this.#closing) this.#schedule();
    });
    return this.#pump;
  }

  async #writeBatches(): Promise<void> {
    while (this.#filling.length > 0 || this.#broken !== null) {
      const batch = this.#filling;
      this.#filling = this.#free.pop() ?? new Batch();
      if (!(await this.#writeUntilDone(batch))) return;
      this.#finish(batch);
    }
  }

  /** False where the writer was closed while the disk still refused. */
  async #writeUntilDone(batch: Batch): Promise<boolean> {
    for (let delayMs = FIRST_RETRY_MS; ; delayMs = Math.min(2 * delayMs, LAST_RETRY_MS)) {
      try {
        if (this.#lockLost) throw new JournalError('lock_lost', this.#options.dir);
        const full = this.#live.size + batch.length > this.#segmentBytes;
        if (this.#broken !== null || full || this.#makeRoom) await this.#roll();
        if (batch.length > 0) await this.#live.append(batch);
        this.#setState(OK);
        return true;
      } catch (error) {
        this.#fail(error);
        // The disk is full. A live segment cannot be deleted, however much of it is shipped: with another after it, it can.
        this.#makeRoom = systemCode(error) === 'ENOSPC' && !this.#live.empty;
        if (this.#closing) return false;
        await this.#io.pause(delayMs);
      }
    }
  }

  async #roll(): Promise<void> {
    if (this.#broken === null && !(await this.#sync.drain())) throw this.#failure('write_failed');
    const { journal_id, writer_id, node } = this.#live.header;
    const next = await LiveSegment.create(this.#io, this.#options.dir, {
      version: 1,
      journal_id,
      segment: this.#live.number + 1,
      node,
      writer_id,
      created_ms: this.#options.now(),
      high_log_id: this.#highLogId,
      latches: this.#writtenLatches.values(),
      previous_usage: this.#budget.usageOf(this.#live.number),
    });
    const old = this.#live;
    this.#live = next;
    this.#makeRoom = false;
    try {
      // Rows are stored idempotently: a record that stands in both segments is one row.
      for (const batch of this.#unsynced) await next.append(batch);
      this.#broken = null;
    } finally {
      await old.close().catch((error) => this.#fail(error));
    }
    void this.#refresh();
  }

  #finish(batch: Batch): void {
    if (batch.length === 0) {
      this.#free.push(batch);
      this.#sync.written(this.#unsynced.at(-1)?.last ?? this.#sync.synced, true);
      return;
    }
    this.#highLogId = Math.max(this.#highLogId, batch.highLogId);
    for (const event of batch.latchEvents) this.#writtenLatches.apply(event);
    this.#budget.written(this.#live.number, this.#live.size, batch.usage);
    this.#unsynced.push(batch);
    this.#sync.written(batch.last, batch.urgent);
    for (const callback of batch.onWritten) runApart(callback);
    batch.onWritten = [];
  }

  #release(record: number): void {
    while ((this.#unsynced[0]?.last ?? Number.POSITIVE_INFINITY) <= record) {
      const batch = this.#unsynced.shift();
      if (batch === undefined) return;
      batch.clear();
      if (this.#free.length < 16) this.#free.push(batch);
    }
  }

  #syncFailed(error: unknown): void {
    this.#broken = { cause: error };
    this.#fail(error);
    if (!this.#closing) this.#schedule();
  }

  #loseLock(): void {
    this.#lockLost = true;
    const inTrouble = this.#state.kind === 'failed';
    this.#fail(new JournalError('lock_lost', this.#options.dir));
    // Other trouble passes; that another process has the folder is news all the same.
    if (inTrouble) this.#options.onState?.(this.#state);
  }

  #fail(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    const code = error instanceof JournalError ? error.code : systemCode(error);
    const before = this.#state.kind === 'failed' ? this.#state : { since_ms: this.#options.now(), refused: 0 };
    this.#setState({ kind: 'failed', code, message, since_ms: before.since_ms, refused: before.refused });
    this.#sync.refuse(this.#failure('write_failed'));
  }

  #setState(state: WriterState): void {
    const changed = state.kind !== this.#state.kind;
    this.#state = state;
    if (changed) this.#options.onState?.(state);
  }

  #failure(code: 'write_failed' | 'backlog_full', detail?: string): JournalError {
    const cause = this.#state.kind === 'failed' ? `${this.#state.code}: ${this.#state.message}` : 'unknown cause';
    return new JournalError(code, detail === undefined ? cause : `${detail} (${cause})`);
  }

  #refresh(): Promise<void> {
    this.#refreshing ??= this.#budget
      .refresh(this.#live.number)
      // The figures stay as they were and are asked for again in a second; a disk in trouble shows at the next write.
      .catch(() => {})
      .finally(() => {
        this.#refreshedAt = this.#options.now();
        this.#refreshing = null;
      });
    return this.#refreshing;
  }
}

function segmentBytesFor(budgetBytes: number): number {
  return Math.min(LARGEST_SEGMENT_BYTES, Math.max(SMALLEST_SEGMENT_BYTES, Math.floor(budgetBytes / 16)));
}

/** A caller's fault must not keep the callbacks behind it from running, nor pass unseen. */
function runApart(callback: () => void): void {
  try {
    callback();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
