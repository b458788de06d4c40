import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeMap } from './codec.js';
import { type Erasure, erasedForm } from './erased-form.js';
import { systemCode } from './errors.js';
import { FRAME_HEADER_BYTES, sealFrame } from './frame.js';
import { finishOverwrites, type Overwrite, Overwriter } from './overwrite.js';
import type { Position } from './reader.js';
import { listSegments, loadHeader, segmentPath } from './segment.js';
import { SegmentCursor } from './segment-cursor.js';

export interface EraseOptions {
  readonly dir: string;
  readonly erasures: readonly Erasure[];
  /** Where an earlier pass ended; null: from the oldest record on. */
  readonly from?: Position | null;
  /** For tests: runs when something is about to be overwritten. */
  readonly beforeWrite?: () => void;
}

/** What one pass did about one erasure. */
export interface ErasedCounts {
  /** Records that are gone, by kind or event; `refused`: lines of `refused.ndjson`. */
  readonly erased: Readonly<Record<string, number>>;
  /** Records that stay without what was the customer's. */
  readonly blanked: Readonly<Record<string, number>>;
  /** Records that an earlier pass, or an earlier erasure, had done. */
  readonly before: number;
}

export interface EraseResult {
  /** Null in a folder without a sound segment. */
  readonly journal_id: string | null;
  /** One an erasure, in their order. */
  readonly counts: readonly ErasedCounts[];
  /** Bytes of damage in which a customer was named: overwritten too. */
  readonly damaged_bytes: number;
  /** Bytes of damage of which nobody can say whose they were: left as they are. */
  readonly unreadable_bytes: number;
  readonly segments: number;
  /** The newest segment is damaged before its end: what is behind can be erased when a next segment follows. */
  readonly blocked: boolean;
  /** Where the next pass goes on. */
  readonly until: Position | null;
}

type Counts = Record<string, number>;

/** Frames that are held before they are handed on. */
const AT_ONCE = 64;

/** The folder's own id; null while nothing was written to it. */
export async function journalIdOf(dir: string): Promise<string | null> {
  const segments = await listSegments(dir).catch(nullIfMissing);
  for (const segment of segments?.reverse() ?? []) {
    const header = await loadHeader(dir, segment).catch(nullIfMissing);
    if (header !== null) return header.journal_id;
  }
  return null;
}

/**
 * One pass over a journal's folder, also while its writer writes and its reader reads: covered records are written over in
 * place (E1). For the writer's process alone, one pass at a time, after `writer.sync()`: what is still in memory is not seen.
 */
export async function eraseRecords(options: EraseOptions): Promise<EraseResult> {
  const pass = new ErasePass(options);
  return pass.run();
}

class ErasePass {
  readonly #dir: string;
  readonly #erasures: readonly Erasure[];
  readonly #from: Position | null;
  readonly #names: readonly Buffer[];
  readonly #overwriter: Overwriter;
  readonly #counts: { erased: Counts; blanked: Counts; before: number }[];
  #damaged = 0;
  #unreadable = 0;
  #segments = 0;
  #blocked = false;
  #journalId: string | null = null;
  #until: Position | null;

  constructor({ dir, erasures, from = null, beforeWrite }: EraseOptions) {
    this.#dir = dir;
    this.#erasures = erasures;
    this.#from = from;
    this.#names = [...new Set(erasures.map(({ customer_id }) => customer_id))].map((id) => Buffer.from(id, 'latin1'));
    this.#counts = erasures.map(() => ({ erased: {}, blanked: {}, before: 0 }));
    this.#overwriter = new Overwriter(dir, beforeWrite);
    this.#until = from;
  }

  async run(): Promise<EraseResult> {
    await finishOverwrites(this.#dir);
    const segments = await listSegments(this.#dir);
    for (const segment of segments) {
      if (segment < (this.#from?.segment ?? 0)) continue;
      await this.#segment(segment, segment === segments.at(-1));
    }
    await this.#refused();
    await this.#overwriter.close();
    return {
      journal_id: this.#journalId,
      counts: this.#counts,
      damaged_bytes: this.#damaged,
      unreadable_bytes: this.#unreadable,
      segments: this.#segments,
      blocked: this.#blocked,
      until: this.#until,
    };
  }

  async #segment(segment: number, last: boolean): Promise<void> {
    const offset = segment === this.#from?.segment ? this.#from.offset : 0;
    const cursor = await SegmentCursor.open(this.#dir, segment, offset, this.#journalId).catch(nullIfMissing);
    if (cursor === null) return; // pruned meanwhile
    this.#journalId = cursor.header?.journal_id ?? this.#journalId;
    this.#segments++;
    try {
      for (;;) {
        const found: Overwrite[] = [];
        const stop = await cursor.borrowPayloads((payload, start, end) => {
          const head = this.#headOf(payload, cursor.salt);
          if (head !== null) found.push({ file: fileOf(segment), offset: start, length: end - start, head, fill: 0 });
          return found.length < AT_ONCE;
        });
        for (const overwrite of found) await this.#overwriter.add(overwrite);
        if (stop === 'full') continue;
        if (stop === 'end') break;
        // The end of the newest segment is where the writer writes: nobody else touches it.
        if (last) {
          this.#blocked = stop === 'corrupt';
          break;
        }
        if (!(await this.#damage(segment, cursor))) break;
      }
      await this.#overwriter.flush();
      this.#until = { segment, offset: cursor.offset };
    } finally {
      await cursor.close();
    }
  }

  /** What a frame is to begin with instead; null where it stays as it is. */
  #headOf(payload: Buffer, salt: number): Buffer | null {
    if (!this.#names.some((name) => payload.includes(name))) return null;
    const record = decodeMap(payload);
    const form = record === null ? null : erasedForm(record, this.#erasures, payload.length);
    const counts = form === null ? undefined : this.#counts[form.erasure];
    if (form === null || counts === undefined) return null;
    if (form.head === null) {
      counts.before++;
      return null;
    }
    count(form.blanked ? counts.blanked : counts.erased, form.was);
    return frameHead(form.head, payload.length, salt);
  }

  /** Damage cannot be read as a record, but its bytes are there. False at the segment's end. */
  async #damage(segment: number, cursor: SegmentCursor): Promise<boolean> {
    const from = cursor.offset;
    const found = await cursor.skipDamage();
    const length = cursor.offset - from;
    const bytes = await readBytes(segmentPath(this.#dir, segment), from, length);
    const whole = this.#erasures.filter(({ log_id }) => log_id === null);
    if (whole.some(({ customer_id }) => bytes.includes(customer_id))) {
      await this.#overwriter.add({ file: fileOf(segment), offset: from, length, head: Buffer.alloc(0), fill: 0 });
      this.#damaged += length;
    } else if (bytes.some((byte) => byte !== 0)) this.#unreadable += length;
    return found;
  }

  /** What the database did not take, one JSON object a line: covered lines become empty objects of the same length. */
  async #refused(): Promise<void> {
    const file = 'refused.ndjson';
    if (!(await readdir(this.#dir)).includes(file)) return;
    for await (const { line, offset } of linesOf(join(this.#dir, file))) {
      if (!this.#names.some((name) => line.includes(name))) continue;
      const counts = this.#counts[this.#erasureOf(line)];
      if (counts === undefined) continue;
      await this.#overwriter.add({ file, offset, length: line.length, head: Buffer.from('{}'), fill: 0x20 });
      count(counts.erased, 'refused');
    }
  }

  /** Which erasure covers a refused row; -1: none. */
  #erasureOf(line: Buffer): number {
    try {
      const { row } = JSON.parse(line.toString('utf8')) as { row?: Readonly<Record<string, unknown>> };
      if (row === undefined) return -1;
      return this.#erasures.findIndex(
        ({ customer_id, log_id, before_ms }) =>
          row.customer_id === customer_id && (log_id === null ? rowMs(row) <= before_ms : row.log_id === log_id),
      );
    } catch {
      // Torn by a crash: nobody reads it any more, and it names the customer.
      return this.#erasures.findIndex(({ customer_id, log_id }) => log_id === null && line.includes(customer_id));
    }
  }
}

/** When a row of any table began; 0 where it does not say: then it goes. */
function rowMs(row: Readonly<Record<string, unknown>>): number {
  if (typeof row.t_ms === 'number') return row.t_ms;
  const iso = row.timestamp ?? row.started_at ?? row.opened_at;
  const ms = typeof iso === 'string' ? Date.parse(iso) : 0;
  return Number.isNaN(ms) ? 0 : ms;
}

/** Header and head of a frame whose payload is `head` and zeros. */
function frameHead(head: Buffer, payloadBytes: number, salt: number): Buffer {
  const frame = Buffer.alloc(FRAME_HEADER_BYTES + payloadBytes);
  head.copy(frame, FRAME_HEADER_BYTES);
  sealFrame(frame, 0, payloadBytes, salt);
  return frame.subarray(0, FRAME_HEADER_BYTES + head.length);
}

function fileOf(segment: number): string {
  return segmentPath('', segment);
}

function count(counts: Counts, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}

async function readBytes(path: string, offset: number, length: number): Promise<Buffer> {
  const handle = await open(path, 'r').catch(nullIfMissing);
  if (handle === null) return Buffer.alloc(0);
  try {
    const bytes = Buffer.alloc(length);
    const { bytesRead } = await handle.read(bytes, 0, length, offset);
    return bytes.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

const CHUNK_BYTES = 1024 * 1024;

/** Whole lines, without their end; one that is being appended is not there yet. */
async function* linesOf(path: string): AsyncGenerator<{ line: Buffer; offset: number }, void, undefined> {
  const handle = await open(path, 'r').catch(nullIfMissing);
  if (handle === null) return;
  try {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    let rest: Buffer = Buffer.alloc(0);
    let offset = 0;
    for (;;) {
      const { bytesRead } = await handle.read(chunk, 0, CHUNK_BYTES, offset + rest.length);
      if (bytesRead === 0) return;
      let bytes: Buffer = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
      for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a)) {
        if (end > 2) yield { line: bytes.subarray(0, end), offset };
        offset += end + 1;
        bytes = bytes.subarray(end + 1);
      }
      rest = bytes;
    }
  } finally {
    await handle.close();
  }
}

function nullIfMissing(error: unknown): null {
  if (systemCode(error) === 'ENOENT') return null;
  throw error;
}
