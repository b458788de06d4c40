import { type DurableRecord, erasureEvent, type RecordFolder } from '@sinew/accounts';
import type { ErasureBody } from '@sinew/contracts';
import { type ErasureRow, type Erasures, journalPart, TABLES_PART } from '@sinew/db';
import type { EraseOptions, EraseResult } from '@sinew/journal';
import type { Logger } from '@sinew/telemetry';
import { v7 as uuidv7 } from 'uuid';
import { erasureReport, type JournalCounts, pendingParts } from './report.js';

/** How often a gateway looks whether another one was asked to erase something. */
const POLL_MS = 3_000;
/** How long what had begun before the request may take to be written down: a second of ticks, an inference under way. */
const SETTLE_MS = 10_000;
const LOOK_EVERY_MS = 100;

export interface EraserPorts {
  readonly erasures: Erasures;
  readonly durable: DurableRecord;
  /** This gateway's journals, the one of its robots first; each with what brings its memory to the disk. */
  readonly folders: () => Promise<readonly RecordFolder[]>;
  /** Null while there is no segment. */
  readonly journalId: () => Promise<string | null>;
  readonly node: () => number;
  readonly erase: (options: EraseOptions) => Promise<EraseResult>;
  /** Removes this gateway's recordings of the customer, or those that an inference stands in; how many there were. */
  readonly eraseRecordings: (customerId: string, before: Date, logId: number | null) => Promise<number>;
  /** Whether anything that began before this moment may still be written down here. */
  readonly busy: (customerId: string) => boolean;
  /** What is remembered of journals outside of them. */
  readonly forget: () => Promise<void>;
  /** Resolves when the shipper has brought what there is to the database, or does not come to it: what is billed is counted there. */
  readonly shipped: () => Promise<void>;
  /** Unix milliseconds: later than everything that began here until now. */
  readonly latestMs: () => number;
  /** Tells the other gateways, sooner than they look. */
  readonly publish: (erasureId: string) => Promise<void>;
  readonly now: () => number;
  readonly wait: (ms: number) => Promise<void>;
  readonly log: Logger;
}

export interface ErasureRequest {
  readonly customerId: string;
  /** Null: everything. */
  readonly logId: number | null;
  readonly requestedBy: string;
}

/**
 * Carries out erasures: registers what this gateway is asked for, and does its part of every one there is, its own journals and
 * the tables. What is registered is in force; the rest may be done later, by others, again.
 */
export class Eraser {
  readonly #ports: EraserPorts;
  /** What this process did in its journals, by erasure: a second pass finds nothing more to count. */
  readonly #done = new Map<string, JournalCounts>();
  #running: Promise<void> | null = null;
  #again = false;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(ports: EraserPorts) {
    this.#ports = ports;
  }

  /** Begins to look for what is to be erased, and goes on until `close`. */
  start(): void {
    if (this.#closed) return;
    void this.wake();
  }

  /** From when this resolves nothing of it is stored any more. The rest is under way. */
  async request({ customerId, logId, requestedBy }: ErasureRequest): Promise<ErasureRow> {
    const { durable, erasures, latestMs, log, now, publish, shipped } = this.#ports;
    await shipped();
    const row = {
      erasure_id: uuidv7(),
      customer_id: customerId,
      log_id: logId,
      before: new Date(Math.ceil(latestMs())),
      requested_by: requestedBy,
      requested_at: new Date(Math.floor(now())),
    };
    await durable.record([erasureEvent(row)]);
    await erasures.register(row);
    await publish(row.erasure_id).catch((error: unknown) => log.warn({ err: error }, 'other gateways were not told'));
    void this.wake();
    return { ...row, finished_at: null, report: null };
  }

  /** The report as it stands. */
  async report(row: ErasureRow): Promise<ErasureBody> {
    const { erasures } = this.#ports;
    if (row.finished_at !== null && row.report !== null) {
      return { ...(row.report as unknown as ErasureBody), finished_at: row.finished_at.toISOString() };
    }
    return erasureReport(row, await erasures.parts(row.erasure_id), await erasures.journals());
  }

  /** The row when it is finished, or as it stands after that time. */
  async finished(erasureId: string, withinMs: number): Promise<ErasureRow | null> {
    const { erasures, now, wait } = this.#ports;
    for (const until = now() + withinMs; ; await wait(LOOK_EVERY_MS)) {
      const row = await erasures.find(erasureId);
      if (row === null || row.finished_at !== null || now() >= until || this.#closed) return row;
    }
  }

  /** Looks now. Resolves when what could be done now is done. */
  wake(): Promise<void> {
    if (this.#running !== null) {
      this.#again = true;
      return this.#running;
    }
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#running = this.#rounds().finally(() => {
      this.#running = null;
      if (this.#closed) return;
      this.#timer = setTimeout(() => void this.wake(), POLL_MS);
      this.#timer.unref();
    });
    return this.#running;
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#running;
  }

  async #rounds(): Promise<void> {
    do {
      this.#again = false;
      try {
        await this.#round();
      } catch (error) {
        // The database or the disk is away: what is registered stays to be done.
        this.#ports.log.warn({ err: error }, 'erasures wait');
      }
    } while (this.#again && !this.#closed);
  }

  async #round(): Promise<void> {
    await this.#eraseJournals();
    await this.#eraseTables();
    await this.#finish();
  }

  async #eraseJournals(): Promise<void> {
    const { erasures, forget, journalId, node } = this.#ports;
    const id = await journalId();
    if (id === null) return;
    await erasures.sawJournal(id, node(), false);
    const part = journalPart(id);
    const rows = await erasures.toDo(part);
    if (rows.length === 0) return;
    const settled = rows.map((row) => this.#settled(row));
    try {
      const blocked = await this.#pass(rows);
      await this.#eraseRecordings(rows);
      await forget();
      for (const [i, { erasure_id }] of rows.entries()) {
        const done = settled[i] === true && !blocked;
        const trouble = blocked ? 'the journal is damaged before its end: what is behind follows' : null;
        await erasures.report(erasure_id, part, { counts: this.#done.get(erasure_id) ?? null, trouble, done });
        if (done) this.#done.delete(erasure_id);
      }
    } catch (error) {
      const trouble = error instanceof Error ? error.message : String(error);
      for (const { erasure_id } of rows)
        await erasures.report(erasure_id, part, { counts: null, trouble, done: false });
      throw error;
    }
  }

  /** True where a folder could not be read to its end. */
  async #pass(rows: readonly ErasureRow[]): Promise<boolean> {
    const { erase, folders } = this.#ports;
    const scopes = rows.map(({ customer_id, log_id, before }) => ({
      customer_id,
      log_id,
      before_ms: before.getTime(),
    }));
    let blocked = false;
    for (const folder of await folders()) {
      // What waits in memory would be written after the pass.
      await folder.sync();
      const result = await erase({ dir: folder.dir, erasures: scopes });
      blocked ||= result.blocked;
      for (const [i, { erasure_id }] of rows.entries()) {
        const counts = result.counts[i];
        if (counts !== undefined) this.#done.set(erasure_id, added(this.#done.get(erasure_id), counts, result));
      }
    }
    return blocked;
  }

  async #eraseRecordings(rows: readonly ErasureRow[]): Promise<void> {
    for (const { before, customer_id, erasure_id, log_id } of rows) {
      const recordings = await this.#ports.eraseRecordings(customer_id, before, log_id);
      const done = this.#done.get(erasure_id) ?? NOTHING;
      this.#done.set(erasure_id, {
        ...done,
        removed: recordings === 0 ? done.removed : plus(done.removed, { recordings }),
      });
    }
  }

  async #eraseTables(): Promise<void> {
    const { erasures } = this.#ports;
    const rows = await erasures.toDo(TABLES_PART);
    if (rows.length === 0) return;
    const alone = (await erasures.journals()).length <= 1;
    for (const row of rows) {
      // Where other gateways may have something under way, nobody here can say when the last of it was stored.
      const settled = alone ? this.#settled(row) : this.#isLate(row);
      await erasures.eraseTables(row);
      await erasures.report(row.erasure_id, TABLES_PART, { counts: null, done: settled });
    }
  }

  async #finish(): Promise<void> {
    const { durable, erasures, log, now } = this.#ports;
    const journals = await erasures.journals();
    for (const row of await erasures.unfinished()) {
      const parts = await erasures.parts(row.erasure_id);
      if (pendingParts(new Map(parts.map((part) => [part.part, part])), journals).length > 0) continue;
      const finishedAt = new Date(Math.max(Math.floor(now()), row.requested_at.getTime()));
      const finished = { ...row, finished_at: finishedAt };
      const report = erasureReport(finished, parts, journals);
      await durable.record([erasureEvent({ ...finished, report })]);
      if (await erasures.finish(row.erasure_id, finishedAt, report)) {
        const { customer_id, erasure_id, log_id } = row;
        log.info(
          { customer_id, erasure_id, log_id, tables: report.tables, journals: report.journals },
          'erasure complete',
        );
      }
    }
  }

  #settled(row: ErasureRow): boolean {
    return !this.#ports.busy(row.customer_id) || this.#isLate(row);
  }

  #isLate({ before }: ErasureRow): boolean {
    return this.#ports.now() >= before.getTime() + SETTLE_MS;
  }
}

const NOTHING: JournalCounts = { removed: {}, blanked: {}, removed_before: 0, unreadable_bytes: 0 };

function added(
  sum: JournalCounts | undefined,
  { erased, blanked, before }: EraseResult['counts'][number],
  { unreadable_bytes }: EraseResult,
): JournalCounts {
  return {
    removed: plus(sum?.removed, erased),
    blanked: plus(sum?.blanked, blanked),
    // Of the first pass: later ones meet what it left.
    removed_before: sum?.removed_before ?? before,
    unreadable_bytes: Math.max(sum?.unreadable_bytes ?? 0, unreadable_bytes),
  };
}

function plus(a: Readonly<Record<string, number>> = {}, b: Readonly<Record<string, number>>): Record<string, number> {
  const sum: Record<string, number> = { ...a };
  for (const [name, n] of Object.entries(b)) sum[name] = (sum[name] ?? 0) + n;
  return sum;
}
