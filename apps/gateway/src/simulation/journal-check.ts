import { decodeMap, type InferenceRecord, type JournalRecord, type JournalWriter, readJournal } from '@sinew/journal';
import type { RuleBook } from './rules.js';
import type { DiskWatch } from './virtual-disk.js';

interface WrittenRecord {
  readonly record: JournalRecord;
  readonly key: string;
  readonly end: number;
  readonly atMs: number;
}

class SegmentImage {
  bytes = Buffer.alloc(0);
  length = 0;
  /** Up to here it was read as frames. */
  parsed = 0;
  frames = 0;
  synced = 0;
  readonly records: WrittenRecord[] = [];
}

const SEGMENT = /(\d{10})\.journal/;
const MAGIC_BYTES = 8;
const FRAME_HEADER_BYTES = 8;

/** How a gateway ended. */
export type End = 'killed' | 'power_cut' | 'drained';

/**
 * J rules, from below the file system: what every returned write holds, by a reader of its own, and after each end of a gateway what
 * the product's own reader finds on the disk.
 */
export class JournalCheck implements DiskWatch {
  readonly #book: RuleBook;
  readonly #nowMs: () => number;
  readonly #onFault: (kind: string) => void;
  readonly #segments = new Map<string, SegmentImage>();
  /** Inferences whose record a returned write holds, or that survived. */
  readonly inferences = new Map<number, InferenceRecord>();
  /** Told to a client by the gateway that runs. */
  readonly #told = new Set<number>();
  /** (customer, robot) with an e-stop that what was read last leaves in force. */
  readonly latched = new Set<string>();
  /** Damage in the middle: any robot may be latched. */
  doubtful = false;
  /** Something was lost at least once. */
  damaged = false;
  #highest = 0;
  #syncFailed = false;
  #powerCuts = 0;
  /** For mutations: what nobody looked at is not found out. */
  recordsRead = 0;

  constructor(book: RuleBook, nowMs: () => number, onFault: (kind: string) => void) {
    this.#book = book;
    this.#nowMs = nowMs;
    this.#onFault = onFault;
  }

  // ---- what the disk says ----------------------------------------------------------------------------------------

  /** A name that was never given to a segment is used anew: whoever made it before died over it. */
  created(path: string): void {
    const name = SEGMENT.exec(path)?.[1];
    if (name !== undefined) this.#segments.delete(name);
  }

  written(path: string, from: number, bytes: Buffer): void {
    const segment = this.#segmentOf(path);
    if (segment === null) return;
    const end = from + bytes.length;
    if (end > segment.bytes.length) {
      const larger = Buffer.alloc(Math.max(end, 2 * segment.bytes.length));
      segment.bytes.copy(larger, 0, 0, segment.length);
      segment.bytes = larger;
    }
    segment.bytes.set(bytes, from);
    segment.length = Math.max(segment.length, end);
    this.#parse(segment);
  }

  truncated(path: string, length: number): void {
    const segment = this.#segmentOf(path);
    if (segment === null || length >= segment.length) return;
    segment.length = length;
    segment.parsed = Math.min(segment.parsed, length);
    while ((segment.records.at(-1)?.end ?? 0) > length) {
      const gone = segment.records.pop();
      if (gone?.record.kind === 'inference') this.inferences.delete(gone.record.log_id);
    }
  }

  synced(path: string, length: number): void {
    const segment = this.#segmentOf(path);
    if (segment !== null) segment.synced = Math.max(segment.synced, length);
  }

  fault(kind: string): void {
    if (kind === 'disk: fsync failed') this.#syncFailed = true;
    this.#onFault(kind);
  }

  #segmentOf(path: string): SegmentImage | null {
    const name = SEGMENT.exec(path)?.[1];
    if (name === undefined) return null;
    let segment = this.#segments.get(name);
    if (segment === undefined) {
      segment = new SegmentImage();
      this.#segments.set(name, segment);
    }
    return segment;
  }

  #parse(segment: SegmentImage): void {
    if (segment.parsed === 0 && segment.length >= MAGIC_BYTES) segment.parsed = MAGIC_BYTES;
    for (;;) {
      const at = segment.parsed;
      if (at === 0 || at + FRAME_HEADER_BYTES > segment.length) return;
      const end = at + FRAME_HEADER_BYTES + segment.bytes.readUInt32LE(at);
      if (end > segment.length) return;
      segment.parsed = end;
      // The first frame is the segment's header.
      if (segment.frames++ === 0) continue;
      const map = decodeMap(segment.bytes.subarray(at + FRAME_HEADER_BYTES, end));
      if (map === null) {
        this.#book.broken('J1', 'a record was written that cannot be decoded');
        return;
      }
      this.#wrote(segment, structuredCloneOf(map), end);
    }
  }

  #wrote(segment: SegmentImage, record: JournalRecord, end: number): void {
    segment.records.push({ record, key: keyOf(record), end, atMs: this.#nowMs() });
    if (record.kind !== 'inference') return;
    const again = this.inferences.has(record.log_id);
    this.#book.check('J5', record.log_id > this.#highest || (again && this.#syncFailed), () => {
      return `log_id ${record.log_id} follows ${this.#highest}`;
    });
    this.#highest = Math.max(this.#highest, record.log_id);
    this.inferences.set(record.log_id, record);
  }

  // ---- what leaves -----------------------------------------------------------------------------------------------

  /** A frame that refers to `logId` leaves for a client. */
  told(logId: number): InferenceRecord | null {
    const record = this.inferences.get(logId) ?? null;
    this.#book.check('J1', record !== null, () => `log_id ${logId} leaves before its record was written`);
    this.#told.add(logId);
    return record;
  }

  // ---- after an end ----------------------------------------------------------------------------------------------

  /** Reads what the disk holds with the product's own reader. Nobody may be writing. */
  async readBack(dir: string, end: End): Promise<JournalRecord[]> {
    if (end === 'power_cut') this.#powerCuts++;
    const records: JournalRecord[] = [];
    const counts = new Map<string, number>();
    const faults: string[] = [];
    let order = 0;
    const ids = new Set<number>();
    this.latched.clear();
    this.doubtful = false;
    const onFault = ({ reason, segment, last }: { reason: string; segment: number; last: boolean }): void => {
      faults.push(`${reason} in segment ${segment}`);
      this.damaged = true;
      if (reason === 'corrupt' || reason === 'bad_header') this.doubtful = true;
      this.#book.check('J2', this.#powerCuts > 0 || last || reason === 'torn', () => `${reason} in segment ${segment}`);
    };
    for await (const { record } of readJournal({ dir, onFault })) {
      records.push(record);
      const key = keyOf(record);
      counts.set(key, (counts.get(key) ?? 0) + 1);
      this.#latch(record);
      if (record.kind !== 'inference') continue;
      this.#book.check('J2', record.log_id > order || ids.has(record.log_id), () => {
        return `log_id ${record.log_id} stands behind ${order}`;
      });
      order = Math.max(order, record.log_id);
      ids.add(record.log_id);
    }
    this.recordsRead += records.length;
    this.#compare(counts, ids, end, faults);
    this.#highest = order;
    for (const id of [...this.inferences.keys()]) if (!ids.has(id)) this.inferences.delete(id);
    for (const segment of this.#segments.values()) segment.records.length = 0;
    this.#told.clear();
    return records;
  }

  #compare(counts: ReadonlyMap<string, number>, ids: ReadonlySet<number>, end: End, faults: readonly string[]): void {
    const all = end !== 'power_cut';
    const written = new Map<string, number>();
    for (const { records } of this.#segments.values()) {
      for (const { key } of records) written.set(key, (written.get(key) ?? 0) + 1);
    }
    for (const [name, { records, synced }] of this.#segments) {
      for (const { end: at, key } of records) {
        const found = counts.get(key) ?? 0;
        const must = all || at <= synced;
        this.#book.check(must ? 'J1' : 'J2', found > 0 || !must, () => {
          return `${key} of segment ${name} is gone after the gateway was ${end} (${faults.join(', ') || 'no damage seen'})`;
        });
        if (found === 0) this.damaged = true;
        const times = written.get(key) ?? 0;
        this.#book.check('J1', found <= times, () => `${key} stands ${found} times, and was written ${times} times`);
      }
    }
    if (!all) return;
    for (const id of this.#told) {
      this.#book.check('J1', ids.has(id), () => `log_id ${id} was told to a client and is gone after ${end}`);
    }
  }

  #latch(record: JournalRecord): void {
    if (record.kind !== 'event') return;
    const robot = `${record.customer_id}\n${record.robot_id}`;
    if (record.event === 'estop') this.latched.add(robot);
    else if (record.event === 'estop_clear') this.latched.delete(robot);
  }

  /** A gateway has taken over: what it holds of the past must be what was read. */
  tookOver(journal: JournalWriter): void {
    const theirs = new Set(journal.latches.map(({ customer_id, robot_id }) => `${customer_id}\n${robot_id}`));
    for (const robot of this.latched) {
      this.#book.check('S11', theirs.has(robot), () => `the e-stop of ${robot.replace('\n', ' ')} was forgotten`);
    }
    for (const robot of theirs) {
      this.#book.check('J5', this.doubtful || this.latched.has(robot), () => {
        return `${robot.replace('\n', ' ')} is latched, and nobody stopped it`;
      });
      this.latched.add(robot);
    }
    this.#syncFailed = false;
  }

  /** The time, ms, for which the oldest written record has waited to be synced; 0: none waits. */
  get unsyncedForMs(): number {
    let oldest = Number.POSITIVE_INFINITY;
    for (const { records, synced } of this.#segments.values()) {
      for (let at = records.length - 1; at >= 0; at--) {
        const record = records[at];
        if (record === undefined || record.end <= synced) break;
        oldest = Math.min(oldest, record.atMs);
      }
    }
    return oldest === Number.POSITIVE_INFINITY ? 0 : this.#nowMs() - oldest;
  }
}

/** What tells one record from all others. */
function keyOf(record: JournalRecord): string {
  if (record.kind === 'inference') return `inference ${record.log_id}`;
  const what = record.kind === 'event' || record.kind === 'session' ? record.event : '';
  const named = record.kind === 'event' ? JSON.stringify(record.data) : '';
  const part = record.kind === 'ticks' ? record.part : named;
  return `${record.kind} ${what} ${part} ${record.session_id} ${record.t_ms} ${'robot_id' in record ? record.robot_id : ''}`;
}

/** Binary columns are views on a buffer that is written to again. */
function structuredCloneOf(map: Record<string, unknown>): JournalRecord {
  if (map.chunk instanceof Uint8Array) map.chunk = map.chunk.slice();
  return map as unknown as JournalRecord;
}
